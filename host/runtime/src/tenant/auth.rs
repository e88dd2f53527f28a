//! Who somebody is: the authentication file, and the credentials checked against it.
//!
//! The file is TOML:
//!
//! ```toml
//! [operators]                       # of the host; may set tenants' quotas
//! root = "$argon2id$…"              # made by `tidegate auth hash`
//! [tenants.acme.users]
//! alice = { role = "author", hash = "$argon2id$…" }
//! ```
//!
//! Basic credentials name a user as `acme/alice`, or as `alice` where only one tenant has one; an operator is
//! `operator/root`. A bearer token is the same two parts in one: `acme/alice:secret`.
//! Verified credentials are remembered by a salted digest for `CACHE_TTL`, so that hashing never sets the latency.
//! Invariant: a changed file forgets every remembered credential, and a check that it overtakes counts for nothing where
//! its user has changed; a file that cannot be read keeps the last good one.

use super::{Principal, Role};
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use host_core::id::TenantId;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Semaphore;

/// How long a verified credential is remembered.
pub(super) const CACHE_TTL: Duration = Duration::from_mins(1);
/// Credentials remembered at a time.
pub(super) const CACHE_ENTRIES_MAX: usize = 1024;
/// Checks of passwords that may wait for their turn; more are refused, so that a flood of wrong ones stays harmless.
pub(super) const CHECKS_WAITING_MAX: usize = 32;
const RELOAD_EVERY: Duration = Duration::from_secs(1);

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// Unknown name or wrong secret; which of them is not said.
    Denied,
    /// Too many checks are waiting; try again.
    Busy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthFile {
    #[serde(default)]
    operators: BTreeMap<String, String>,
    #[serde(default)]
    tenants: BTreeMap<String, TenantEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantEntry {
    #[serde(default)]
    users: BTreeMap<String, UserEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    role: Role,
    hash: String,
}

struct Loaded {
    file: AuthFile,
    modified: Option<SystemTime>,
    checked: Instant,
    verified: HashMap<[u8; 32], (Principal, Instant)>,
}

/// The authentication file in force.
pub struct Tenants {
    path: PathBuf,
    state: Mutex<Loaded>,
    checks: Semaphore,
    waiting: Semaphore,
    salt: [u8; 16],
}

impl Tenants {
    /// Reads the file; the error says what is wrong where in it.
    pub fn load(path: &Path) -> Result<Self, String> {
        let (file, modified) = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(Loaded {
                file,
                modified,
                checked: Instant::now(),
                verified: HashMap::new(),
            }),
            checks: Semaphore::new(1),
            waiting: Semaphore::new(CHECKS_WAITING_MAX),
            salt: *uuid::Uuid::new_v4().as_bytes(),
        })
    }

    /// Tenants the file names.
    pub fn names(&self) -> Vec<TenantId> {
        self.reload_if_changed();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .file
            .tenants
            .keys()
            .filter_map(|t| TenantId::new(t))
            .collect()
    }

    /// Whose these credentials are. `user` is `tenant/name`, `name` or `operator/name`.
    pub async fn authenticate(&self, user: &str, secret: &str) -> Result<Principal, AuthError> {
        self.reload_if_changed();
        let digest = self.digest(user, secret);
        let claimed = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((p, at)) = state.verified.get(&digest)
                && at.elapsed() < CACHE_TTL
            {
                return Ok(p.clone());
            }
            find(&state.file, user).ok_or(AuthError::Denied)?
        };
        let _place = self.waiting.try_acquire().map_err(|_| AuthError::Busy)?;
        let _turn = self.checks.acquire().await.map_err(|_| AuthError::Busy)?;
        let secret = secret.to_owned();
        let verifying =
            tokio::task::spawn_blocking(move || verify(&claimed.1, &secret).then_some(claimed));
        let verified = verifying.await.ok().flatten().ok_or(AuthError::Denied)?;
        self.admit(user, digest, verified)
    }

    /// Remembers a verified credential, unless its user has been removed or changed since the check began: such a check
    /// counts for nothing.
    fn admit(
        &self,
        user: &str,
        digest: [u8; 32],
        verified: (Principal, String),
    ) -> Result<Principal, AuthError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if find(&state.file, user).as_ref() != Some(&verified) {
            return Err(AuthError::Denied);
        }
        let (principal, _) = verified;
        if state.verified.len() >= CACHE_ENTRIES_MAX {
            state.verified.retain(|_, (_, at)| at.elapsed() < CACHE_TTL);
        }
        if state.verified.len() < CACHE_ENTRIES_MAX {
            state
                .verified
                .insert(digest, (principal.clone(), Instant::now()));
        }
        Ok(principal)
    }

    /// Whose bearer token this is: `tenant/name:secret`.
    pub async fn authenticate_token(&self, token: &str) -> Result<Principal, AuthError> {
        let (user, secret) = token.split_once(':').ok_or(AuthError::Denied)?;
        self.authenticate(user, secret).await
    }

    fn digest(&self, user: &str, secret: &str) -> [u8; 32] {
        let mut h = Sha256::new();
        h.update(self.salt);
        h.update((user.len() as u64).to_le_bytes());
        h.update(user);
        h.update(secret);
        h.finalize().into()
    }

    fn reload_if_changed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.checked.elapsed() < RELOAD_EVERY {
            return;
        }
        state.checked = Instant::now();
        let modified = std::fs::metadata(&self.path)
            .and_then(|m| m.modified())
            .ok();
        if modified == state.modified {
            return;
        }
        match read(&self.path) {
            Ok((file, modified)) => {
                tracing::info!(file = %self.path.display(), "reloaded the authentication file");
                state.file = file;
                state.modified = modified;
                state.verified.clear();
            }
            Err(e) => {
                tracing::error!("keeping the last good authentication file: {e}");
                state.modified = modified;
            }
        }
    }
}

