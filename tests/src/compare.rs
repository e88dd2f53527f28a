//! Comparing two captures of one scenario, looking past what can never be equal.
//!
//! The only place that normalises, and only where the format puts volatile values: the `source`, `transaction` and
//! `position` blocks, the envelope's own `ts_*`, stored offsets, and the `__…` fields of ExtractNewRecordState. A row's
//! columns are never touched. Times, versions and server ids are compared by type; gtid, file, pos, thread and
//! transaction ids by order of appearance, so equal stays equal and different stays different. White space, field
//! order and the spelling of numbers count. Invariant: what is not listed here is compared byte for byte.

use crate::capture::{Capture, Captured, tree};
use crate::json::Node;
use fancy_regex::Regex;
use indexmap::IndexMap;
use std::collections::HashMap;

const BY_ORDER: [&str; 4] = ["gtid", "pos", "file", "thread"];
const BY_TYPE: [&str; 7] = [
    "ts_ms",
    "ts_us",
    "ts_ns",
    "ts_sec",
    "timestamp",
    "version",
    "server_id",
];
const TIMES: [&str; 3] = ["ts_ms", "ts_us", "ts_ns"];
const RUN_ID: &str = "__debezium.context.runId";
const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const TOKEN: &str = r#""(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null"#;

/// Which of a block's own keys are volatile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// None.
    Stable,
    /// A source block, a position, a stored offset.
    Position,
    /// A transaction block or a transaction's own record.
    Transaction,
    /// An envelope or a schema change: only its times.
    Envelope,
}

impl Block {
    fn of(name: &str, fields: &IndexMap<String, Node>, of_transactions: bool) -> Self {
        let has = |k: &str| fields.contains_key(k);
        if ["source", "position", "offset"].contains(&name) || has("file") && has("pos") {
            Self::Position
        } else if name == "transaction" || of_transactions && has("id") {
            Self::Transaction
        } else if has("op") && (has("before") || has("after"))
            || has("databaseName")
            || has("ddl")
            || fields.keys().all(|k| TIMES.contains(&k.as_str()))
        {
            Self::Envelope
        } else {
            Self::Stable
        }
    }
    fn allows(self, key: &str) -> bool {
        match self {
            Self::Stable => false,
            Self::Position => BY_ORDER.contains(&key) || BY_TYPE.contains(&key) || key == "gtids",
            Self::Transaction => key == "id" || TIMES.contains(&key),
            Self::Envelope => TIMES.contains(&key) || key == "timestamp",
        }
    }
}

/// Stand-ins for volatile values, remembered over one topic.
struct Normal {
    seen: HashMap<(String, String), usize>,
    counts: HashMap<String, usize>,
    of_transactions: bool,
    uuid: Regex,
}

