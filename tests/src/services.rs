//! Addresses of the services that tests run on.
//!
//! It reads the environment and nothing else. Invariant: a missing address is an error that names the command to run.

use anyhow::{Context, Result};
use std::path::PathBuf;

fn variable(name: &str) -> Result<String> {
    std::env::var(name)
        .with_context(|| format!("reading {name}: it is not set; run this through `cargo x test`"))
}

/// MySQL's host and port.
pub fn mysql() -> Result<(String, u16)> {
    let address = variable("TIDEGATE_MYSQL")?;
    let (host, port) = address
        .rsplit_once(':')
        .with_context(|| format!("TIDEGATE_MYSQL={address} is not host:port"))?;
    Ok((
        host.to_owned(),
        port.parse()
            .with_context(|| format!("TIDEGATE_MYSQL={address}: port"))?,
    ))
}

/// Kafka's bootstrap address.
pub fn kafka() -> Result<String> {
    variable("TIDEGATE_KAFKA")
}

/// The host's executable.
pub fn executable() -> Result<PathBuf> {
    variable("TIDEGATE_BIN").map(PathBuf::from)
}

/// The executable of `cargo x`.
pub fn xtask() -> Result<PathBuf> {
    variable("TIDEGATE_XTASK").map(PathBuf::from)
}

/// The folder of the guests that `cargo x plugins` built.
pub fn plugins() -> Result<PathBuf> {
    variable("TIDEGATE_PLUGINS_DIR").map(PathBuf::from)
}

/// The folder of services that run on this machine.
pub fn folder() -> Result<PathBuf> {
    variable("TIDEGATE_SERVICES_DIR").map(PathBuf::from)
}

/// The root of the checkout.
pub fn checkout() -> PathBuf {
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}