fn read(path: &Path) -> Result<(AuthFile, Option<SystemTime>), String> {
    let shown = path.display();
    let modified = std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let text = std::fs::read_to_string(path).map_err(|e| {
        format!("reading the authentication file {shown}: {e}; see tidegate.auth.file")
    })?;
    // toml's own message quotes the line, which may hold a hash; its span does not.
    let file: AuthFile = toml::from_str(&text).map_err(|e| {
        let line = e
            .span()
            .map_or(0, |s| text[..s.start.min(text.len())].lines().count());
        format!(
            "reading the authentication file {shown}: near line {line}: {}",
            e.message()
        )
    })?;
    for name in file.tenants.keys() {
        if TenantId::new(name).is_none() || name == "operator" {
            return Err(format!(
                "reading the authentication file {shown}: '{name}' cannot name a tenant; use 1 to 63 of a-z, 0-9 and \
                 '-', beginning with a letter, and not 'operator'"
            ));
        }
    }
    let users = file.tenants.iter().flat_map(|(t, e)| {
        e.users
            .iter()
            .map(move |(u, x)| (format!("{t}/{u}"), &x.hash))
    });
    let operators = file
        .operators
        .iter()
        .map(|(o, h)| (format!("operator/{o}"), h));
    for (who, hash) in users.chain(operators) {
        if PasswordHash::new(hash).is_err() {
            return Err(format!(
                "reading the authentication file {shown}: the hash of {who} is not an argon2 hash; make one with \
                 `tidegate auth hash`"
            ));
        }
    }
    Ok((file, modified))
}

/// The principal and hash of a user's name.
fn find(file: &AuthFile, user: &str) -> Option<(Principal, String)> {
    let of_tenant = |tenant: &str, name: &str| {
        let entry = file.tenants.get(tenant)?.users.get(name)?;
        let principal = Principal {
            tenant: Some(TenantId::new(tenant)?),
            name: name.to_owned(),
            role: entry.role,
        };
        Some((principal, entry.hash.clone()))
    };
    match user.split_once('/') {
        Some(("operator", name)) => {
            let principal = Principal {
                tenant: None,
                name: name.to_owned(),
                role: Role::Operator,
            };
            Some((principal, file.operators.get(name)?.clone()))
        }
        Some((tenant, name)) => of_tenant(tenant, name),
        None => {
            let mut all = file
                .tenants
                .iter()
                .filter(|(_, e)| e.users.contains_key(user));
            let (tenant, _) = all.next()?;
            if all.next().is_some() {
                return None;
            }
            of_tenant(tenant, user)
        }
    }
}

