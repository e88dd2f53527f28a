//! Parts of the configuration, each of a few keys that belong together.
//!
//! Nothing here looks at other parts. Invariant: a part that cannot be read is a finding and `None`.

use super::*;
use crate::reader::BATCHES_WAITING_MAX;

/// Converters whose formats are Avro: field names are adjusted for them unasked (`isUsingAvroConverter`).
const AVRO_CONVERTERS: [&str; 2] = [
    "io.confluent.connect.avro.AvroConverter",
    "io.apicurio.registry.utils.converter.AvroConverter",
];

pub(super) fn server(p: &mut Parser<'_>, config: &Config) -> Option<ServerConfig> {
    let host = p.required::<String>("database.hostname");
    let port = integer(p, "database.port", 0);
    let user = p.required::<String>("database.user");
    let ssl_mode = p.one_of("database.ssl.mode", SslMode::WORDS);
    for key in ["database.ssl.keystore", "database.ssl.truststore"] {
        if given(config, key).is_some_and(|f| !f.to_ascii_lowercase().ends_with(".pem")) {
            p.reject(
                key,
                format!("The '{key}' value is invalid: only PEM files are supported; convert it with keytool and openssl and name it *.pem"),
            );
        }
    }
    let keep_alive = boolean(p, "connect.keep.alive", true);
    let statements = given(config, "database.initial.statements").unwrap_or_default();
    Some(ServerConfig {
        host: host?,
        port: u16::try_from(port?).ok()?,
        user: user?,
        password: p.or("database.password", Secret::default()),
        ssl_mode: ssl_mode?,
        ssl_roots: given(config, "database.ssl.truststore").map(str::to_owned),
        ssl_identity: given(config, "database.ssl.keystore").map(str::to_owned),
        connect_timeout: integer(p, "connect.timeout.ms", 0)
            .map_or(Duration::from_secs(30), duration_ms),
        keep_alive: keep_alive
            .then(|| integer(p, "connect.keep.alive.interval.ms", 0).map(duration_ms))
            .flatten(),
        // `;;` stands for a semicolon inside a statement.
        initial_statements: statements
            .replace(";;", "\u{1}")
            .split(';')
            .map(|s| s.replace('\u{1}', ";").trim().to_owned())
            .filter(|s| !s.is_empty())
            .collect(),
        net_timeouts_s: (
            integer(p, "binlog.net.read.timeout", 0)
                .unwrap_or(0)
                .unsigned_abs(),
            integer(p, "binlog.net.write.timeout", 0)
                .unwrap_or(0)
                .unsigned_abs(),
        ),
    })
}

pub(super) fn values(p: &mut Parser<'_>, config: &Config) -> Option<ValueConfig> {
    let decimal = p.one_of("decimal.handling.mode", Decimal::WORDS);
    let time = built(p, "time.precision.mode", TimePrecision::WORDS);
    let bigint_unsigned = p.one_of("bigint.unsigned.handling.mode", BigintUnsigned::WORDS);
    let binary = match given(config, "binary.handling.mode") {
        None => Some(Binary::Bytes),
        Some(_) => p.one_of("binary.handling.mode", Binary::WORDS),
    };
    Some(ValueConfig {
        decimal: decimal?,
        time: time?,
        bigint_unsigned: bigint_unsigned?,
        binary: binary?,
        adjust_years: boolean(p, "enable.time.adjuster", true),
        comments: boolean(p, "include.schema.comments", false),
    })
}

pub(super) fn snapshot_mode(p: &mut Parser<'_>) -> Option<SnapshotMode> {
    if p.text("snapshot.mode")
        .is_some_and(|m| m.eq_ignore_ascii_case("never"))
    {
        p.reject(
            "snapshot.mode",
            "The 'snapshot.mode' value is invalid: never is gone since Debezium 3.6; use no_data, which reads the structure and no rows",
        );
        return None;
    }
    built(p, "snapshot.mode", SnapshotMode::WORDS)
}

pub(super) fn skipped(p: &mut Parser<'_>) -> SkippedOperations {
    let mut out = SkippedOperations::default();
    let words: Vec<String> = p.or("skipped.operations", Vec::new());
    for word in &words {
        match word.as_str() {
            "c" | "create" => out.create = true,
            "u" | "update" => out.update = true,
            "d" | "delete" => out.delete = true,
            "t" | "truncate" => out.truncate = true,
            "none" | "r" => {}
            _ => p.reject(
                "skipped.operations",
                format!("The 'skipped.operations' value is invalid: Invalid operation: {word}"),
            ),
        }
    }
    out
}

pub(super) fn gtid_sources(p: &mut Parser<'_>, config: &Config) -> Option<SourceFilter> {
    let (includes, excludes) = ("gtid.source.includes", "gtid.source.excludes");
    let (key, filter) = match (given(config, includes), given(config, excludes)) {
        (Some(list), _) => (includes, SourceFilter::includes(list)),
        (None, Some(list)) => (excludes, SourceFilter::excludes(list)),
        (None, None) => return None,
    };
    match filter {
        Ok(filter) => Some(filter),
        Err(why) => {
            p.reject(key, format!("The '{key}' value is invalid: {why}"));
            None
        }
    }
}

