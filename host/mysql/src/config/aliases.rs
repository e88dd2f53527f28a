//! Names of earlier Debezium releases, and names its published table leaves out.
//!
//! Users keep configurations for years, and Connect ignores what it does not know. Old names are taken for today's;
//! unknown ones are the herder's to report. Nothing here refuses anything.
//! Invariant: a key given under today's name wins over its old name.

use host_core::config::Config;

const RENAMED: &[(&str, &str)] = &[
    ("database.server.name", "topic.prefix"),
    ("database.whitelist", "database.include.list"),
    ("database.blacklist", "database.exclude.list"),
    ("table.whitelist", "table.include.list"),
    ("table.blacklist", "table.exclude.list"),
    ("column.whitelist", "column.include.list"),
    ("column.blacklist", "column.exclude.list"),
    ("database.history", "schema.history.internal"),
    ("snapshot.locking", "snapshot.locking.mode"),
    (
        "event.deserialization.failure.handling.mode",
        "event.processing.failure.handling.mode",
    ),
];
const RENAMED_PREFIX: (&str, &str) = ("database.history.", "schema.history.internal.");

/// Keys Debezium reads beside its published table.
const UNPUBLISHED: &[&str] = &[
    "binary.handling.mode",
    "database.connection.factory.class",
    "queue.provider.type",
    "field.name.adjustment.mode",
    "event.converting.failure.handling.mode",
    "unavailable.value.placeholder",
    "skip.messages.without.change",
    "read.only",
    "topic.delimiter",
    "topic.cache.size",
    "topic.transaction",
    "topic.heartbeat.prefix",
    "topic.heartbeat.name",
    "topic.regex",
    "topic.replacement",
    "topic.key.enforce.uniqueness",
    "topic.key.field.name",
    "topic.key.field.regex",
    "topic.key.field.replacement",
    "snapshot.locking.mode.custom.name",
    "snapshot.new.tables",
    "gtid.new.channel.position",
    "sanitize.field.names",
    "schema.history.internal.kafka.topic",
    "schema.history.internal.kafka.bootstrap.servers",
    "schema.history.internal.kafka.recovery.poll.interval.ms",
    "schema.history.internal.kafka.recovery.attempts",
    "schema.history.internal.kafka.query.timeout.ms",
    "schema.history.internal.kafka.create.timeout.ms",
    "schema.history.internal.kafka.buffer.batch.size",
    "schema.history.internal.file.filename",
    "schema.history.internal.name",
    "schema.history.internal.prefer.ddl",
];
/// Families of keys that belong to somebody else: the runtime, a client, a driver, a plugin.
const FAMILIES: &[&str] = &[
    "transforms",
    "predicates",
    "key.converter",
    "value.converter",
    "header.converter",
    "producer.override.",
    "consumer.override.",
    "admin.override.",
    "topic.creation.",
    "errors.",
    "offsets.storage",
    "config.",
    "tidegate.",
    "driver.",
    "schema.history.internal.producer.",
    "schema.history.internal.consumer.",
    "snapshot.select.statement.overrides.",
    "column.mask.",
    "column.truncate.",
    "signal.",
    "reselect.",
    "internal.",
    "exactly.once.",
    "transaction.boundary",
    "offset.",
];
const RUNTIME: &[&str] = &[
    "name",
    "connector.class",
    "connector.plugin.version",
    "tasks.max",
    "tasks.max.enforce",
    "task.class",
    "task.id",
];

/// The configuration under today's names.
pub fn normalise(config: &Config) -> Config {
    let mut out = Config::default();
    for (key, value) in config.iter() {
        let today = today(key);
        if today == key || config.get(&today).is_none() {
            out.set(today, value);
        }
    }
    out
}

fn today(key: &str) -> String {
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == key) {
        return (*new).to_owned();
    }
    match key.strip_prefix(RENAMED_PREFIX.0) {
        Some(rest) => format!("{}{rest}", RENAMED_PREFIX.1),
        None => key.to_owned(),
    }
}

/// Whether a key that the definition does not list is read, or is another's business.
pub fn understands(key: &str) -> bool {
    today(key) != key
        || RUNTIME.contains(&key)
        || FAMILIES.iter().any(|f| key.starts_with(f))
        || UNPUBLISHED.contains(&key)
        || super::converters::is_option(key)
}

/// What to tell about keys under old names; for the log and never a failure. Unknown keys are the herder's to report.
pub fn warnings(config: &Config) -> Vec<String> {
    let renamed = config.iter().filter_map(|(key, _)| {
        let now = today(key);
        (now != key).then(|| {
            format!("configuration key {key} was renamed to {now}; it is read as that, rename it")
        })
    });
    renamed.collect()
}
