//! From a class and a version in a configuration to a plugin.
//!
//! Full names first; simple names (`JsonConverter`, `MaskField$Value`) and those without their kind (`Json`) where
//! only one plugin has them, as Connect's `PluginUtils` does. Invariant: every error names what was asked for and what
//! there is.

use super::name::{PluginName, VersionSpec, padded};
use super::{Catalog, shown};
use crate::plugin::{Plugin, World};
use host_core::config::suggest;
use host_core::id::TenantId;
use semver::Version;
use std::sync::Arc;

/// Names listed in one message.
const NAMES_MAX: usize = 10;

/// Why no plugin was found. All of these are a user's mistake (HTTP 400).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No plugin of this class.
    #[error("{kind} class {class} could not be found; {hint}")]
    Class {
        /// What was looked for.
        kind: World,
        /// As configured.
        class: String,
        /// What to do.
        hint: String,
    },
    /// The class is something else.
    #[error("class {class} is a {is}, not a {wanted}; configure it where a {is} belongs")]
    Kind {
        /// As configured.
        class: String,
        /// What it is.
        is: World,
        /// What was looked for.
        wanted: World,
    },
    /// Several plugins have this simple name.
    #[error("class {class} is ambiguous; give the full name, one of {classes}")]
    Ambiguous {
        /// As configured.
        class: String,
        /// What it may mean.
        classes: String,
    },
    /// The class has no such version.
    #[error("{class} has no version {version}; available: {available}")]
    Version {
        /// Its class.
        class: String,
        /// As configured.
        version: String,
        /// What there is.
        available: String,
    },
}

impl ResolveError {
    /// Whether the version is at fault, and not the class: the finding then belongs to `plugin.version`.
    pub fn is_about_version(&self) -> bool {
        matches!(self, Self::Version { .. })
    }
}

impl Catalog {
    /// The plugin of a class as configured, and the full name of its class, which is what it is to be configured as.
    pub fn resolve(
        &self,
        tenant: &TenantId,
        class: &str,
        version: Option<&str>,
        world: World,
    ) -> Result<(Arc<Plugin>, String), ResolveError> {
        let mut known: Vec<(Arc<str>, Arc<Plugin>)> = Vec::new();
        for plugin in self.list(tenant) {
            known.extend(
                plugin
                    .classes()
                    .iter()
                    .map(|c| (Arc::clone(c), Arc::clone(&plugin))),
            );
        }
        let full = full_name(class, world, &known)?;
        let named: Vec<&Arc<Plugin>> = known
            .iter()
            .filter(|(c, _)| **c == *full)
            .map(|(_, p)| p)
            .collect();
        if let Some(other) = named
            .first()
            .filter(|_| named.iter().all(|p| p.world() != world))
        {
            return Err(ResolveError::Kind {
                class: shown(class),
                is: other.world(),
                wanted: world,
            });
        }
        let versions: Vec<(Version, &Arc<Plugin>)> = named
            .into_iter()
            .filter(|p| p.world() == world)
            .map(|p| (padded(p.version()).unwrap_or(Version::new(0, 0, 0)), p))
            .collect();
        let found = VersionSpec::parse(version)
            .and_then(|spec| spec.select(versions.iter().map(|(v, p)| (v, *p))));
        let Some(plugin) = found else {
            let available: Vec<&str> = versions.iter().map(|(_, p)| p.version()).collect();
            return Err(ResolveError::Version {
                class: shown(class),
                version: shown(version.unwrap_or("latest")),
                available: available.join(", "),
            });
        };
        Ok((Arc::clone(plugin), full))
    }
}

/// The full name that a configured class stands for.
fn full_name(
    class: &str,
    world: World,
    known: &[(Arc<str>, Arc<Plugin>)],
) -> Result<String, ResolveError> {
    if known.iter().any(|(c, _)| **c == *class) {
        return Ok(class.to_owned());
    }
    let mut matching: Vec<&str> = known
        .iter()
        .filter(|(c, p)| p.world() == world && is_alias(class, c, world))
        .map(|(c, _)| &**c)
        .collect();
    matching.sort_unstable();
    matching.dedup();
    match matching.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(ResolveError::Class {
            kind: world,
            class: shown(class),
            hint: hint(class, world, known),
        }),
        several => Err(ResolveError::Ambiguous {
            class: shown(class),
            classes: several.join(", "),
        }),
    }
}

fn is_alias(alias: &str, class: &str, world: World) -> bool {
    let simple = class.rsplit('.').next().unwrap_or(class);
    let kinds: &[&str] = match world {
        World::Transform => &["Transformation"],
        World::Predicate => &["Predicate"],
        World::Format => &["HeaderConverter", "Converter"],
    };
    let pruned = kinds.iter().find_map(|k| simple.strip_suffix(k));
    alias == simple || pruned.is_some_and(|p| !p.is_empty() && alias == p)
}

fn hint(class: &str, world: World, known: &[(Arc<str>, Arc<Plugin>)]) -> String {
    let classes = || {
        known
            .iter()
            .filter(|(_, p)| p.world() == world)
            .map(|(c, _)| &**c)
    };
    if let Some(near) = suggest(class, classes()) {
        return format!("did you mean {near}?");
    }
    if let Some(name) = PluginName::from_class(class) {
        return format!("upload it first: PUT /plugins/{name}/versions/<version>");
    }
    let mut all: Vec<&str> = classes().collect();
    all.sort_unstable();
    all.dedup();
    let more = all.len().saturating_sub(NAMES_MAX);
    all.truncate(NAMES_MAX);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("available: {}{rest}", all.join(", "))
}
