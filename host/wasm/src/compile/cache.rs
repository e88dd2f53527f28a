//! Compiled code on disk.
//!
//! A file is named by the digest of the plugin and the engine's compatibility, and holds a MAC, the world and the code.
//! The key is a file of its own that only this user may read. Losing the directory costs compile time, nothing else.
//! Whatever ends in `.cwasm` or `.tmp` in the directory counts as the cache's, and goes when there is too much of it.
//! Invariant: [`Cache::get`] yields only what [`Cache::put`] of a holder of the key wrote for the same plugin.

use super::child::{byte_of_world, world_from_byte};
use crate::plugin::{Digest, World};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;

/// The directory and its key.
pub(crate) struct Cache {
    dir: PathBuf,
    key: [u8; KEY_BYTES],
    compatibility: u64,
    bytes_max: u64,
    /// Makes names of unfinished files unique within the process.
    next: AtomicU64,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cache({})", self.dir.display())
    }
}

impl Cache {
    pub(crate) fn open(dir: &Path, compatibility: u64, bytes_max: u64) -> io::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            key: key(&dir.join("key"))?,
            compatibility,
            bytes_max,
            next: AtomicU64::new(0),
        })
    }
    fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!(
            "{}-{:016x}.cwasm",
            digest.hex(),
            self.compatibility
        ))
    }
    /// Code stored for a plugin; `None` where there is none or it was tampered with.
    pub(crate) fn get(&self, digest: Digest) -> Option<(World, Vec<u8>)> {
        let bytes = std::fs::read(self.path(digest)).ok()?;
        let (mac, sealed) = bytes.split_at_checked(MAC_BYTES)?;
        if self.mac(digest, sealed)?.verify_slice(mac).is_err() {
            tracing::warn!(%digest, "compiled plugin in the cache is not ours or damaged; compiling it again");
            return None;
        }
        let (world, code) = sealed.split_first()?;
        Some((world_from_byte(*world)?, code.to_vec()))
    }
    /// Stores code, whole or not at all.
    pub(crate) fn put(&self, digest: Digest, world: World, code: &[u8]) -> io::Result<()> {
        let mut sealed = Vec::with_capacity(code.len() + 1);
        sealed.push(byte_of_world(world));
        sealed.extend_from_slice(code);
        let mac = self
            .mac(digest, &sealed)
            .ok_or_else(|| io::Error::other("making the mac"))?
            .finalize()
            .into_bytes();
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = self
            .dir
            .join(format!("{}.{}.{n}.tmp", digest.hex(), std::process::id()));
        let written = private(&unfinished).and_then(|mut f| {
            f.write_all(&mac)?;
            f.write_all(&sealed)?;
            std::fs::rename(&unfinished, self.path(digest))
        });
        if written.is_err() {
            drop(std::fs::remove_file(&unfinished));
        }
        written?;
        self.prune(&self.path(digest))
    }
    /// Removes the oldest files until the others fit; never `kept`.
    fn prune(&self, kept: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let ours = path.extension().is_some_and(|e| e == "cwasm" || e == "tmp");
            // Another process may have pruned it by now.
            if let Some(meta) = path.metadata().ok().filter(|_| ours) {
                files.push((meta.modified()?, meta.len(), path));
            }
        }
        let mut bytes: u64 = files.iter().map(|f| f.1).sum();
        files.sort();
        for (_, len, path) in files {
            if bytes <= self.bytes_max {
                break;
            }
            if path != kept {
                drop(std::fs::remove_file(path));
                bytes = bytes.saturating_sub(len);
            }
        }
        Ok(())
    }
    fn mac(&self, digest: Digest, sealed: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(&digest.0);
        mac.update(&self.compatibility.to_le_bytes());
        mac.update(sealed);
        Some(mac)
    }
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// The key, made at first use. Two processes that start at once agree on the one whose link came first.
fn key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    if !path.exists() {
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        let own = path.with_extension(format!("{}.tmp", std::process::id()));
        private(&own)?.write_all(&key)?;
        let linked = std::fs::hard_link(&own, path);
        std::fs::remove_file(&own)?;
        match linked {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
    }
    File::open(path)?.read_exact(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_untouched_files_are_loaded() {
        let dir = std::env::temp_dir().join(format!("tidegate-cache-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&dir));
        let cache = Cache::open(&dir, 7, 1000).unwrap();
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        assert_eq!(cache.get(a), None);
        cache.put(a, World::Format, b"code").unwrap();
        assert_eq!(cache.get(a), Some((World::Format, b"code".to_vec())));
        let again = Cache::open(&dir, 7, 1000).unwrap();
        assert_eq!(again.get(a), cache.get(a), "the key is kept");
        let newer = Cache::open(&dir, 8, 1000).unwrap();
        assert_eq!(newer.get(a), None, "another engine");
        std::fs::copy(cache.path(a), newer.path(a)).unwrap();
        assert_eq!(newer.get(a), None, "another engine's file");
        std::fs::copy(cache.path(a), cache.path(b)).unwrap();
        assert_eq!(cache.get(b), None, "another plugin's file");
        for byte in [0, MAC_BYTES, MAC_BYTES + 2] {
            let mut bytes = std::fs::read(cache.path(a)).unwrap();
            bytes[byte] ^= 1;
            std::fs::write(cache.path(b), &bytes).unwrap();
            std::fs::copy(cache.path(b), cache.path(a)).unwrap();
            assert_eq!(cache.get(a), None, "byte {byte} was changed");
            cache.put(a, World::Format, b"code").unwrap();
        }
        std::fs::write(dir.join("key"), [9; KEY_BYTES]).unwrap();
        assert_eq!(
            Cache::open(&dir, 7, 1000).unwrap().get(a),
            None,
            "another key"
        );
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let dir = std::env::temp_dir().join(format!("tidegate-prune-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&dir));
        let cache = Cache::open(&dir, 7, 3 * 133).unwrap();
        let all: Vec<Digest> = (0..5u8).map(|i| Digest::of(&[i])).collect();
        let held = || -> Vec<bool> { all.iter().map(|d| cache.get(*d).is_some()).collect() };
        for (age_s, d) in [(30, 1), (20, 0), (10, 2)] {
            // 32 bytes of MAC, one for the world.
            cache.put(all[d], World::Format, &[0; 100]).unwrap();
            let file = OpenOptions::new()
                .write(true)
                .open(cache.path(all[d]))
                .unwrap();
            let then = std::time::SystemTime::now() - std::time::Duration::from_secs(age_s);
            file.set_modified(then).unwrap();
        }
        assert_eq!(held(), [true, true, true, false, false]);
        cache.put(all[3], World::Format, &[0; 100]).unwrap();
        assert_eq!(
            held(),
            [true, false, true, true, false],
            "the oldest is gone"
        );
        cache.put(all[4], World::Format, &[0; 1000]).unwrap();
        assert_eq!(
            held(),
            [false, false, false, false, true],
            "one that fills it stays"
        );
        assert!(dir.join("key").exists());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
