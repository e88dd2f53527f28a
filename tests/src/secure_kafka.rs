//! A Kafka broker that wants credentials: TLS with SASL on one listener, TLS with client certificates on the other.
//!
//! It runs on the same jars as the project's own broker, for one test, in a folder of its own, with certificates made for
//! it. It deliberately offers no listener without TLS. Invariant: a dropped broker leaves no process behind.

use crate::{services, until};
use anyhow::{Context, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The user of SASL PLAIN and their password.
pub const PLAIN: (&str, &str) = ("ingrid", "plain: quo\"ted; \\ secret");
/// The user of SCRAM-SHA-512 and their password.
pub const SCRAM: (&str, &str) = ("sven", "scram-secret-7f3a");
/// Limit for a start: formatting and joining its own cluster, on a busy machine.
const START: Duration = Duration::from_mins(2);
/// Limit of one question.
const CALL: Duration = Duration::from_secs(10);

/// The broker.
#[derive(Debug)]
pub struct SecureKafka {
    folder: PathBuf,
    child: Option<Child>,
    sasl_port: u16,
    tls_port: u16,
    ca: String,
    client: Identity,
}

/// A certificate and its key, as PEM.
#[derive(Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The key, PKCS#8.
    pub key: String,
}

/// An authority, to sign identities with.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
    certificate: String,
}

