//! Where things are: the checkout, its build output and the download cache.
//!
//! Nothing else in xtask spells a path from scratch. Invariant: every path is absolute, so no
//! command depends on the folder it was started in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The checkout's root folder and everything named relative to it.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    folder: PathBuf,
}

impl Root {
    /// The folder above xtask's own manifest, as cargo gives it at run time.
    pub(crate) fn find() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let folder = manifest
            .parent()
            .context("finding the checkout: xtask's manifest has no parent folder")?;
        Self::at(folder)
    }

    /// A checkout at a given folder.
    pub(crate) fn at(folder: &Path) -> Result<Self> {
        let folder = folder
            .canonicalize()
            .with_context(|| format!("finding the checkout at {}", folder.display()))?;
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn join(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// The guests' workspace.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.join("plugins")
    }

    /// Finished components and their manifest; read by `host/wasm`'s build script.
    pub(crate) fn components(&self) -> PathBuf {
        self.join("target/plugins")
    }

    /// Build output of the guests compiled for this machine, for lints and unit tests.
    pub(crate) fn native_plugins_target(&self) -> PathBuf {
        self.join("target/guests-native")
    }

    /// Data, pid files and logs of services started by us; gone after `cargo clean`.
    pub(crate) fn services(&self) -> PathBuf {
        self.join("target/services")
    }

    /// A binary of the workspace's debug build.
    pub(crate) fn debug_binary(&self, name: &str) -> PathBuf {
        self.join("target/debug").join(name)
    }

    /// A binary of the workspace's release build.
    pub(crate) fn release_binary(&self, name: &str) -> PathBuf {
        self.join("target/release").join(name)
    }
}

/// The folder for downloads and unpacked servers, outside `target` so that they outlive
/// `cargo clean`. Created if absent.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let set = |key: &str| std::env::var_os(key).map(PathBuf::from);
    let Some(folder) = choose_cache(
        set("TIDEGATE_CACHE_DIR"),
        set("XDG_CACHE_HOME"),
        set("HOME"),
    ) else {
        bail!("choosing a cache folder: HOME is not set; set TIDEGATE_CACHE_DIR to a folder");
    };
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("creating the cache folder {}", folder.display()))?;
    folder
        .canonicalize()
        .with_context(|| format!("resolving the cache folder {}", folder.display()))
}

/// `TIDEGATE_CACHE_DIR`, else `$XDG_CACHE_HOME/tidegate`, else `~/.cache/tidegate`; an empty
/// variable counts as unset, as the XDG specification says.
fn choose_cache(
    own: Option<PathBuf>,
    xdg: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    let filled = |path: Option<PathBuf>| path.filter(|p| !p.as_os_str().is_empty());
    filled(own)
        .or_else(|| filled(xdg).map(|p| p.join("tidegate")))
        .or_else(|| filled(home).map(|p| p.join(".cache/tidegate")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_folder_follows_the_first_variable_set() {
        let check = |own: &str, xdg: &str, home: &str, expected: Option<&str>| {
            let path = |s: &str| (!s.is_empty()).then(|| PathBuf::from(s));
            assert_eq!(
                choose_cache(path(own), path(xdg), path(home)),
                expected.map(PathBuf::from)
            );
        };
        check("/own", "/xdg", "/home", Some("/own"));
        check("", "/xdg", "/home", Some("/xdg/tidegate"));
        check("", "", "/home", Some("/home/.cache/tidegate"));
        check("", "", "", None);
        let empty = choose_cache(Some(PathBuf::new()), None, Some("/h".into()));
        assert_eq!(empty, Some(PathBuf::from("/h/.cache/tidegate")));
    }
}
