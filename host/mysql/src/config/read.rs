//! Reading [`MysqlConfig`] out of a configuration, and the rules across keys.
//!
//! Findings are collected with Debezium's texts (`Field.validate`). Keys that would change data if they were ignored
//! are marked in `keys.json` and refused; harmless ones are accepted.
//! Invariant: a configuration without findings yields a [`MysqlConfig`].

mod parts;

use super::filter::Patterns;
use super::*;
use host_core::config::{Config, Finding, Parser, duration_ms};

/// Parts of topic names, which must be what Kafka takes (`CommonConnectorConfig.validateTopicName`).
const TOPIC_PARTS: [&str; 5] = [
    "topic.prefix",
    "topic.delimiter",
    "topic.transaction",
    "topic.heartbeat.prefix",
    "topic.heartbeat.name",
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
    let server = parts::server(p, config);
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
    let values = parts::values(p, config);
    let snapshot_mode = parts::snapshot_mode(p);
    let locking = built(p, "snapshot.locking.mode", Locking::WORDS);
    let failures = p.one_of(
        "event.processing.failure.handling.mode",
        FailureHandling::WORDS,
    );
    let inconsistent = p.one_of("inconsistent.schema.handling.mode", FailureHandling::WORDS);
    let batch = parts::batch(p);
    let snapshot_order = p.one_of("snapshot.tables.order.by.row.count", SnapshotOrder::WORDS);
    let notifications = parts::notifications(p, config);
    let skipped = parts::skipped(p);
    let gtid_sources = parts::gtid_sources(p, config);
    let history = parts::history(p, config);
    let rules = ColumnRules::read(p, config);
    let converters = Converters::read(p, config);
    let schema_names = p.one_of("schema.name.adjustment.mode", naming::ADJUSTMENTS);
    let field_names = parts::field_names(p, config);
    let inexpressible = parts::inexpressible(p);
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
                parts::heartbeat_topic(config, &prefix, &delimiter),
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
        snapshot_selects: parts::selects(config),
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