impl Authority {
    fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "tidegate tests");
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            params,
            key,
            certificate,
        })
    }
    fn identity(&self, name: &str) -> Result<Identity> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let issuer = Issuer::from_params(&self.params, &self.key);
        Ok(Identity {
            certificate: params.signed_by(&key, &issuer)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl SecureKafka {
    /// Starts a broker and waits until it answers. Its certificate is for `localhost` and nothing else.
    pub fn start() -> Result<Self> {
        let folder = services::checkout()
            .join("target/it")
            .join(format!("secure-kafka-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let (authority, ports) = (Authority::new()?, free_ports()?);
        let broker = authority.identity("localhost")?;
        let mut kafka = Self {
            folder,
            child: None,
            sasl_port: ports[0],
            tls_port: ports[1],
            client: authority.identity("worker")?,
            ca: authority.certificate,
        };
        kafka.file("ca.pem", &kafka.ca)?;
        kafka.file("broker.pem", &(broker.key + &broker.certificate))?;
        let both = format!("{}{}", kafka.client.key, kafka.client.certificate);
        kafka.file("client.pem", &both)?;
        kafka.file("server.properties", &kafka.properties(ports[2]))?;
        kafka.run()?;
        Ok(kafka)
    }
    fn run(&mut self) -> Result<()> {
        let program = Program::find()?;
        let settings = self.path("server.properties");
        let (user, password) = SCRAM;
        let mut format = program.command("kafka.tools.StorageTool");
        format
            .args([
                "format",
                "--cluster-id",
                "dGlkZWdhdGUtdGVzdHMtMg",
                "--config",
            ])
            .arg(&settings)
            .arg("--add-scram")
            .arg(format!("SCRAM-SHA-512=[name={user},password={password}]"));
        let formatted = format.output().context("formatting a Kafka folder")?;
        if !formatted.status.success() {
            bail!("formatting a Kafka folder: {formatted:?}");
        }
        let log = std::fs::File::create(self.path("server.log"))?;
        let child = program
            .command("kafka.Kafka")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        self.child = Some(child.context("starting Kafka")?);
        let consumer: BaseConsumer = self.client_config().create()?;
        until::until("the secure broker to answer", START, || {
            let metadata = consumer.fetch_metadata(None, Duration::from_secs(1))?;
            Ok((!metadata.brokers().is_empty()).then_some(()))
        })
        .with_context(|| format!("see {}", self.path("server.log").display()))
    }
    fn properties(&self, controller: u16) -> String {
        let Self {
            sasl_port: sasl,
            tls_port: tls,
            ..
        } = self;
        let pem = |name: &str| self.path(name).display().to_string();
        let (user, password) = (PLAIN.0, jaas_text(PLAIN.1));
        let lines = [
            "process.roles=broker,controller".to_owned(),
            "node.id=1".to_owned(),
            format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
            format!(
                "listeners=SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}"
            ),
            format!("advertised.listeners=SASL_SSL://localhost:{sasl},SSL://127.0.0.1:{tls}"),
            "controller.listener.names=CONTROLLER".to_owned(),
            "inter.broker.listener.name=SSL".to_owned(),
            "listener.security.protocol.map=SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT"
                .to_owned(),
            "ssl.keystore.type=PEM".to_owned(),
            format!("ssl.keystore.location={}", pem("broker.pem")),
            "ssl.truststore.type=PEM".to_owned(),
            format!("ssl.truststore.location={}", pem("ca.pem")),
            "listener.name.ssl.ssl.client.auth=required".to_owned(),
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512".to_owned(),
            properties_line(
                "listener.name.sasl_ssl.plain.sasl.jaas.config",
                &format!(
                    "org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}=\"{password}\";"
                ),
            ),
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
             org.apache.kafka.common.security.scram.ScramLoginModule required;"
                .to_owned(),
            format!("log.dirs={}", pem("data")),
            "auto.create.topics.enable=false".to_owned(),
            "offsets.topic.replication.factor=1".to_owned(),
            "offsets.topic.num.partitions=1".to_owned(),
            "group.initial.rebalance.delay.ms=0".to_owned(),
            "group.min.session.timeout.ms=1000".to_owned(),
            "log.cleaner.dedupe.buffer.size=16777216".to_owned(),
        ];
        lines.join("\n") + "\n"
    }
    /// `host:port` of the listener with TLS and SASL; the certificate is for this name.
    pub fn sasl_address(&self) -> String {
        format!("localhost:{}", self.sasl_port)
    }
    /// `host:port` of the listener with client certificates; the broker's certificate is not for this name.
    pub fn tls_address(&self) -> String {
        format!("127.0.0.1:{}", self.tls_port)
    }
    /// Path of the authority's certificate.
    pub fn ca_file(&self) -> String {
        self.path("ca.pem").display().to_string()
    }
    /// The authority's certificate.
    pub fn ca(&self) -> &str {
        &self.ca
    }
    /// A client's certificate and key.
    pub fn client(&self) -> &Identity {
        &self.client
    }
    /// Path of a client's key and certificate in one file.
    pub fn client_file(&self) -> String {
        self.path("client.pem").display().to_string()
    }
    /// The first `n` values of a topic's only partition.
    pub fn values(&self, topic: &str, n: usize) -> Result<Vec<String>> {
        let consumer: BaseConsumer = self.client_config().create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Beginning)?;
        consumer.assign(&list)?;
        let mut found = Vec::new();
        until::until(&format!("{n} records of {topic}"), CALL * 3, || {
            if let Some(message) = consumer.poll(CALL / 10) {
                let message = message?;
                let value = message.payload().unwrap_or_default();
                found.push(String::from_utf8_lossy(value).into_owned());
            }
            Ok((found.len() >= n).then_some(()))
        })?;
        Ok(found)
    }
    /// What the test itself connects with: a client certificate, librdkafka's own keys.
    fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in [
            ("bootstrap.servers", self.tls_address().as_str()),
            ("security.protocol", "ssl"),
            ("ssl.ca.pem", &self.ca),
            ("ssl.certificate.pem", &self.client.certificate),
            ("ssl.key.pem", &self.client.key),
            ("ssl.endpoint.identification.algorithm", "none"),
            ("group.id", "tests"),
        ] {
            config.set(key, value);
        }
        config
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
    fn file(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}

impl Drop for SecureKafka {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already; either way nothing is left to do.
            drop(child.kill());
            drop(child.wait());
        }
        // Only a matter of space: `cargo clean` takes it too.
        drop(std::fs::remove_dir_all(self.path("data")));
    }
}

/// Java and Kafka's jars.
struct Program {
    java: PathBuf,
    jars: PathBuf,
}

impl Program {
    fn find() -> Result<Self> {
        let output = Command::new(services::xtask()?)
            .args(["services", "kafka-program"])
            .output()
            .context("asking xtask for Kafka's jars")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let value = |key: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(key));
            line.map(PathBuf::from)
                .with_context(|| format!("asking xtask for Kafka's jars: {output:?}"))
        };
        Ok(Self {
            java: value("java=")?,
            jars: value("jars=")?,
        })
    }
    fn command(&self, class: &str) -> Command {
        let mut command = Command::new(&self.java);
        command
            .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .arg("-cp")
            .arg(self.jars.join("*"))
            .arg(class);
        command
    }
}

/// A `sasl.jaas.config` for the Java client (and so for Tidegate) of this login.
pub fn jaas(module: &str, user: &str, password: &str) -> String {
    let password = jaas_text(password);
    format!(
        "org.apache.kafka.common.security.{module} required username=\"{user}\" password=\"{password}\";"
    )
}

/// Between quotes of a JAAS text.
fn jaas_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A line of a Java properties file, whatever the value holds.
pub fn properties_line(key: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\n', "\\n");
    format!("{key}={value}")
}

fn free_ports() -> Result<Vec<u16>> {
    // Bound together, so that they differ.
    let bound: Vec<TcpListener> = (0..3)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<std::io::Result<_>>()?;
    bound.iter().map(|l| Ok(l.local_addr()?.port())).collect()
}
