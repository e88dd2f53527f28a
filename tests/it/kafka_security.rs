//! Kafka over TLS and SASL: workers, connectors' own settings and schema history, on a broker that wants credentials.

use serde_json::{Value, json};
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::secure_kafka::{PLAIN, SCRAM, SecureKafka, jaas, properties_line};
use tests::until;

const STEP: Duration = Duration::from_mins(1);
const PLAIN_MODULE: &str = "plain.PlainLoginModule";
/// A password nobody has.
const WRONG: &str = "not-the-secret";
const SCRAM_MODULE: &str = "scram.ScramLoginModule";

/// A worker that connects as these Java keys say; not started.
fn worker(name: &str, address: &str, keys: &[(&str, &str)]) -> Host {
    let host = Host::prepare(name, &[("bootstrap.servers", address)]).unwrap();
    let file = host.folder.join("worker.properties");
    let mut text = std::fs::read_to_string(&file).unwrap();
    for (key, value) in keys {
        text += &(properties_line(key, value) + "\n");
    }
    std::fs::write(file, text).unwrap();
    host
}

/// The keys of SASL over TLS, with the authority in a file, each under `prefix`.
fn sasl(kafka: &SecureKafka, prefix: &str, mechanism: &str, login: &str) -> Vec<(String, String)> {
    let pairs = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", mechanism),
        ("sasl.jaas.config", login),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", &kafka.ca_file()),
        ("ssl.endpoint.identification.algorithm", "https"),
    ];
    let named = pairs.map(|(k, v)| (format!("{prefix}{k}"), v.to_owned()));
    named.into()
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    let each = pairs.iter();
    each.map(|(k, v)| (k.as_str(), v.as_str())).collect()
}

