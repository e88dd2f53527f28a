//! The peer: the real Kafka Connect, with Debezium's MySQL connector, as a command to start.
//!
//! `cargo x` fetches the jars and says where they and Java are. Deliberately starts nothing itself.
//! Invariant: both products are told the same, in the same words.

use crate::services;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every line begins with the connector it is about.
const LOGGING: &str = "\
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = OUT
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %X{connector.context}%m (%c:%L)%n
";

/// Connect as its own start script runs it, with the heap that script gives; its files are written into `folder`.
pub fn command(folder: &Path, name: &str, port: u16) -> Result<Command> {
    let variable = |name: &str| {
        std::env::var_os(name).map(PathBuf::from).with_context(|| {
            format!(
                "reading {name}: it is not set; run this through `cargo x test differential` or `cargo x bench e2e`, \
                 which need a Java"
            )
        })
    };
    let (java, jars) = (
        variable("TIDEGATE_PEER_JAVA")?,
        variable("TIDEGATE_PEER_CONNECT")?,
    );
    let plugins = jars.join("plugins");
    let own = format!(
        "plugin.path={}\nscheduled.rebalance.max.delay.ms=0\n",
        plugins.display()
    );
    let properties = write(
        folder,
        "worker.properties",
        &(properties(name, port)? + &own),
    )?;
    let logging = write(folder, "log4j2.properties", LOGGING)?;
    let mut command = Command::new(java);
    command
        .args([
            "-Xms256m",
            "-Xmx2g",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
        ])
        .arg("-Djava.awt.headless=true")
        .arg(format!("-Dlog4j2.configurationFile={}", logging.display()))
        .arg("-cp")
        .arg(format!("{}/*", jars.join("libs").display()))
        .arg("org.apache.kafka.connect.cli.ConnectDistributed")
        .arg(properties);
    Ok(command)
}

/// Writes a file of a worker.
pub fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// A distributed worker's properties, as far as both products understand them.
pub fn properties(name: &str, port: u16) -> Result<String> {
    let kafka = services::kafka()?;
    Ok(format!(
        "\
bootstrap.servers={kafka}
listeners=http://127.0.0.1:{port}
group.id={name}
config.storage.topic={name}-configs
offset.storage.topic={name}-offsets
status.storage.topic={name}-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
offset.storage.partitions=5
status.storage.replication.factor=1
status.storage.partitions=2
offset.flush.interval.ms=2000
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
"
    ))
}