impl Normal {
    fn new(topic: &str) -> Self {
        #[allow(clippy::expect_used, reason = "the pattern is a constant")]
        let uuid = Regex::new(UUID).expect("a good pattern");
        Self {
            seen: HashMap::new(),
            counts: HashMap::new(),
            of_transactions: topic.ends_with(".transaction"),
            uuid,
        }
    }
    fn order(&mut self, kind: &str, value: &str) -> String {
        let next = self.counts.get(kind).copied().unwrap_or(0);
        let key = (kind.to_owned(), value.to_owned());
        let n = *self.seen.entry(key).or_insert_with(|| next);
        if n == next {
            self.counts.insert(kind.to_owned(), next + 1);
        }
        format!("<{kind} {n}>")
    }
    fn value(&mut self, key: &str, node: Node, allowed: bool) -> Node {
        let shown = match &node {
            Node::Plain(t) if t == "null" => return node,
            _ if !allowed => return node,
            Node::Plain(t) | Node::Text(t) => t.clone(),
            _ => return node,
        };
        Node::Text(match key {
            "gtids" => {
                let uuid = self.uuid.clone();
                uuid.replace_all(&shown, |c: &fancy_regex::Captures<'_>| {
                    self.order("server", &c[0])
                })
                .into_owned()
            }
            "id" => self.order("gtid", &shown),
            k if BY_ORDER.contains(&k) => self.order(k, &shown),
            _ => if matches!(node, Node::Text(_)) {
                "<text>"
            } else {
                "<number>"
            }
            .to_owned(),
        })
    }
    fn walk(&mut self, node: Node, name: &str, row: bool) -> Node {
        match node {
            Node::Array(items) => {
                Node::Array(items.into_iter().map(|n| self.walk(n, name, row)).collect())
            }
            Node::Object(fields) => self.object(fields, name, row),
            other => other,
        }
    }
    fn object(&mut self, fields: IndexMap<String, Node>, name: &str, row: bool) -> Node {
        let block = if row {
            Block::Stable
        } else {
            Block::of(name, &fields, self.of_transactions)
        };
        let mut out = IndexMap::new();
        for (k, v) in fields {
            let v = match v {
                Node::Array(_) | Node::Object(_) => {
                    let row = row || ["before", "after", "schema", "fields"].contains(&k.as_str());
                    self.walk(v, &k, row)
                }
                // Added by ExtractNewRecordState: __ts_ms, __source_pos …
                v if !row && k.starts_with("__") => {
                    let bare = k.trim_start_matches("__");
                    let bare = bare
                        .strip_prefix("source_")
                        .or_else(|| bare.strip_prefix("transaction_"))
                        .unwrap_or(bare);
                    let id = bare == "id" && k.contains("transaction");
                    self.value(
                        bare,
                        v,
                        BY_ORDER.contains(&bare) || BY_TYPE.contains(&bare) || id,
                    )
                }
                v => self.value(&k, v, block.allows(&k)),
            };
            out.insert(k, v);
        }
        Node::Object(out)
    }
}

/// A JSON text without its values: white space, places of names, punctuation.
fn layout(text: Option<&str>) -> Option<String> {
    let text = text.filter(|t| t.starts_with(['{', '[']))?;
    #[allow(clippy::expect_used, reason = "the pattern is a constant")]
    let token = Regex::new(TOKEN).expect("a good pattern");
    Some(token.replace_all(text, "v").into_owned())
}

/// Differences between two captures, at most `limit`; none when they are equal.
pub fn compare(expected: &Capture, actual: &Capture, limit: usize) -> Vec<String> {
    let mut out = Differences {
        found: Vec::new(),
        limit,
    };
    for topic in expected
        .keys()
        .chain(actual.keys().filter(|t| !expected.contains_key(*t)))
    {
        match (expected.get(topic), actual.get(topic)) {
            (Some(e), Some(a)) => records(topic, e, a, &mut out),
            (None, _) => out.add(format!("{topic}: topic extra")),
            (_, None) => out.add(format!("{topic}: topic missing")),
        }
    }
    out.found
}

struct Differences {
    found: Vec<String>,
    limit: usize,
}

impl Differences {
    fn add(&mut self, what: String) {
        if self.found.len() < self.limit {
            self.found.push(what);
        }
    }
}

fn records(topic: &str, expected: &[Captured], actual: &[Captured], out: &mut Differences) {
    if expected.len() != actual.len() {
        out.add(format!(
            "{topic}: {} records instead of {}",
            actual.len(),
            expected.len()
        ));
    }
    let mut normals = (Normal::new(topic), Normal::new(topic));
    for (i, (e, a)) in expected.iter().zip(actual).enumerate() {
        let at = format!("{topic}[{i}]");
        if e.partition != a.partition {
            out.add(format!(
                "{at}: partition {} instead of {}",
                a.partition, e.partition
            ));
        }
        let key = (e.key.as_deref(), a.key.as_deref());
        part(&mut normals, key, &format!("{at}.key"), out);
        let value = (e.value.as_deref(), a.value.as_deref());
        part(&mut normals, value, &format!("{at}.value"), out);
        let (of_e, of_a) = (headers(&mut normals.0, e), headers(&mut normals.1, a));
        diff(&of_e, &of_a, &format!("{at}.headers"), out);
    }
}

