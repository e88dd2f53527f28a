//! The Java client's configuration keys, said in librdkafka's.
//!
//! Users write `producer.override.linger.ms` as in Kafka Connect; librdkafka names many keys differently, takes PEM
//! instead of Java key stores, and has no JAAS. Every key is translated, known to have no effect here, or refused by
//! name: an ignored security setting would do harm in silence. Nothing here connects or reads a file.
//! Invariant: no finding holds a secret's value.

use super::jaas;
use host_core::config::Finding;
use std::collections::BTreeMap;
use std::fmt;

/// Properties for librdkafka. `Debug` shows keys only.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientProps(BTreeMap<String, String>);

impl ClientProps {
    /// Sets a property.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_owned(), value.into());
    }
    /// Sets a property unless it is set.
    pub fn set_default(&mut self, key: &str, value: &str) {
        self.0
            .entry(key.to_owned())
            .or_insert_with(|| value.to_owned());
    }
    /// A property.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
    /// These properties, with `over` in place of those both have. A store given in one form takes the place of one given
    /// in another: librdkafka would prefer a text to a file, whoever said which.
    #[must_use]
    pub fn overridden_by(&self, over: &Self) -> Self {
        let mut all = self.0.clone();
        for forms in STORES {
            if forms.iter().any(|form| over.0.contains_key(*form)) {
                all.retain(|k, _| !forms.contains(&k.as_str()));
            }
        }
        all.extend(over.0.iter().map(|(k, v)| (k.clone(), v.clone())));
        Self(all)
    }
    /// librdkafka's configuration object.
    pub fn to_client_config(&self) -> rdkafka::ClientConfig {
        let mut config = rdkafka::ClientConfig::new();
        for (k, v) in &self.0 {
            config.set(k, v);
        }
        config
    }
}

impl fmt::Debug for ClientProps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// librdkafka's forms of the trusted authorities, and of the client's own certificate and key.
const STORES: [&[&str]; 2] = [
    &["ssl.ca.pem", "ssl.ca.location"],
    &[
        "ssl.certificate.pem",
        "ssl.certificate.location",
        "ssl.key.pem",
        "ssl.key.location",
        "ssl.keystore.location",
    ],
];

/// Which client the keys are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientRole {
    /// A producer.
    Producer,
    /// A consumer.
    Consumer,
    /// An admin client.
    Admin,
}

/// Keys of the same name and meaning on both sides.
const SAME: &[&str] = &[
    "bootstrap.servers",
    "client.id",
    "client.rack",
    "client.dns.lookup",
    "sasl.mechanism",
    "sasl.kerberos.service.name",
    "retry.backoff.ms",
    "retry.backoff.max.ms",
    "reconnect.backoff.ms",
    "reconnect.backoff.max.ms",
    "connections.max.idle.ms",
    "socket.connection.setup.timeout.ms",
    "ssl.key.password",
    "ssl.cipher.suites",
];
const SAME_PRODUCER: &[&str] = &[
    "acks",
    "linger.ms",
    "batch.size",
    "compression.type",
    "delivery.timeout.ms",
    "enable.idempotence",
    "max.in.flight.requests.per.connection",
    "retries",
];
const SAME_CONSUMER: &[&str] = &[
    "isolation.level",
    "auto.offset.reset",
    "fetch.min.bytes",
    "fetch.max.bytes",
    "max.partition.fetch.bytes",
    "check.crcs",
];
/// Java name, librdkafka's name.
const RENAMED: &[(&str, &str)] = &[
    ("request.timeout.ms", "socket.timeout.ms"),
    ("metadata.max.age.ms", "topic.metadata.refresh.interval.ms"),
    ("send.buffer.bytes", "socket.send.buffer.bytes"),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes"),
    ("max.request.size", "message.max.bytes"),
    ("compression.gzip.level", "compression.level"),
    ("compression.lz4.level", "compression.level"),
    ("compression.zstd.level", "compression.level"),
    ("ssl.truststore.certificates", "ssl.ca.pem"),
    ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
    ("ssl.keystore.key", "ssl.key.pem"),
];
/// What `sasl.mechanism` may be; Java's default, GSSAPI (Kerberos), is not among them.
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
/// Keys that concern the Java client's inside and change nothing that a user of this host could see.
const NO_EFFECT: &[&str] = &[
    "max.block.ms",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "auto.include.jmx.reporter",
    "enable.metrics.push",
    "key.serializer",
    "value.serializer",
    "key.deserializer",
    "value.deserializer",
    "max.poll.records",
    "max.poll.interval.ms",
    "default.api.timeout.ms",
    "socket.connection.setup.timeout.max.ms",
    "metadata.max.idle.ms",
    "enable.auto.commit",
    "group.id",
    "ssl.provider",
    "ssl.keymanager.algorithm",
    "ssl.trustmanager.algorithm",
    "ssl.secure.random.implementation",
];
/// Keys whose value is the path of a file on the host.
const NAMES_FILE: &[&str] = &["ssl.truststore.location", "ssl.keystore.location"];
/// Keys that are read together by [`tls`] and [`sasl`].
const TOGETHER: &[&str] = &[
    "security.protocol",
    "sasl.jaas.config",
    "ssl.truststore.location",
    "ssl.truststore.type",
    "ssl.truststore.password",
    "ssl.keystore.location",
    "ssl.keystore.type",
    "ssl.keystore.password",
    "ssl.endpoint.identification.algorithm",
    "ssl.protocol",
    "ssl.enabled.protocols",
];

