//! `docs/reference/mysql-connector.md`, made of the table of keys and of what is said here about some of them.
//!
//! A test fails while the document differs; with `TIDEGATE_WRITE_DOCS` set it writes it instead. Source of the names:
//! Debezium 3.6.1's published table (`keys.json`) and the keys it reads beside that.
//! Invariant: a key that is neither refused nor named without effect here is read somewhere in `config`.

use super::{DEFINITION, understands};
use std::fmt::Write as _;
use std::path::Path;

/// Keys that Debezium reads beside its published table, with their defaults.
const UNPUBLISHED: &[(&str, &str)] = &[
    ("binary.handling.mode", "bytes"),
    ("column.mask.hash.v2.([^.]+).with.salt.(.+)", ""),
    ("database.connection.factory.class", ""),
    ("event.converting.failure.handling.mode", "warn"),
    ("field.name.adjustment.mode", "none"),
    ("internal.custom.retriable.exception", ""),
    ("queue.provider.type", "memory"),
    ("read.only", "false"),
    ("reselect.columns.exclude.list", ""),
    ("reselect.columns.include.list", ""),
    ("reselect.error.handling.mode", "warn"),
    ("reselect.null.values", "true"),
    ("reselect.unavailable.values", "true"),
    ("reselect.use.event.key", "false"),
    ("internal.schema.history.internal.ddl.filter", "a list"),
    ("schema.history.internal.file.filename", ""),
    ("schema.history.internal.kafka.bootstrap.servers", ""),
    ("schema.history.internal.kafka.buffer.batch.size", "1024"),
    ("schema.history.internal.kafka.create.timeout.ms", "30000"),
    ("schema.history.internal.kafka.query.timeout.ms", "3000"),
    ("schema.history.internal.kafka.recovery.attempts", "100"),
    (
        "schema.history.internal.kafka.recovery.poll.interval.ms",
        "100",
    ),
    ("schema.history.internal.kafka.topic", ""),
    ("schema.history.internal.name", ""),
    ("schema.history.internal.prefer.ddl", "false"),
    ("signal.file", "file-signals.txt"),
    ("signal.kafka.bootstrap.servers", ""),
    ("signal.kafka.groupId", "kafka-signal"),
    ("signal.kafka.poll.timeout.ms", "0"),
    ("signal.kafka.topic", ""),
    ("skip.messages.without.change", "false"),
    ("snapshot.locking.mode.custom.name", ""),
    ("topic.cache.size", "10000"),
    ("topic.delimiter", "."),
    ("topic.heartbeat.name", ""),
    ("topic.heartbeat.prefix", "__debezium-heartbeat"),
    ("topic.key.enforce.uniqueness", "true"),
    ("topic.key.field.name", "__dbz__physicalTableIdentifier"),
    ("topic.key.field.regex", ""),
    ("topic.key.field.replacement", ""),
    ("topic.regex", ""),
    ("topic.replacement", ""),
    ("topic.transaction", "transaction"),
    (
        "unavailable.value.placeholder",
        "__debezium_unavailable_value",
    ),
];

const SIGNALS: &str = "signals are refused";
const JVM: &str = "nothing of it exists here";
const CUSTOM: &str = "`custom` is refused where it is chosen";
const BASED: &str = "`snapshot.mode=configuration_based` is refused";
const ONE: &str = "one connection reads a snapshot";
const CLIENT: &str = "the Kafka client's own times hold";
const RESELECT: &str = "`post.processors` is refused";
const LINEAGE: &str = "`openlineage.integration.enabled` is refused";

