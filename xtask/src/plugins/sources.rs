//! One hash over everything a component is made of.
//!
//! Covers file names and bytes under given folders, leaving out build output and hidden files. It
//! deliberately ignores times and permissions, so a fresh clone and an old checkout agree.
//! Invariant: two different trees never feed the hasher the same bytes (every part is
//! length-prefixed).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// SHA-256, in hex, of all files under the folders, by path relative to each folder.
pub(crate) fn hash(folders: &[PathBuf]) -> Result<String> {
    let mut hasher = Sha256::new();
    for folder in folders {
        let mut files = Vec::new();
        collect(folder, &mut files)?;
        files.sort();
        part(&mut hasher, &(files.len() as u64).to_le_bytes());
        for file in files {
            let name = file.strip_prefix(folder).unwrap_or(&file);
            let bytes = std::fs::read(&file)
                .with_context(|| format!("hashing the source {}", file.display()))?;
            part(&mut hasher, name.as_os_str().as_encoded_bytes());
            part(&mut hasher, &bytes);
        }
    }
    Ok(hex(&hasher.finalize()))
}

/// The cache key: a compiler change rebuilds as a source change does.
pub(crate) fn with_toolchain(sources: &str, version: &str) -> String {
    let mut hasher = Sha256::new();
    part(&mut hasher, sources.as_bytes());
    part(&mut hasher, version.as_bytes());
    // The way components are made is part of the key too.
    part(&mut hasher, b"wit-component validate 1");
    hex(&hasher.finalize())
}

/// SHA-256 of bytes, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let reading = || format!("listing the sources in {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name();
        if name == "target" || name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().with_context(reading)?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn part(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_follows_names_and_bytes_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("xtask-hash-{}", std::process::id()));
        let inside = folder.join("src");
        std::fs::create_dir_all(folder.join("target")).unwrap();
        std::fs::create_dir_all(&inside).unwrap();
        let of = || hash(std::slice::from_ref(&folder)).unwrap();
        std::fs::write(inside.join("a.rs"), "ab").unwrap();
        let first = of();
        std::fs::write(folder.join("target/x"), "built").unwrap();
        std::fs::write(folder.join(".hidden"), "editor").unwrap();
        assert_eq!(of(), first, "build output and hidden files do not count");
        std::fs::write(inside.join("a.rs"), "abc").unwrap();
        let changed = of();
        assert_ne!(changed, first, "bytes count");
        std::fs::rename(inside.join("a.rs"), inside.join("b.rs")).unwrap();
        assert_ne!(of(), changed, "names count");
        std::fs::rename(inside.join("b.rs"), inside.join("a.rs")).unwrap();
        assert_eq!(of(), changed, "and only they");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn digests_are_plain_sha256() {
        assert_eq!(
            digest(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_ne!(with_toolchain("a", "1"), with_toolchain("a", "2"));
        assert_ne!(with_toolchain("a", "12"), with_toolchain("a1", "2"));
    }
}