/// Translates Java client keys. `prefix` is what the findings' keys begin with (`producer.override.`). A `restricted`
/// tenant may not name files of the host.
pub fn translate(
    java: &BTreeMap<String, String>,
    role: ClientRole,
    prefix: &str,
    restricted: bool,
) -> (ClientProps, Vec<Finding>) {
    let mut out = ClientProps::default();
    let mut findings = Vec::new();
    for (key, value) in java {
        let value = value.trim();
        if restricted && NAMES_FILE.contains(&key.as_str()) {
            let why = "naming a file of the host is not allowed here; give the PEM text itself in \
                       ssl.truststore.certificates, ssl.keystore.certificate.chain and ssl.keystore.key";
            findings.push(refused(prefix, key, why));
        } else if restricted && prefix == OVERRIDE && is_connection(key) {
            let why = "a tenant's records go to the worker's own brokers, with the worker's credentials; remove it";
            findings.push(refused(prefix, key, why));
        } else if restricted && prefix == OVERRIDE && exceeds_queue(key, value) {
            let why = "a tenant's producer may hold at most the worker's own bound of memory; lower or remove it";
            findings.push(refused(prefix, key, why));
        } else if let Err(why) = one(key, value, role, &mut out) {
            findings.push(refused(prefix, key, &why));
        }
    }
    let restricted_paths = restricted && NAMES_FILE.iter().any(|k| java.contains_key(*k));
    if !restricted_paths {
        tls(java, prefix, &mut out, &mut findings);
    }
    sasl(java, prefix, &mut out, &mut findings);
    if role == ClientRole::Producer {
        let weak = out.get("acks").is_some_and(|a| a != "all" && a != "-1");
        if weak && out.get("enable.idempotence").is_none() {
            // As the Java producer: idempotence is a default that yields to explicit weaker acks.
            out.set("enable.idempotence", "false");
        }
    }
    (out, findings)
}

/// Prefix of a connector's own producer settings, which are laid over the worker's.
const OVERRIDE: &str = "producer.override.";
/// Bytes a restricted tenant's producer may be told to hold.
const RESTRICTED_QUEUE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Whether a key says where to connect, or as whom: over the worker's settings it could send the worker's credentials to
/// a broker of the tenant's choice.
fn is_connection(key: &str) -> bool {
    [
        "bootstrap.servers",
        "security.protocol",
        "client.dns.lookup",
    ]
    .contains(&key)
        || key.starts_with("sasl.")
        || key.starts_with("ssl.")
}