/// Keys that are taken and change nothing, and why that is safe.
const NO_EFFECT: &[(&str, &str)] = &[
    (
        "binlog.buffer.size",
        "a transaction is never held in memory",
    ),
    (
        "connection.validation.timeout.ms",
        "`connect.timeout.ms` holds",
    ),
    (
        "custom.metric.tags",
        "metrics have the labels of connector and task",
    ),
    (
        "custom.sanitize.pattern",
        "values of a configuration are never logged",
    ),
    ("database.connection.factory.class", JVM),
    ("database.jdbc.driver", JVM),
    ("database.protocol", JVM),
    (
        "database.query.timeout.ms",
        "statements end with their connection",
    ),
    ("database.server.id.offset", ONE),
    ("database.ssl.keystore.password", "the store is a PEM file"),
    (
        "database.ssl.truststore.password",
        "the store is a PEM file",
    ),
    ("ddl.parser.type", "there is one parser"),
    (
        "executor.shutdown.timeout.ms",
        "`task.shutdown.graceful.timeout.ms` of the worker holds",
    ),
    ("incremental.snapshot.chunk.size", SIGNALS),
    ("internal.advanced.metrics.enable", JVM),
    ("internal.custom.retriable.exception", JVM),
    ("internal.legacy.snapshot.max.threads", ONE),
    (
        "internal.log.position.check.enable",
        "the position is always checked",
    ),
    ("internal.snapshot.scan.all.columns.force", JVM),
    ("legacy.snapshot.max.threads", ONE),
    ("memory.management.schemas.class", JVM),
    ("memory.management.tables.class", JVM),
    (
        "min.row.count.to.stream.results",
        "rows are always streamed",
    ),
    ("openlineage.integration.config.file.path", LINEAGE),
    (
        "openlineage.integration.dataset.kafka.bootstrap.servers",
        LINEAGE,
    ),
    ("openlineage.integration.job.description", LINEAGE),
    ("openlineage.integration.job.namespace", LINEAGE),
    ("openlineage.integration.job.owners", LINEAGE),
    ("openlineage.integration.job.tags", LINEAGE),
    (
        "poll.interval.ms",
        "nobody polls: a record goes on when there is none after it",
    ),
    ("query.fetch.size", "rows are always streamed"),
    ("queue.provider.type", JVM),
    ("read.only", SIGNALS),
    ("reselect.columns.exclude.list", RESELECT),
    ("reselect.columns.include.list", RESELECT),
    ("reselect.error.handling.mode", RESELECT),
    ("reselect.null.values", RESELECT),
    ("reselect.unavailable.values", RESELECT),
    ("reselect.use.event.key", RESELECT),
    (
        "internal.schema.history.internal.ddl.filter",
        "Debezium's own list holds",
    ),
    ("schema.history.internal.kafka.buffer.batch.size", CLIENT),
    ("schema.history.internal.kafka.create.timeout.ms", CLIENT),
    ("schema.history.internal.kafka.query.timeout.ms", CLIENT),
    (
        "schema.history.internal.kafka.recovery.attempts",
        "the topic is read to its end",
    ),
    (
        "schema.history.internal.kafka.recovery.poll.interval.ms",
        CLIENT,
    ),
    ("schema.history.internal.name", "a label"),
    (
        "schema.history.internal.prefer.ddl",
        "structures are read where a record has them",
    ),
    ("signal.file", SIGNALS),
    ("signal.kafka.bootstrap.servers", SIGNALS),
    ("signal.kafka.groupId", SIGNALS),
    ("signal.kafka.poll.timeout.ms", SIGNALS),
    ("signal.kafka.topic", SIGNALS),
    ("signal.poll.interval.ms", SIGNALS),
    ("snapshot.fetch.size", "rows are always streamed"),
    ("snapshot.locking.mode.custom.name", CUSTOM),
    ("snapshot.max.threads", ONE),
    ("snapshot.max.threads.multiplier", ONE),
    ("snapshot.mode.configuration.based.snapshot.data", BASED),
    (
        "snapshot.mode.configuration.based.snapshot.on.data.error",
        BASED,
    ),
    (
        "snapshot.mode.configuration.based.snapshot.on.schema.error",
        BASED,
    ),
    ("snapshot.mode.configuration.based.snapshot.schema", BASED),
    ("snapshot.mode.configuration.based.start.stream", BASED),
    ("snapshot.mode.custom.name", CUSTOM),
    ("snapshot.query.mode.custom.name", CUSTOM),
    ("statistics.metrics.enabled", "the metrics are always on"),
    (
        "topic.cache.size",
        "a topic's name is made with its table's plan",
    ),
    ("unavailable.value.placeholder", "MySQL sends every value"),
    (
        "use.nongraceful.disconnect",
        "a silent connection is given up",
    ),
];

/// What of a supported key differs.
const NOTES: &[(&str, &str)] = &[
    (
        "column.mask.hash.([^.]+).with.salt.(.+)",
        "MD5, SHA-1, SHA-224 to SHA-512, SHA-512/224, SHA-512/256",
    ),
    (
        "column.mask.hash.v2.([^.]+).with.salt.(.+)",
        "as without `v2`",
    ),
    (
        "converters",
        "`TinyIntOneToBooleanConverter`, `JdbcSinkDataTypesConverter`, `ZeroDateFallbackConverter`; other classes are refused",
    ),
    ("database.ssl.keystore", "a PEM file"),
    ("database.ssl.truststore", "a PEM file"),
    (
        "event.deserialization.failure.handling.mode",
        "older name of `event.processing.failure.handling.mode`",
    ),
    (
        "heartbeat.topics.prefix",
        "older name of `topic.heartbeat.prefix`",
    ),
    ("max.queue.size", "three batches fit in it"),
    (
        "max.queue.size.in.bytes",
        "3 MiB where it is 0: never without bound",
    ),
    (
        "notification.enabled.channels",
        "`sink`, `log`; `jmx` is refused",
    ),
    (
        "schema.history.internal",
        "Kafka, file and memory; other stores are refused",
    ),
    (
        "schema.history.internal.kafka.bootstrap.servers",
        "with `….producer.*` and `….consumer.*` for its client",
    ),
    (
        "snapshot.locking.mode",
        "`minimal`, `extended`, `none`; the others are refused",
    ),
    (
        "snapshot.mode",
        "`always`, `initial`, `initial_only`, `no_data`, `recovery`, `when_needed`; the others are refused",
    ),
    (
        "time.precision.mode",
        "all but `adaptive`, which Debezium refuses for MySQL too",
    ),
    (
        "topic.naming.strategy",
        "`Default…` (which holds without the key) and `Schema…` (without the database), each plain, `Unicode` and `Regex`; other classes are refused",
    ),
];