pub(super) fn heartbeat_topic(config: &Config, prefix: &str, delimiter: &str) -> String {
    if let Some(name) = given(config, "topic.heartbeat.name") {
        return name.to_owned();
    }
    let head = given(config, "topic.heartbeat.prefix")
        .or(given(config, "heartbeat.topics.prefix"))
        .unwrap_or("__debezium-heartbeat");
    format!("{head}{delimiter}{prefix}")
}

pub(super) fn selects(config: &Config) -> BTreeMap<String, String> {
    config
        .list("snapshot.select.statement.overrides")
        .into_iter()
        .filter_map(|table| {
            let statement = config.get(&format!("snapshot.select.statement.overrides.{table}"))?;
            Some((table, statement.to_owned()))
        })
        .collect()
}

pub(super) fn history(p: &mut Parser<'_>, config: &Config) -> Option<HistoryConfig> {
    let class = p.text("schema.history.internal").unwrap_or_default();
    let store = match class.rsplit('.').next().unwrap_or_default() {
        "KafkaSchemaHistory" => {
            let bootstrap = p.required::<String>("schema.history.internal.kafka.bootstrap.servers");
            let topic = p.required::<String>("schema.history.internal.kafka.topic");
            bootstrap
                .zip(topic)
                .map(|(bootstrap, topic)| HistoryStore::Kafka { bootstrap, topic })
        }
        "FileSchemaHistory" => p
            .required::<String>("schema.history.internal.file.filename")
            .map(HistoryStore::File),
        "MemorySchemaHistory" => Some(HistoryStore::Memory),
        _ => {
            let message = format!(
                "The 'schema.history.internal' value is invalid: {class} is not supported yet; use io.debezium.storage.kafka.history.KafkaSchemaHistory or io.debezium.storage.file.history.FileSchemaHistory"
            );
            p.reject("schema.history.internal", message);
            None
        }
    };
    let mut client: BTreeMap<String, String> = BTreeMap::new();
    for side in ["consumer", "producer"] {
        let keys = config.with_prefix(&format!("schema.history.internal.{side}."));
        client.extend(keys.iter().map(|(k, v)| (k.to_owned(), v.to_owned())));
    }
    let flag = |p: &mut Parser<'_>, name: &str| {
        boolean(p, &format!("schema.history.internal.{name}"), false)
    };
    Some(HistoryConfig {
        store: store?,
        skip_unparseable: flag(p, "skip.unparseable.ddl"),
        only_captured_tables: flag(p, "store.only.captured.tables.ddl"),
        only_captured_databases: flag(p, "store.only.captured.databases.ddl"),
        client,
    })
}

/// Rows and bytes of a batch. Besides the batch that is being filled, [`BATCHES_WAITING_MAX`] others wait.
pub(super) fn batch(p: &mut Parser<'_>) -> Option<(usize, usize)> {
    const BATCH_BYTES_TARGET: usize = 1 << 20;
    const BATCHES: usize = BATCHES_WAITING_MAX + 1;
    let rows = integer(p, "max.batch.size", 1)?;
    let queue = integer(p, "max.queue.size", 1)?;
    if queue <= rows {
        p.reject(
            "max.queue.size",
            "The 'max.queue.size' value is invalid: Must be larger than the maximum batch size",
        );
    }
    let bytes = integer(p, "max.queue.size.in.bytes", 0)?;
    let share = |n: i64| usize::try_from(n).unwrap_or(usize::MAX) / BATCHES;
    let bytes = match bytes {
        0 => BATCH_BYTES_TARGET,
        n => share(n).clamp(1, BATCH_BYTES_TARGET),
    };
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    Some((rows.min(share(queue).max(1)), bytes))
}

pub(super) fn notifications(p: &mut Parser<'_>, config: &Config) -> Notifications {
    let (key, topic_key) = (
        "notification.enabled.channels",
        "notification.sink.topic.name",
    );
    let mut out = Notifications::default();
    for channel in config.list(key) {
        match channel.as_str() {
            "log" => out.log = true,
            "sink" => match given(config, topic_key) {
                Some(topic) => out.topic = Some(topic.to_owned()),
                None => p.reject(
                    topic_key,
                    format!("The '{topic_key}' value is invalid: Notification topic name must be provided when kafka notification channel is enabled"),
                ),
            },
            _ => p.reject(
                key,
                format!("The '{key}' value is invalid: the channel {channel} is not supported; use sink or log"),
            ),
        }
    }
    out
}

pub(super) fn field_names(p: &mut Parser<'_>, config: &Config) -> Adjustment {
    let avro = ["key.converter", "value.converter"]
        .iter()
        .any(|key| given(config, key).is_some_and(|c| AVRO_CONVERTERS.contains(&c)));
    // The name of this key before Debezium 2.1.
    let sanitise = given(config, "sanitize.field.names");
    let unasked = avro || sanitise.is_some_and(|v| v.eq_ignore_ascii_case("true"));
    p.one_of("field.name.adjustment.mode", naming::ADJUSTMENTS)
        .flatten()
        .or(unasked.then_some(Escape::Underscore))
}

pub(super) fn inexpressible(p: &mut Parser<'_>) -> FailureHandling {
    let words = [
        ("skip", FailureHandling::Skip),
        ("warn", FailureHandling::Warn),
        ("fail", FailureHandling::Fail),
    ];
    p.one_of("event.converting.failure.handling.mode", &words)
        .unwrap_or(FailureHandling::Warn)
}