fn exceeds_queue(key: &str, value: &str) -> bool {
    let bounded = ["buffer.memory", "max.request.size", "batch.size"].contains(&key);
    bounded
        && value
            .parse::<u64>()
            .is_ok_and(|bytes| bytes > RESTRICTED_QUEUE_BYTES_MAX)
}

fn refused(prefix: &str, key: &str, why: &str) -> Finding {
    let key = format!("{prefix}{key}");
    let message = format!("Invalid client setting {key}: {why}");
    Finding::new(key, message)
}

fn one(key: &str, value: &str, role: ClientRole, out: &mut ClientProps) -> Result<(), String> {
    let same = SAME.contains(&key)
        || (role == ClientRole::Producer && SAME_PRODUCER.contains(&key))
        || (role == ClientRole::Consumer && SAME_CONSUMER.contains(&key));
    if same {
        out.set(key, value);
        return Ok(());
    }
    if let Some((_, native)) = RENAMED.iter().find(|(java, _)| *java == key) {
        out.set(native, value);
        return Ok(());
    }
    if NO_EFFECT.contains(&key) || TOGETHER.contains(&key) {
        return Ok(());
    }
    match key {
        "buffer.memory" => {
            let bytes: u64 = value
                .parse()
                .map_err(|_| "it must be a number of bytes".to_owned())?;
            out.set(
                "queue.buffering.max.kbytes",
                (bytes / 1024).max(1).to_string(),
            );
            Ok(())
        }
        "transactional.id" => Err("transactions are the host's own; remove it".to_owned()),
        "interceptor.classes" | "partitioner.class" => Err(
            "Java classes cannot be loaded here; use a transform for what it did, or remove it"
                .to_owned(),
        ),
        _ => {
            let near = host_core::config::suggest(key, all_keys());
            let hint = near
                .map(|n| format!("; did you mean {n}?"))
                .unwrap_or_default();
            Err(format!("no such client key is known here; remove it{hint}"))
        }
    }
}

/// A text of librdkafka's with the Java names of the stores it speaks of, which is what the user has written.
pub(super) fn in_java_words(text: &str) -> String {
    let files = [
        ("ssl.truststore.location", "ssl.ca.location"),
        ("ssl.keystore.location", "ssl.certificate.location"),
        ("ssl.keystore.location", "ssl.key.location"),
    ];
    let stores = RENAMED.iter().filter(|(java, _)| java.starts_with("ssl."));
    stores
        .chain(&files)
        .fold(text.to_owned(), |text, (java, native)| {
            text.replace(native, java)
        })
}

fn all_keys() -> impl Iterator<Item = &'static str> {
    let renamed = RENAMED.iter().map(|(java, _)| java);
    SAME.iter()
        .chain(SAME_PRODUCER)
        .chain(SAME_CONSUMER)
        .chain(renamed)
        .chain(TOGETHER)
        .copied()
}

