//! Kafka natively: one KRaft broker-and-controller from Maven Central's jars.
//!
//! Deliberately not the tarball (Apache's mirrors drop old releases, Maven Central keeps them) and
//! no ZooKeeper. Topics are never created by the broker on its own, as in most real clusters.
//! Invariant: the folder of jars is complete; the data folder is formatted before the first start.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::process::Process;
use super::{Service, fetch};
use crate::step;
use crate::{apt, maven};

const VERSION: &str = "4.3.1";
const LOG4J_VERSION: &str = "2.25.1";
/// Kafka 4 brokers need at least this Java.
const OLDEST_JAVA: u32 = 17;
/// 16 bytes in URL-safe base64, the form of a cluster id; always the same, there is one broker.
const CLUSTER_ID: &str = "dGlkZWdhdGUtdGVzdHMtMQ";

/// Starts the broker if it does not run; the caller waits until it answers.
pub(super) fn up(state: &Path) -> Result<()> {
    let process = Process::new(state);
    if process.pid().is_some() {
        return Ok(());
    }
    let (java, jars) = program()?;
    let settings = state.join("server.properties");
    write(&settings, &properties(state))?;
    let logging = state.join("log4j2.properties");
    write(&logging, LOGGING)?;
    let kafka = |heap: &str, class: &str| {
        let mut command = Command::new(&java);
        command
            .arg(format!("-Xmx{heap}"))
            .args([
                "-XX:+UseG1GC",
                "-XX:MaxGCPauseMillis=20",
                "-Djava.awt.headless=true",
            ])
            .arg(format!("-Dlog4j2.configurationFile={}", logging.display()))
            .arg("-cp")
            .arg(format!("{}/*", jars.display()))
            .arg(class);
        command
    };
    let formatted = state.join("formatted");
    if !formatted.exists() {
        let log = state.join("format.log");
        let mut format = kafka("256m", "kafka.tools.StorageTool");
        format
            .args([
                "format",
                "--ignore-formatted",
                "--cluster-id",
                CLUSTER_ID,
                "--config",
            ])
            .arg(&settings);
        step::logged("kafka: formatting its data folder", &log, &mut format)?;
        write(&formatted, CLUSTER_ID)?;
    }
    super::refuse_taken_port(Service::Kafka)?;
    process.start(kafka("512m", "kafka.Kafka").arg(&settings))
}

/// `java` and the folder of Kafka's jars, got if need be; tests start brokers of their own from them.
pub(super) fn program() -> Result<(PathBuf, PathBuf)> {
    Ok((java()?, fetch::once(&format!("kafka-{VERSION}"), download)?))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// A `java` new enough, installed through apt if there is none.
fn java() -> Result<PathBuf> {
    if let Some(java) = find_java() {
        return Ok(java);
    }
    // The release's default first; older releases default to a Java that is too old for Kafka 4.
    for package in ["default-jre-headless", "openjdk-17-jre-headless"] {
        apt::install("to run Kafka", &[package])?;
        if let Some(java) = find_java() {
            return Ok(java);
        }
    }
    bail!("starting kafka: no Java {OLDEST_JAVA} or newer; install one and set JAVA_HOME to it")
}

fn find_java() -> Option<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let machines = std::fs::read_dir("/usr/lib/jvm")
        .into_iter()
        .flatten()
        .flatten();
    let on_path = step::find_program("java");
    home.into_iter()
        .chain(on_path)
        .chain(machines.map(|entry| entry.path().join("bin/java")))
        .find(|java| {
            // `java -version` speaks on standard error; `--version` (Java 9+) on standard output.
            step::output("asking java", Command::new(java).arg("--version"))
                .ok()
                .and_then(|text| major(&text))
                .is_some_and(|major| major >= OLDEST_JAVA)
        })
}

/// 17 from `openjdk 17.0.15 2025-04-15`, 26 from `java 26 2026-03-17` or `openjdk 26-ea …`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(1)?;
    number.split(['.', '-', '+']).next()?.parse().ok()
}

fn download(part: &Path, logs: &Path) -> Result<()> {
    println!("kafka: downloading Kafka {VERSION} from Maven Central into the cache");
    let log4j = |name| ("org.apache.logging.log4j", name, LOG4J_VERSION);
    let artifacts = [
        ("org.apache.kafka", "kafka_2.13", VERSION),
        log4j("log4j-api"),
        log4j("log4j-core"),
        log4j("log4j-slf4j-impl"),
        log4j("log4j-1.2-api"),
    ];
    let log = logs.join("kafka-maven.log");
    maven::jars("Kafka's jars", &log, &artifacts, part, part)
}

/// The broker's settings; whatever is not here has Kafka's default, `message.max.bytes` among them.
fn properties(state: &Path) -> String {
    let port = Service::Kafka.port();
    let controller = port + 1;
    let data = state.join("data");
    format!(
        "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# fast tests: no waiting for more group members, short sessions allowed
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# a killed broker may come back as soon as its old session has run out (default 9000)
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
# little memory
log.cleaner.dedupe.buffer.size=16777216
",
        data.display()
    )
}

const LOGGING: &str = "\
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = OUT
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_versions_are_read() {
        assert_eq!(
            major("openjdk 17.0.15 2025-04-15\nOpenJDK Runtime"),
            Some(17)
        );
        assert_eq!(major("java 26 2026-03-17 LTS"), Some(26));
        assert_eq!(major("openjdk 26-ea 2026-03-17"), Some(26));
        assert_eq!(major(""), None);
    }

    #[test]
    fn the_broker_creates_no_topics_and_keeps_to_its_own_ports() {
        let text = properties(Path::new("/state"));
        assert!(text.contains("auto.create.topics.enable=false\n"));
        assert!(text.contains("log.dirs=/state/data\n"));
        assert!(!text.contains(":9092") && !text.contains("message.max.bytes"));
    }
}
