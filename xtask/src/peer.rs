//! The peer: the real Kafka Connect with Debezium's MySQL connector, as jars from Maven Central in the cache.
//!
//! Deliberately installs no Java: without one there is nobody to compare with, which is said and is no failure. Invariant:
//! what is named in the environment is there, whole (`services::fetch`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::services::fetch;
use crate::{maven, step};

const KAFKA: &str = "4.3.1";
const DEBEZIUM: &str = "3.6.1.Final";
const LOG4J: &str = "2.25.1";

/// What is needed to start a Connect worker.
pub(crate) struct Peer {
    java: PathBuf,
    /// Holds `libs` (Connect's jars) and `plugins` (Debezium).
    folder: PathBuf,
}

impl Peer {
    /// What tests and the `bench` program find in their environment.
    pub(crate) fn environment(&self) -> [(&'static str, &Path); 2] {
        [
            ("TIDEGATE_PEER_JAVA", &self.java),
            ("TIDEGATE_PEER_CONNECT", &self.folder),
        ]
    }
}

/// The peer, downloaded if need be; `None`, and a word about it, without Java.
pub(crate) fn get() -> Result<Option<Peer>> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let Some(java) = home
        .filter(|java| java.is_file())
        .or_else(|| step::find_program("java"))
    else {
        println!("  no java on PATH and no JAVA_HOME: there is no Debezium to put Tidegate beside");
        return Ok(None);
    };
    let version = step::output("asking java", Command::new(&java).arg("--version"))?;
    println!(
        "  Connect {KAFKA}, Debezium {DEBEZIUM}, {}",
        version.lines().next().unwrap_or_default()
    );
    let name = format!("connect-{KAFKA}-debezium-{DEBEZIUM}");
    let folder = fetch::once(&name, download)?;
    Ok(Some(Peer { java, folder }))
}

fn download(part: &Path, logs: &Path) -> Result<()> {
    let plugins = part.join("plugins");
    std::fs::create_dir_all(&plugins).with_context(|| format!("creating {}", plugins.display()))?;
    let kafka = |name| ("org.apache.kafka", name, KAFKA);
    let log4j = |name| ("org.apache.logging.log4j", name, LOG4J);
    let artifacts = [
        kafka("connect-runtime"),
        kafka("connect-json"),
        kafka("connect-transforms"),
        log4j("log4j-core"),
        log4j("log4j-slf4j-impl"),
        log4j("log4j-1.2-api"),
    ];
    maven::jars(
        "Connect's jars",
        &logs.join("connect-maven.log"),
        &artifacts,
        part,
        &part.join("libs"),
    )?;
    maven::file(
        "Debezium's MySQL connector",
        &logs.join("debezium-maven.log"),
        &format!("io.debezium:debezium-connector-mysql:{DEBEZIUM}:tar.gz:plugin"),
        part,
    )?;
    let archive = part.join(format!("debezium-connector-mysql-{DEBEZIUM}-plugin.tar.gz"));
    step::logged(
        "unpacking Debezium's MySQL connector",
        &logs.join("debezium-unpack.log"),
        Command::new("tar")
            .arg("-xzf")
            .arg(&archive)
            .arg("-C")
            .arg(&plugins),
    )?;
    std::fs::remove_file(&archive).with_context(|| format!("removing {}", archive.display()))
}