/// Trust and key stores. Java's PEM stores map to files or texts; PKCS#12 key stores are read by librdkafka too.
fn tls(
    java: &BTreeMap<String, String>,
    prefix: &str,
    out: &mut ClientProps,
    findings: &mut Vec<Finding>,
) {
    let get = |k: &str| java.get(k).map(|v| v.trim());
    if let Some(protocol) = get("security.protocol") {
        match protocol.to_ascii_lowercase().as_str() {
            p @ ("plaintext" | "ssl" | "sasl_plaintext" | "sasl_ssl") => {
                out.set("security.protocol", p);
            }
            _ => findings.push(refused(
                prefix,
                "security.protocol",
                "it must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
            )),
        }
    }
    for (file, text) in [
        ("ssl.truststore.location", "ssl.truststore.certificates"),
        ("ssl.keystore.location", "ssl.keystore.key"),
    ] {
        if get(file).is_some() && get(text).is_some() {
            let why = format!("it and {text} exclude each other; remove one of them");
            findings.push(refused(prefix, file, &why));
        }
    }
    if let Some(path) = get("ssl.truststore.location") {
        if is_pem(get("ssl.truststore.type"), path) {
            out.set("ssl.ca.location", path);
        } else {
            let why = "only PEM trust stores can be read; convert it (keytool -exportcert -rfc) and set \
                       ssl.truststore.type=PEM";
            findings.push(refused(prefix, "ssl.truststore.location", why));
        }
    }
    if let Some(path) = get("ssl.keystore.location") {
        let kind = get("ssl.keystore.type").map(str::to_ascii_uppercase);
        if is_pem(kind.as_deref(), path) {
            out.set("ssl.certificate.location", path);
            out.set("ssl.key.location", path);
        } else if kind.as_deref() == Some("PKCS12") {
            out.set("ssl.keystore.location", path);
            if let Some(password) = get("ssl.keystore.password") {
                out.set("ssl.keystore.password", password);
            }
        } else {
            let why = "only PEM and PKCS12 key stores can be read; convert it (keytool -importkeystore \
                       -deststoretype pkcs12) and set ssl.keystore.type";
            findings.push(refused(prefix, "ssl.keystore.location", why));
        }
    }
    match get("ssl.endpoint.identification.algorithm") {
        Some("") => out.set("ssl.endpoint.identification.algorithm", "none"),
        Some(name) if name.eq_ignore_ascii_case("https") => {
            out.set("ssl.endpoint.identification.algorithm", "https");
        }
        Some(_) => findings.push(refused(
            prefix,
            "ssl.endpoint.identification.algorithm",
            "it must be https or empty",
        )),
        None => {}
    }
    for key in ["ssl.protocol", "ssl.enabled.protocols"] {
        let modern = |v: &str| {
            v.split(',')
                .all(|p| matches!(p.trim(), "TLSv1.2" | "TLSv1.3"))
        };
        if get(key).is_some_and(|v| !modern(v)) {
            findings.push(refused(
                prefix,
                key,
                "only TLSv1.2 and TLSv1.3 are spoken; remove it",
            ));
        }
    }
}

fn is_pem(kind: Option<&str>, path: &str) -> bool {
    let by_name = || {
        let extension = std::path::Path::new(path).extension();
        extension.is_some_and(|e| e.eq_ignore_ascii_case("pem") || e.eq_ignore_ascii_case("crt"))
    };
    kind.map_or_else(by_name, |k| k.eq_ignore_ascii_case("PEM"))
}

