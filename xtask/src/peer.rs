//! The peer: the real Kafka Connect with Debezium's MySQL connector, as jars from Maven Central in the cache.
//!
//! Deliberately installs no Java: without one there is nobody to compare with, which is said and is no failure. Invariant:
//! a folder under its final name in the cache is whole.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::step;
use crate::{apt, root};

const KAFKA: &str = "4.3.1";
const DEBEZIUM: &str = "3.6.1.Final";
const LOG4J: &str = "2.25.1";
const MAVEN_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

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
    let cache = root::cache_folder()?;
    let folder = cache.join(format!("connect-{KAFKA}-debezium-{DEBEZIUM}"));
    if !folder.is_dir() {
        let part = folder.with_extension("part");
        if part.exists() {
            std::fs::remove_dir_all(&part)
                .with_context(|| format!("removing an unfinished {}", part.display()))?;
        }
        download(&part, &cache.join("logs"))?;
        std::fs::rename(&part, &folder)
            .with_context(|| format!("naming the finished download {}", folder.display()))?;
    }
    Ok(Some(Peer { java, folder }))
}

fn download(part: &Path, logs: &Path) -> Result<()> {
    if step::find_program("mvn").is_none() {
        apt::install("to download Connect's jars", &["maven"])?;
    }
    let plugins = part.join("plugins");
    std::fs::create_dir_all(&plugins).with_context(|| format!("creating {}", plugins.display()))?;
    let pom = part.join("pom.xml");
    std::fs::write(&pom, project()).with_context(|| format!("writing {}", pom.display()))?;
    let maven = |goal: &str| {
        let mut command = Command::new("mvn");
        command
            .args(["-B", "-q", "-f"])
            .arg(&pom)
            .arg(format!("{MAVEN_PLUGIN}:{goal}"));
        command
    };
    step::logged(
        "downloading Connect's jars",
        &logs.join("connect-maven.log"),
        maven("copy-dependencies")
            .arg("-DincludeScope=runtime")
            .arg(format!("-DoutputDirectory={}", part.join("libs").display())),
    )?;
    step::logged(
        "downloading Debezium's MySQL connector",
        &logs.join("debezium-maven.log"),
        maven("copy")
            .arg(format!(
                "-Dartifact=io.debezium:debezium-connector-mysql:{DEBEZIUM}:tar.gz:plugin"
            ))
            .arg(format!("-DoutputDirectory={}", part.display())),
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

/// A Maven project whose only purpose is its dependencies.
fn project() -> String {
    let kafka = ["connect-runtime", "connect-json", "connect-transforms"]
        .map(|name| ("org.apache.kafka", name, KAFKA));
    let log4j = ["log4j-core", "log4j-slf4j-impl", "log4j-1.2-api"]
        .map(|name| ("org.apache.logging.log4j", name, LOG4J));
    let dependency = |(group, artifact, version): (&str, &str, &str)| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>\n"
        )
    };
    let dependencies: String = kafka.into_iter().chain(log4j).map(dependency).collect();
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\n\
         <groupId>tidegate</groupId><artifactId>connect-jars</artifactId><version>1</version>\
         <packaging>pom</packaging>\n<dependencies>\n{dependencies}</dependencies></project>\n"
    )
}
