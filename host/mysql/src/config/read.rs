//! Reading [`MysqlConfig`] out of a configuration, and the rules across keys.
//!
//! Findings are collected with Debezium's texts (`Field.validate`). Keys that would change data if they were ignored
//! are marked in `keys.json` and refused; harmless ones are accepted.
//! Invariant: a configuration without findings yields a [`MysqlConfig`].

use super::filter::Patterns;
use super::*;
use crate::reader::BATCHES_WAITING_MAX;
use host_core::config::{Config, Finding, Parser, duration_ms};

/// Parts of topic names, which must be what Kafka takes (`CommonConnectorConfig.validateTopicName`).
const TOPIC_PARTS: [&str; 5] = [
    "topic.prefix",
    "topic.delimiter",
    "topic.transaction",
    "topic.heartbeat.prefix",
    "topic.heartbeat.name",
];
/// Converters whose formats are Avro: field names are adjusted for them unasked (`isUsingAvroConverter`).
const AVRO_CONVERTERS: [&str; 2] = [
    "io.confluent.connect.avro.AvroConverter",
    "io.apicurio.registry.utils.converter.AvroConverter",
];

impl MysqlConfig {
    /// Reads a configuration; findings are about its own keys, under the names the user gave.
    pub fn parse(config: &Config) -> Result<Self, Vec<Finding>> {
        let today = normalise(config);
        let mut p = Parser::new(&DEFINITION, &today);
        exclude_each_other(&mut p, &today);
        let parsed = read(&mut p, &today);
        let mut findings = std::mem::take(&mut p.findings);
        p.check_all();
        findings.extend(
            std::mem::take(&mut p.findings)
                .into_iter()
                .filter(|f| f.message.contains("not supported yet")),
        );
        match parsed {
            Some(c) if findings.is_empty() => Ok(c),
            _ => Err(findings),
        }
    }
}

fn exclude_each_other(p: &mut Parser<'_>, config: &Config) {
    for (a, b) in [
        ("database.include.list", "database.exclude.list"),
        ("table.include.list", "table.exclude.list"),
        ("column.include.list", "column.exclude.list"),
    ] {
        if given(config, a).is_some() && given(config, b).is_some() {
            p.reject(
                b,
                format!("The '{b}' value is invalid: \"{a}\" is already specified"),
            );
        }
    }
}

fn given<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).map(str::trim).filter(|v| !v.is_empty())
}

/// A word of an enumeration of which some are not built.
fn built<T: Copy>(p: &mut Parser<'_>, key: &str, words: &[(&str, Option<T>)]) -> Option<T> {
    let word = p.one_of(key, words)?;
    if word.is_none() {
        let text = p.text(key).unwrap_or_default().to_owned();
        p.reject(
            key,
            format!("The '{key}' value is invalid: {text} is known but not supported yet; choose another mode"),
        );
    }
    word
}

fn patterns(p: &mut Parser<'_>, config: &Config, key: &str) -> Option<Patterns> {
    match Patterns::new(given(config, key)?) {
        Ok(patterns) => Some(patterns),
        Err(why) => {
            p.reject(key, format!("The '{key}' value is invalid: {why}"));
            None
        }
    }
}

fn integer(p: &mut Parser<'_>, key: &str, least: i64) -> Option<i64> {
    let text = p.text(key)?;
    let (problem, n) = match text.parse::<i64>() {
        Err(_) => ("An integer is expected", None),
        Ok(n) if n < least && least == 1 => {
            ("A positive, non-zero integer value is expected", None)
        }
        Ok(n) if n < least => ("A non-negative integer is expected", None),
        Ok(n) => ("", Some(n)),
    };
    if n.is_none() {
        p.reject(key, format!("The '{key}' value is invalid: {problem}"));
    }
    n
}

fn boolean(p: &mut Parser<'_>, key: &str, fallback: bool) -> bool {
    p.or(key, fallback)
}