fn verify(hash: &str, secret: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|h| {
        Argon2::default()
            .verify_password(secret.as_bytes(), &h)
            .is_ok()
    })
}

/// An argon2id hash of a secret with a fresh salt, as `tidegate auth hash` prints it.
pub fn hash_password(secret: &str) -> Result<String, String> {
    let salt = SaltString::encode_b64(uuid::Uuid::new_v4().as_bytes())
        .map_err(|e| format!("making a salt: {e}"))?;
    Argon2::default()
        .hash_password(secret.as_bytes(), &salt)
        .map(|h| h.to_string())
        .map_err(|e| format!("hashing a secret: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("tidegate-auth-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[tokio::test]
    async fn users_tokens_and_operators_are_told_apart() {
        let (a, b) = (hash_password("s1").unwrap(), hash_password("s2").unwrap());
        let path = file(
            "who",
            &format!(
                "[operators]\nroot = \"{b}\"\n[tenants.acme.users]\nalice = {{ role = \"author\", hash = \"{a}\" }}\n\
                 bob = {{ role = \"viewer\", hash = \"{a}\" }}\n[tenants.other.users]\nbob = {{ role = \"author\", hash = \"{b}\" }}\n"
            ),
        );
        let t = Tenants::load(&path).unwrap();
        let alice = t.authenticate("alice", "s1").await.unwrap();
        assert_eq!(
            (alice.tenant, alice.role),
            (TenantId::new("acme"), Role::Author)
        );
        assert_eq!(t.authenticate("alice", "s2").await, Err(AuthError::Denied));
        assert_eq!(
            t.authenticate("bob", "s1").await,
            Err(AuthError::Denied),
            "two tenants have a bob"
        );
        assert_eq!(
            t.authenticate_token("other/bob:s2").await.unwrap().tenant,
            TenantId::new("other")
        );
        assert_eq!(
            t.authenticate("operator/root", "s2").await.unwrap().tenant,
            None
        );
        // The second time needs no hashing: far below what one argon2 check takes.
        let from = Instant::now();
        for _ in 0..100 {
            t.authenticate("alice", "s1").await.unwrap();
        }
        assert!(
            from.elapsed() < Duration::from_millis(100),
            "{:?}",
            from.elapsed()
        );
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn a_check_that_a_reload_overtakes_counts_for_nothing() {
        let hash = hash_password("s1").unwrap();
        let users = |role: &str| {
            format!("[tenants.acme.users]\nalice = {{ role = \"{role}\", hash = \"{hash}\" }}\n")
        };
        let path = file("overtaken", &users("author"));
        let t = Tenants::load(&path).unwrap();
        t.authenticate("alice", "s1").await.unwrap();
        // As it stands between the check's begin and its end.
        let verified = find(&t.state.lock().unwrap().file, "alice").unwrap();
        let digest = t.digest("alice", "s1");
        for (text, role) in [
            (users("viewer"), Some(Role::Viewer)),
            ("[tenants.acme.users]\n".to_owned(), None),
        ] {
            std::fs::write(&path, text).unwrap();
            {
                let mut state = t.state.lock().unwrap();
                state.modified = None;
                state.checked = state.checked.checked_sub(RELOAD_EVERY).unwrap();
            }
            t.reload_if_changed();
            assert_eq!(
                t.admit("alice", digest, verified.clone()),
                Err(AuthError::Denied)
            );
            let now = t.authenticate("alice", "s1").await.ok();
            assert_eq!(now.map(|p| p.role), role);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_bad_file_is_named_without_its_secrets() {
        let path = file(
            "bad",
            "[tenants.acme.users]\nalice = { role = \"author\", hash = \"plaintext\" }\n",
        );
        let Err(e) = Tenants::load(&path) else {
            panic!("a plain password was taken for a hash")
        };
        assert!(
            e.contains("acme/alice")
                && e.contains("tidegate auth hash")
                && !e.contains("plaintext"),
            "{e}"
        );
        std::fs::write(&path, "[tenants.Bad.users]\n").unwrap();
        assert!(Tenants::load(&path).is_err_and(|e| e.contains("'Bad'")));
        std::fs::remove_file(path).unwrap();
    }
}