/// A connector that sends `line` to a topic of its own name, with these overrides.
fn lines(host: &Host, name: &str, line: &str, overrides: &[(&str, &str)]) -> Value {
    let file = host.folder.join(name);
    std::fs::write(&file, format!("{line}\n")).unwrap();
    let mut config = json!({
        "connector.class": "FileStreamSource", "tasks.max": "1", "file": file, "topic": name,
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    for (key, value) in overrides {
        config[format!("producer.override.{key}")] = (*value).into();
    }
    config
}

/// A new database with one row, and a connector for it whose schema history logs in like this.
fn secure_database(kafka: &SecureKafka, login: &str) -> Value {
    let script = "DROP DATABASE IF EXISTS secure;\nCREATE DATABASE secure;\n\
                  CREATE TABLE secure.t (id INT PRIMARY KEY);\nINSERT INTO secure.t VALUES (7);\n";
    Session::open().unwrap().script(script).unwrap();
    let mut config = crate::faults::connector("secure");
    config["schema.history.internal.kafka.bootstrap.servers"] = kafka.sasl_address().into();
    for client in ["producer", "consumer"] {
        let prefix = format!("schema.history.internal.{client}.");
        for (k, v) in sasl(kafka, &prefix, "SCRAM-SHA-512", login) {
            config[k] = v.into();
        }
    }
    config
}

/// A refused login names the broker, the mechanism and what to do, and nowhere the password.
fn assert_refused(said: &str, log: &str, kafka: &SecureKafka, mechanism: &str) {
    for part in [
        "KAFKA-REFUSED",
        &kafka.sasl_address(),
        "SASL authentication error",
        mechanism,
        "correct the setting",
    ] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    assert!(!log.contains(WRONG) && !said.contains(WRONG), "{log}");
}

#[test]
fn sasl_over_tls() {
    let _servers = tests::servers();
    let kafka = SecureKafka::start().unwrap();
    let plain = jaas(PLAIN_MODULE, PLAIN.0, PLAIN.1);
    let keys = sasl(&kafka, "", "PLAIN", &plain);
    let mut host = worker("sasl", &kafka.sasl_address(), &borrowed(&keys));
    host.run(&[]).unwrap();
    let as_worker = lines(&host, "as-worker", "one", &[]);
    host.create("as-worker", &as_worker).unwrap();
    let scram = jaas(SCRAM_MODULE, SCRAM.0, SCRAM.1);
    let own = |login| {
        [
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.jaas.config", login),
        ]
    };
    let as_itself = lines(&host, "as-itself", "two", &own(&scram));
    host.create("as-itself", &as_itself).unwrap();
    host.create("secure", &secure_database(&kafka, &scram))
        .unwrap();
    assert_eq!(kafka.values("as-worker", 1).unwrap(), ["one"]);
    assert_eq!(kafka.values("as-itself", 1).unwrap(), ["two"]);
    let events = kafka.values("secure.secure.t", 1).unwrap();
    assert!(events[0].contains("\"after\":{\"id\":7}"), "{events:?}");
    let history = kafka.values("secure-history", 1).unwrap();
    assert!(history[0].contains("tableChanges"), "{history:?}");

    // Wrong passwords: a connector's own, its schema history's, the worker's.
    let wrong = jaas(SCRAM_MODULE, SCRAM.0, WRONG);
    let denied = lines(&host, "denied", "three", &own(&wrong));
    host.create("denied", &denied).unwrap();
    let mut history = secure_database(&kafka, &wrong);
    history["topic.prefix"] = "forgetful".into();
    host.create("forgetful", &history).unwrap();
    let wrong = jaas(PLAIN_MODULE, PLAIN.0, WRONG);
    let keys = sasl(&kafka, "", "PLAIN", &wrong);
    let mut stranger = worker("stranger", &kafka.sasl_address(), &borrowed(&keys));
    stranger.spawn(&[]).unwrap();
    for name in ["denied", "forgetful"] {
        let status = host.wait_state(name, "FAILED", STEP).unwrap();
        let trace = status["tasks"][0]["trace"].as_str().unwrap();
        assert_refused(trace, &host.log(), &kafka, "SCRAM-SHA-512");
    }
    assert!(!stranger.wait_exit(STEP).unwrap().success());
    assert_refused(&stranger.log_tail(1), &stranger.log(), &kafka, "");
}

#[test]
fn client_certificates() {
    let _servers = tests::servers();
    let kafka = SecureKafka::start().unwrap();
    let mine = kafka.client();
    let keys = [
        ("security.protocol", "SSL"),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.certificates", kafka.ca()),
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.certificate.chain", &mine.certificate),
        ("ssl.keystore.key", &mine.key),
        // The address is not the one the broker's certificate is for.
        ("ssl.endpoint.identification.algorithm", ""),
    ];
    let mut host = worker("tls", &kafka.tls_address(), &keys);
    host.run(&[]).unwrap();
    let as_worker = lines(&host, "as-worker", "one", &[]);
    host.create("as-worker", &as_worker).unwrap();
    let own = [
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", &kafka.client_file()),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", &kafka.ca_file()),
    ];
    let as_itself = lines(&host, "as-itself", "two", &own);
    host.create("as-itself", &as_itself).unwrap();
    assert_eq!(kafka.values("as-worker", 1).unwrap(), ["one"]);
    assert_eq!(kafka.values("as-itself", 1).unwrap(), ["two"]);

    // A broker whose name is not in its certificate, and a file that is not there.
    let mut checked = keys;
    checked[6].1 = "https";
    let mut misled = worker("misled", &kafka.tls_address(), &checked);
    misled.spawn(&[]).unwrap();
    let lost = [
        ("security.protocol", "SSL"),
        ("ssl.truststore.location", "/nowhere/ca.pem"),
    ];
    let mut lost = worker("lost", &kafka.tls_address(), &lost);
    lost.spawn(&[]).unwrap();
    assert!(!lost.wait_exit(STEP).unwrap().success());
    let said = lost.log_tail(1);
    assert!(
        said.contains("KAFKA-CLIENT-CONFIG") && said.contains("ssl.truststore.location"),
        "{said}"
    );
    // The first try may end before the handshake has.
    let why = ["asking for the topic", "certificate verify failed"];
    until::until("the misled worker to say why", STEP, || {
        let log = misled.log();
        let said = log.lines().any(|l| why.iter().all(|w| l.contains(w)));
        Ok(said.then_some(()))
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", misled.log_tail(5)));
}