fn read(p: &mut Parser<'_>, config: &Config) -> Option<MysqlConfig> {
    let prefix = p.required::<String>("topic.prefix");
    for key in TOPIC_PARTS {
        let takes = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if let Some(bad) = given(config, key).filter(|v| !v.chars().all(takes)) {
            p.reject(
                key,
                format!("The '{key}' value is invalid: {bad} has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)"),
            );
        }
    }
    let server = server(p, config);
    let server_id = p
        .required::<String>("database.server.id")
        .and_then(|_| integer(p, "database.server.id", 1));
    let server_id = server_id.and_then(|id| u32::try_from(id).ok());
    let tables = TableFilter::new(
        (
            patterns(p, config, "database.include.list"),
            patterns(p, config, "database.exclude.list"),
        ),
        (
            patterns(p, config, "table.include.list"),
            patterns(p, config, "table.exclude.list"),
        ),
        boolean(p, "table.ignore.builtin", true),
    );
    let columns = ColumnFilter::new(
        patterns(p, config, "column.include.list"),
        patterns(p, config, "column.exclude.list"),
    );
    let snapshot_tables = patterns(p, config, "snapshot.include.collection.list")
        .map(|list| TableFilter::new((None, None), (Some(list), None), false));
    let key_columns = given(config, "message.key.columns")
        .map(KeyColumns::new)
        .transpose();
    if let Err(why) = &key_columns {
        p.reject(
            "message.key.columns",
            format!("The 'message.key.columns' value is invalid: {why}"),
        );
    }
    let values = values(p, config);
    let snapshot_mode = snapshot_mode(p);
    let locking = built(p, "snapshot.locking.mode", Locking::WORDS);
    let failures = p.one_of(
        "event.processing.failure.handling.mode",
        FailureHandling::WORDS,
    );
    let inconsistent = p.one_of("inconsistent.schema.handling.mode", FailureHandling::WORDS);
    let batch = batch(p);
    let snapshot_order = p.one_of("snapshot.tables.order.by.row.count", SnapshotOrder::WORDS);
    let notifications = notifications(p, config);
    let skipped = skipped(p);
    let gtid_sources = gtid_sources(p, config);
    let history = history(p, config);
    let rules = ColumnRules::read(p, config);
    let converters = Converters::read(p, config);
    let schema_names = p.one_of("schema.name.adjustment.mode", naming::ADJUSTMENTS);
    let field_names = field_names(p, config);
    let inexpressible = inexpressible(p);
    let delimiter = given(config, "topic.delimiter").unwrap_or(".").to_owned();
    let topics = prefix.as_deref();
    let topics = topics.map(|prefix| TopicNaming::read(p, config, prefix, &delimiter));
    let prefix = prefix?;
    let millis =
        |p: &mut Parser<'_>, key: &str| integer(p, key, 0).map_or(Duration::ZERO, duration_ms);
    let heartbeat_every = millis(p, "heartbeat.interval.ms");
    Some(MysqlConfig {
        transaction_topic: boolean(p, "provide.transaction.metadata", false).then(|| {
            format!(
                "{prefix}{delimiter}{}",
                given(config, "topic.transaction").unwrap_or("transaction")
            )
        }),
        heartbeat: (!heartbeat_every.is_zero()).then(|| {
            (
                heartbeat_topic(config, &prefix, &delimiter),
                heartbeat_every,
            )
        }),
        heartbeat_query: given(config, "heartbeat.action.query").map(str::to_owned),
        server: server?,
        server_id: server_id?,
        tables,
        columns,
        rules,
        converters,
        key_columns: key_columns.ok()?.unwrap_or_default(),
        snapshot_tables,
        snapshot_order: snapshot_order?,
        snapshot_selects: selects(config),
        snapshot_mode: snapshot_mode?,
        locking: locking?,
        lock_timeout: millis(p, "snapshot.lock.timeout.ms"),
        snapshot_delay: millis(p, "snapshot.delay.ms"),
        streaming_delay: millis(p, "streaming.delay.ms"),
        batch_rows_max: batch?.0,
        batch_bytes_max: batch?.1,
        values: values?,
        skipped,
        skip_unchanged: boolean(p, "skip.messages.without.change", false),
        tombstones: boolean(p, "tombstones.on.delete", true),
        schema_changes: boolean(p, "include.schema.changes", true),
        include_query: boolean(p, "include.query", false),
        context_headers: boolean(p, "extended.headers.enabled", true),
        inexpressible,
        failures: failures?,
        inconsistent: inconsistent?,
        notifications,
        gtid_sources,
        gtid_filters_rows: boolean(p, "gtid.source.filter.dml.events", true),
        ignore_gtids: boolean(p, "gtid.ignore.on.recovery", false),
        guardrail: (
            integer(p, "guardrail.collections.max", 0)
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(0),
            p.text("guardrail.collections.limit.action") == Some("fail"),
        ),
        history: history?,
        topics: topics?,
        schema_names: schema_names?,
        field_names,
        prefix,
    })
}

/// Rows and bytes of a batch. Besides the batch that is being filled, [`BATCHES_WAITING_MAX`] others wait.
fn batch(p: &mut Parser<'_>) -> Option<(usize, usize)> {
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

fn notifications(p: &mut Parser<'_>, config: &Config) -> Notifications {
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

fn field_names(p: &mut Parser<'_>, config: &Config) -> Adjustment {
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

fn inexpressible(p: &mut Parser<'_>) -> FailureHandling {
    let words = [
        ("skip", FailureHandling::Skip),
        ("warn", FailureHandling::Warn),
        ("fail", FailureHandling::Fail),
    ];
    p.one_of("event.converting.failure.handling.mode", &words)
        .unwrap_or(FailureHandling::Warn)
}

fn server(p: &mut Parser<'_>, config: &Config) -> Option<ServerConfig> {
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

fn values(p: &mut Parser<'_>, config: &Config) -> Option<ValueConfig> {
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

fn snapshot_mode(p: &mut Parser<'_>) -> Option<SnapshotMode> {
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

fn skipped(p: &mut Parser<'_>) -> SkippedOperations {
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

fn gtid_sources(p: &mut Parser<'_>, config: &Config) -> Option<SourceFilter> {
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

fn heartbeat_topic(config: &Config, prefix: &str, delimiter: &str) -> String {
    if let Some(name) = given(config, "topic.heartbeat.name") {
        return name.to_owned();
    }
    let head = given(config, "topic.heartbeat.prefix")
        .or(given(config, "heartbeat.topics.prefix"))
        .unwrap_or("__debezium-heartbeat");
    format!("{head}{delimiter}{prefix}")
}

fn selects(config: &Config) -> BTreeMap<String, String> {
    config
        .list("snapshot.select.statement.overrides")
        .into_iter()
        .filter_map(|table| {
            let statement = config.get(&format!("snapshot.select.statement.overrides.{table}"))?;
            Some((table, statement.to_owned()))
        })
        .collect()
}

fn history(p: &mut Parser<'_>, config: &Config) -> Option<HistoryConfig> {
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
