//! Whether uploaded bytes are a plugin, before anything is compiled.
//!
//! It parses, turns a core module with embedded WIT into a component, looks at imports and exports, and validates.
//! It runs in the compile process, so that a parser's bug meets nothing of value. It compiles nothing.
//! Invariant: what passes is a valid component of exactly one of our worlds that imports nothing but `log`.

use crate::plugin::World;
use std::borrow::Cow;
use wasmparser::{Parser, Payload, Validator};
use wit_component::ComponentEncoder;

/// What a component may import: the log, and the types its functions use (which hold no functions).
const IMPORTS: [&str; 2] = ["tidegate:plugin/log@0.1.0", "tidegate:plugin/types@0.1.0"];
const LIFECYCLE: &str = "tidegate:plugin/lifecycle@0.1.0";
/// Names put into one message.
const NAMES_MAX: usize = 8;

/// Why bytes are not a plugin, in words for who uploaded them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Not WebAssembly at all.
    #[error(
        "the body is not a webassembly file (it does not begin with \\0asm); upload the .wasm itself"
    )]
    NotWasm,
    /// A core module that does not say what it is.
    #[error(
        "the file is a core module without embedded wit, so it cannot be made a component; build it with the tidegate \
         sdk or wit-bindgen, or componentize it first"
    )]
    NoWit,
    /// It wants more of the host than there is.
    #[error("the plugin imports {0}, and may import tidegate:plugin/log@0.1.0 only{1}")]
    Imports(String, &'static str),
    /// It is none of our worlds, or several.
    #[error(
        "the component exports {0}; a plugin exports tidegate:plugin/lifecycle@0.1.0 and exactly one of \
         tidegate:plugin/transformer@0.1.0, predicate-tester and formatter"
    )]
    World(String),
    /// Not valid.
    #[error("the file is not a valid component: {0}")]
    Invalid(String),
}

const NO_WASI: &str = "; build it without wasi: for rust, target wasm32-unknown-unknown (not wasm32-wasip1 or \
                       wasip2); for other languages, with wasi stubbed out (see docs/guide)";

/// A component that may be compiled.
pub(crate) struct Checked<'a> {
    pub(crate) component: Cow<'a, [u8]>,
    pub(crate) world: World,
}

/// Checks uploaded bytes.
pub(crate) fn check(bytes: &[u8]) -> Result<Checked<'_>, CheckError> {
    let component = if Parser::is_component(bytes) {
        Cow::Borrowed(bytes)
    } else if Parser::is_core_wasm(bytes) {
        Cow::Owned(componentize(bytes)?)
    } else {
        return Err(CheckError::NotWasm);
    };
    let names = top_level(&component)?;
    check_imports(names.imports.iter().map(String::as_str), &IMPORTS)?;
    let world = world_of(&names.exports)?;
    Validator::new()
        .validate_all(&component)
        .map_err(|e| invalid(&e))?;
    Ok(Checked { component, world })
}

fn invalid(e: &dyn std::fmt::Display) -> CheckError {
    CheckError::Invalid(crate::text::clean(
        &e.to_string(),
        crate::text::GUEST_TEXT_BYTES_MAX,
    ))
}

fn componentize(module: &[u8]) -> Result<Vec<u8>, CheckError> {
    let (mut wit, mut wasi) = (false, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(|e| invalid(&e))? {
            Payload::CustomSection(c) => wit |= c.name().starts_with("component-type"),
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(|e| invalid(&e))?;
                    if import.module.starts_with("wasi") {
                        wasi.push(import.module.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    check_imports(wasi.iter().map(String::as_str), &[])?;
    if !wit {
        return Err(CheckError::NoWit);
    }
    let encoded = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.validate(false).encode());
    encoded.map_err(|e| invalid(&format!("{e:#}")))
}

struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// Imports and exports of the component itself, not of those inside it.
fn top_level(component: &[u8]) -> Result<Names, CheckError> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|e| invalid(&e))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(s) if depth == 0 => {
                for import in s {
                    imports.push(import.map_err(|e| invalid(&e))?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(s) if depth == 0 => {
                for export in s {
                    exports.push(export.map_err(|e| invalid(&e))?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(Names { imports, exports })
}

fn check_imports<'a>(
    imports: impl Iterator<Item = &'a str>,
    allowed: &[&str],
) -> Result<(), CheckError> {
    let mut others: Vec<&str> = imports.filter(|i| !allowed.contains(i)).collect();
    if others.is_empty() {
        return Ok(());
    }
    others.dedup();
    let wasi = others.iter().any(|i| i.starts_with("wasi"));
    Err(CheckError::Imports(
        names(&others),
        if wasi { NO_WASI } else { "" },
    ))
}

fn world_of(exports: &[String]) -> Result<World, CheckError> {
    let has = |name: &str| exports.iter().any(|e| e == name);
    let mut worlds = World::ALL.into_iter().filter(|w| has(w.own_export()));
    match (worlds.next(), worlds.next()) {
        (Some(world), None) if has(LIFECYCLE) => Ok(world),
        _ => {
            let all: Vec<&str> = exports.iter().map(String::as_str).collect();
            Err(CheckError::World(names(&all)))
        }
    }
}

fn names(all: &[&str]) -> String {
    if all.is_empty() {
        return "nothing".to_owned();
    }
    let more = all.len().saturating_sub(NAMES_MAX);
    let mut shown: Vec<String> = all
        .iter()
        .take(NAMES_MAX)
        .map(|n| crate::text::clean(n, 100))
        .collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plugin_is_refused_with_the_reason() {
        let wasi_core = wat::parse_str(
            r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#,
        );
        let wasi = wat::parse_str(
            r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func)))))"#,
        );
        let other = wat::parse_str(r#"(component (import "acme:x/y" (func)))"#);
        for (bytes, why) in [
            (b"hello".to_vec(), "not a webassembly file"),
            (Vec::new(), "not a webassembly file"),
            (wasi_core.unwrap(), "wasm32-unknown-unknown"),
            (wasi.unwrap(), "wasm32-unknown-unknown"),
            (other.unwrap(), "imports acme:x/y"),
            (wat::parse_str("(module)").unwrap(), "without embedded wit"),
            (wat::parse_str("(component)").unwrap(), "exports nothing"),
            (
                b"\0asm\x0d\0\x01\0\xff\xff\xff".to_vec(),
                "not a valid component",
            ),
        ] {
            let e = check(&bytes)
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default();
            assert!(e.contains(why), "{e:?} should contain {why}");
        }
    }
}
