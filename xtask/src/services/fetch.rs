//! Downloads that happen once: into a temporary name, renamed when complete.
//!
//! Deliberately knows nothing of what is fetched. Invariant: a folder under its final name in the
//! cache is whole, whenever an earlier run was killed; two runs never fetch the same thing at once.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::root;

/// The cache's folder `name`; if absent, `make` fills a temporary one (second argument: a folder
/// for logs), which then gets the name.
pub(crate) fn once(name: &str, make: impl FnOnce(&Path, &Path) -> Result<()>) -> Result<PathBuf> {
    once_in(&root::cache_folder()?, name, make)
}

fn once_in(
    cache: &Path,
    name: &str,
    make: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<PathBuf> {
    let folder = cache.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let _lock = super::hold(&cache.join(format!("{name}.lock")))?;
    // Another run may have finished it while this one waited.
    if folder.is_dir() {
        return Ok(folder);
    }
    let part = cache.join(format!("{name}.part"));
    if part.exists() {
        std::fs::remove_dir_all(&part)
            .with_context(|| format!("removing an unfinished download in {}", part.display()))?;
    }
    std::fs::create_dir_all(&part).with_context(|| format!("creating {}", part.display()))?;
    make(&part, &cache.join("logs"))?;
    std::fs::rename(&part, &folder)
        .with_context(|| format!("naming the finished download {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn only_a_whole_download_gets_its_name() {
        let cache = std::env::temp_dir().join(format!("xtask-fetch-{}", std::process::id()));
        std::fs::create_dir_all(&cache).unwrap();
        let broken = once_in(&cache, "server", |part, _| {
            std::fs::write(part.join("half"), "x").unwrap();
            bail!("the line went dead")
        });
        assert_eq!(broken.unwrap_err().to_string(), "the line went dead");
        assert!(!cache.join("server").exists());
        let folder = once_in(&cache, "server", |part, _| {
            std::fs::write(part.join("whole"), "x").unwrap();
            Ok(())
        });
        let folder = folder.unwrap();
        assert!(folder.join("whole").exists() && !folder.join("half").exists());
        once_in(&cache, "server", |_, _| bail!("fetched twice")).unwrap();
        std::fs::remove_dir_all(&cache).unwrap();
    }
}