fn sasl(
    java: &BTreeMap<String, String>,
    prefix: &str,
    out: &mut ClientProps,
    findings: &mut Vec<Finding>,
) {
    if let Some(name) = java.get("sasl.mechanism")
        && !MECHANISMS.contains(&name.trim())
    {
        let why = format!("it must be one of {}", MECHANISMS.join(", "));
        findings.push(refused(prefix, "sasl.mechanism", &why));
    }
    let Some(text) = java.get("sasl.jaas.config") else {
        return;
    };
    match jaas::parse(text) {
        Ok(login) => {
            out.set("sasl.username", login.username);
            out.set("sasl.password", login.password);
        }
        Err(why) => findings.push(refused(prefix, "sasl.jaas.config", &why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(
        keys: &[(&str, &str)],
        role: ClientRole,
        restricted: bool,
    ) -> (ClientProps, Vec<String>) {
        let java = keys
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let (props, findings) = translate(&java, role, "producer.override.", restricted);
        (props, findings.into_iter().map(|f| f.message).collect())
    }

    #[test]
    fn keys_are_translated() {
        for (java, value, native, expected) in [
            ("linger.ms", "7", "linger.ms", "7"),
            (
                "buffer.memory",
                "1048576",
                "queue.buffering.max.kbytes",
                "1024",
            ),
            ("max.request.size", "9", "message.max.bytes", "9"),
            (
                "security.protocol",
                "SASL_SSL",
                "security.protocol",
                "sasl_ssl",
            ),
            ("acks", "1", "enable.idempotence", "false"),
            ("ssl.truststore.certificates", "PEM", "ssl.ca.pem", "PEM"),
            (
                "ssl.truststore.location",
                "/x/ca.pem",
                "ssl.ca.location",
                "/x/ca.pem",
            ),
            (
                "ssl.endpoint.identification.algorithm",
                "",
                "ssl.endpoint.identification.algorithm",
                "none",
            ),
        ] {
            let (props, findings) = run(&[(java, value)], ClientRole::Producer, false);
            assert_eq!(
                (props.get(native), findings.len()),
                (Some(expected), 0),
                "{java}"
            );
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused_by_name() {
        for (key, value, role, restricted, part) in [
            (
                "lingr.ms",
                "7",
                ClientRole::Producer,
                false,
                "did you mean linger.ms?",
            ),
            (
                "interceptor.classes",
                "x.Y",
                ClientRole::Producer,
                false,
                "Java classes",
            ),
            (
                "acks",
                "all",
                ClientRole::Consumer,
                false,
                "no such client key",
            ),
            (
                "ssl.truststore.location",
                "/x/store.jks",
                ClientRole::Producer,
                false,
                "PEM",
            ),
            (
                "ssl.truststore.location",
                "/x/ca.pem",
                ClientRole::Producer,
                true,
                "not allowed here",
            ),
            (
                "ssl.enabled.protocols",
                "TLSv1",
                ClientRole::Admin,
                false,
                "TLSv1.2",
            ),
            (
                "sasl.mechanism",
                "GSSAPI",
                ClientRole::Admin,
                false,
                "SCRAM-SHA-512",
            ),
            (
                "sasl.jaas.config",
                "secretstuff",
                ClientRole::Admin,
                false,
                "sasl.jaas.config",
            ),
        ] {
            let (_, findings) = run(&[(key, value)], role, restricted);
            assert!(
                findings.len() == 1 && findings[0].contains(part),
                "{key}: {findings:?}"
            );
            assert!(
                findings[0].contains("producer.override.") && !findings[0].contains("secretstuff")
            );
        }
    }

    #[test]
    fn a_store_in_one_form_replaces_one_in_another() {
        let props = |keys: &[(&str, &str)]| run(keys, ClientRole::Producer, false).0;
        let worker = props(&[
            ("ssl.truststore.certificates", "worker's"),
            ("ssl.keystore.certificate.chain", "worker's"),
            ("ssl.keystore.key", "worker's"),
            ("linger.ms", "3"),
        ]);
        let own = props(&[
            ("ssl.truststore.location", "/own.pem"),
            ("ssl.keystore.location", "/own.p12"),
            ("ssl.keystore.type", "PKCS12"),
        ]);
        let keys: Vec<_> = worker.overridden_by(&own).0.into_keys().collect();
        assert_eq!(
            keys,
            ["linger.ms", "ssl.ca.location", "ssl.keystore.location"]
        );
        let (_, both) = run(
            &[
                ("ssl.truststore.location", "/x.pem"),
                ("ssl.truststore.certificates", "PEM"),
            ],
            ClientRole::Producer,
            false,
        );
        assert!(both[0].contains("exclude each other"), "{both:?}");
    }

    #[test]
    fn logins_are_taken_apart_and_hidden() {
        let jaas = "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"p w\";";
        let (props, findings) = run(&[("sasl.jaas.config", jaas)], ClientRole::Producer, false);
        assert!(findings.is_empty());
        assert_eq!(
            (props.get("sasl.username"), props.get("sasl.password")),
            (Some("u"), Some("p w"))
        );
        assert!(!format!("{props:?}").contains("p w"));
    }

    #[test]
    fn a_tenants_overrides_stay_with_the_workers_brokers() {
        let java = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
        for (key, value) in [
            ("bootstrap.servers", "evil:9092"),
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", "PLAIN"),
            ("ssl.endpoint.identification.algorithm", ""),
            ("buffer.memory", "99999999999"),
        ] {
            let refused = translate(&java(key, value), ClientRole::Producer, OVERRIDE, true).1;
            assert_eq!(refused.len(), 1, "{key}");
            let free = translate(&java(key, value), ClientRole::Producer, OVERRIDE, false).1;
            assert_eq!(free, [], "{key} without tenants");
        }
        let harmless = translate(
            &java("linger.ms", "9"),
            ClientRole::Producer,
            OVERRIDE,
            true,
        );
        assert_eq!(harmless.1, []);
    }
}