fn part(
    normals: &mut (Normal, Normal),
    (e, a): (Option<&str>, Option<&str>),
    at: &str,
    out: &mut Differences,
) {
    let of_e = normals.0.walk(tree(e), "", false);
    let of_a = normals.1.walk(tree(a), "", false);
    diff(&of_e, &of_a, at, out);
    if e.is_some() != a.is_some() {
        out.add(format!("{at}: null and the text null differ"));
    } else if layout(e) != layout(a) {
        out.add(format!("{at}: white space or field order differs"));
    }
}

fn headers(normal: &mut Normal, record: &Captured) -> Node {
    let all = record.headers.iter().map(|(name, value)| {
        let value = match name.as_str() {
            RUN_ID => Node::Text("<run>".to_owned()),
            _ => normal.walk(tree(value.as_deref()), "", false),
        };
        Node::Array(vec![Node::Text(name.clone()), value])
    });
    Node::Array(all.collect())
}

fn diff(expected: &Node, actual: &Node, at: &str, out: &mut Differences) {
    match (expected, actual) {
        (Node::Object(want), Node::Object(got)) => {
            for (k, v) in want {
                match got.get(k) {
                    Some(other) => diff(v, other, &format!("{at}.{k}"), out),
                    None => out.add(format!("{at}.{k}: missing")),
                }
            }
            for k in got.keys().filter(|k| !want.contains_key(*k)) {
                out.add(format!("{at}.{k}: extra"));
            }
            let same = want.len() == got.len() && want.keys().all(|k| got.contains_key(k));
            if same && !want.keys().eq(got.keys()) {
                out.add(format!(
                    "{at}: field order {:?}",
                    got.keys().collect::<Vec<_>>()
                ));
            }
        }
        (Node::Array(want), Node::Array(got)) => {
            if want.len() != got.len() {
                out.add(format!(
                    "{at}: {} elements instead of {}",
                    got.len(),
                    want.len()
                ));
            }
            for (i, (v, other)) in want.iter().zip(got).enumerate() {
                diff(v, other, &format!("{at}[{i}]"), out);
            }
        }
        _ if expected == actual => {}
        _ => {
            let short = |n: &Node| n.to_string().chars().take(160).collect::<String>();
            out.add(format!(
                "{at}: {} instead of {}",
                short(actual),
                short(expected)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Capture {
        let r = Captured {
            partition: 0,
            key: None,
            value: Some(value.to_owned()),
            headers: vec![],
        };
        Capture::from([("t".to_owned(), vec![r])])
    }

    #[test]
    fn only_what_is_volatile_is_looked_past() {
        let e = r#"{"op":"c","after":{"pos":1,"ts_ms":5},"source":{"file":"a","pos":4,"version":"x"},"ts_ms":1}"#;
        let same = r#"{"op":"c","after":{"pos":1,"ts_ms":5},"source":{"file":"b","pos":9,"version":"y"},"ts_ms":2}"#;
        assert_eq!(compare(&one(e), &one(same), 9), Vec::<String>::new());
        for other in [
            same.replace("\"pos\":1", "\"pos\":2"),
            same.replace("\"ts_ms\":5", "\"ts_ms\":6"),
            same.replace("\"ts_ms\":2", "\"ts_ms\":\"2\""),
            same.replace("\"op\":\"c\"", "\"op\": \"c\""),
            same.replace("\"op\":\"c\"", "\"op\":\"u\""),
        ] {
            assert_ne!(
                compare(&one(e), &one(&other), 9),
                Vec::<String>::new(),
                "{other}"
            );
        }
    }
}