const HEAD: &str = "# MySQL connector: configuration keys

Every key that Debezium 3.6.1's MySQL connector reads, and what becomes of it here. *Supported*: it does what Debezium's does, but
for what the note says. *Refused*: any value but the default is an error of `validate` and of the start that says so. *No effect*:
it is taken, and the note says why nothing needs to change. What the keys mean is told by Debezium's documentation and by
`GET /connector-plugins/io.debezium.connector.mysql.MySqlConnector/config`.

Older names (`database.server.name`, `database.whitelist`, `database.history.*`, `sanitize.field.names` …) are read as today's. Keys
of the driver (`driver.*`), of a converter (`<name>.*`), of transforms and of Connect itself are theirs.

This file is made by a test of `host-mysql` (`TIDEGATE_WRITE_DOCS=1 cargo test -p host-mysql reference`).
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Supported,
    Refused,
    NoEffect,
}

struct Entry<'a> {
    name: &'a str,
    default: &'a str,
    state: State,
    note: &'a str,
}

fn about<'a>(list: &[(&str, &'a str)], key: &str) -> Option<&'a str> {
    list.iter().find(|(k, _)| *k == key).map(|(_, text)| *text)
}

fn entries() -> Vec<Entry<'static>> {
    let published = DEFINITION.keys.iter().map(|k| {
        let default = k.default_value.as_deref().unwrap_or_default();
        (k.name.as_str(), default, k.unsupported)
    });
    let unpublished = UNPUBLISHED.iter().map(|(k, default)| (*k, *default, false));
    let mut all: Vec<Entry<'static>> = published
        .chain(unpublished)
        .map(|(name, default, refused)| {
            let (state, note) = match about(NO_EFFECT, name) {
                _ if refused => (State::Refused, ""),
                Some(why) => (State::NoEffect, why),
                None => (State::Supported, about(NOTES, name).unwrap_or_default()),
            };
            Entry {
                name,
                default,
                state,
                note,
            }
        })
        .collect();
    all.sort_by_key(|e| e.name);
    all
}

fn document() -> String {
    let all = entries();
    let count = |state| all.iter().filter(|e| e.state == state).count();
    let mut out = HEAD.to_owned();
    writeln!(
        out,
        "\n{} of {} keys are supported, {} have no effect, {} are refused.\n\n| key | default | | note |\n|---|---|---|---|",
        count(State::Supported),
        all.len(),
        count(State::NoEffect),
        count(State::Refused)
    )
    .unwrap();
    for e in &all {
        let default = match e.default {
            "" => "–".to_owned(),
            long if long.len() > 60 => "a pattern".to_owned(),
            text => format!("`{text}`"),
        };
        let state = match e.state {
            State::Supported => "supported",
            State::Refused => "**refused**",
            State::NoEffect => "no effect",
        };
        writeln!(out, "| `{}` | {default} | {state} | {} |", e.name, e.note).unwrap();
    }
    out
}

#[test]
fn the_reference_is_what_the_code_does() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/mysql-connector.md");
    if std::env::var_os("TIDEGATE_WRITE_DOCS").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document(),
        "docs/reference/mysql-connector.md is stale; write it with TIDEGATE_WRITE_DOCS=1 cargo test -p host-mysql reference"
    );
}

#[test]
fn every_supported_key_is_read() {
    let sources = [
        include_str!("read.rs"),
        include_str!("read/parts.rs"),
        include_str!("rules.rs"),
        include_str!("naming.rs"),
        include_str!("converters.rs"),
    ]
    .concat();
    // By the runtime, and one that is read under today's name.
    let elsewhere = [
        "errors.max.retries",
        "retriable.restart.connector.wait.ms",
        "event.deserialization.failure.handling.mode",
    ];
    for e in entries() {
        let short = e.name.strip_prefix("schema.history.internal.");
        // `column.mask.hash.([^.]+)…` is read by its family's name.
        let family = e.name.contains('(').then_some(());
        let family = family.and_then(|()| {
            e.name
                .split_inclusive('.')
                .take(2)
                .map(str::len)
                .reduce(|a, b| a + b)
        });
        let family = family.and_then(|len| e.name.get(..len));
        let mut names = [Some(e.name), short, family].into_iter().flatten();
        let read = names.any(|name| sources.contains(&format!("\"{name}\"")));
        assert!(
            read || elsewhere.contains(&e.name) || e.state != State::Supported,
            "{} is read nowhere",
            e.name
        );
        assert!(
            DEFINITION.get(e.name).is_some() || understands(e.name),
            "{} would be called unknown",
            e.name
        );
    }
    for (key, _) in NO_EFFECT.iter().chain(NOTES) {
        let known = |e: &Entry<'_>| e.name == *key && e.state != State::Refused;
        assert!(entries().iter().any(known), "{key} is no key");
    }
}
