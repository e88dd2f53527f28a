//! Recorded scenarios replayed: every record of every topic equal to the real Debezium's, but for listed exceptions.

use fancy_regex::Regex;
use tests::golden::Replay;

/// In which events a column may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Snapshot,
    Streaming,
    Both,
}
use Phase::{Both, Snapshot, Streaming};

/// Columns of `types/default` whose value is decided otherwise than Debezium writes it: table, columns (a regular
/// expression), phase, reason. The same list, in words, is `docs/compatibility.md`.
const EXCEPTIONS: [(&str, &str, Phase, &str); 11] = [
    (
        "t_charset",
        "v_(hp8|keybcs2|geostd8|armscii8|koi8u)",
        Streaming,
        "charsets Java lacks are garbled in streaming",
    ),
    (
        "t_default",
        "jd",
        Snapshot,
        "JSON text is compact in both phases",
    ),
    (
        "t_json",
        "j",
        Both,
        "JSON text is compact; doubles, opaque values and times as the server prints them",
    ),
    (
        "t_json_big",
        "j",
        Snapshot,
        "JSON text is compact in both phases",
    ),
    (
        "t_enum_set",
        "e2",
        Streaming,
        "an ENUM value with a comma is the value itself",
    ),
    (
        "t_float",
        "f|f24|fu",
        Snapshot,
        "FLOAT is exact in both phases",
    ),
    (
        "t_float",
        "f",
        Streaming,
        "the shortest text of a float, as JDK 19 and later print it",
    ),
    (
        "t_time",
        "ts[1-6]",
        Snapshot,
        "TIMESTAMP(n) has n digits in both phases",
    ),
    (
        "t_time",
        "dt[0-6]",
        Snapshot,
        "dates before 1582-10-15 are proleptic Gregorian",
    ),
    ("t_zero_dates", "yn?", Both, "YEAR 0000 is 0"),
    (
        "t_zero_default",
        "y|default",
        Both,
        "YEAR 0000 is 0, as a value and as a schema's default",
    ),
];

fn check(scenario: &str, variants: &[&str], exceptions: &[(&str, &str, Phase, &str)]) {
    let _servers = tests::servers();
    let replay = Replay::run(scenario, variants).unwrap();
    let mut report = Vec::new();
    let mut used = vec![0; exceptions.len()];
    for variant in variants {
        let all = replay.differences(variant).unwrap();
        let unlisted: Vec<String> = all
            .into_iter()
            .filter(|d| !listed(&replay, variant, d, exceptions, &mut used))
            .collect();
        let records: usize = replay.expected[*variant].values().map(Vec::len).sum();
        println!(
            "{scenario}/{variant}: {records} records, {} differences beyond the listed",
            unlisted.len()
        );
        if !unlisted.is_empty() {
            report.push(format!(
                "{scenario}/{variant}:\n  {}",
                unlisted.join("\n  ")
            ));
        }
    }
    assert!(report.is_empty(), "{}", report.join("\n"));
    for ((table, columns, phase, reason), used) in exceptions.iter().zip(used) {
        println!("  exception {table}.{columns} ({phase:?}): {used} values; {reason}");
        assert!(
            used > 0,
            "the exception {table}.{columns} ({phase:?}) is not needed"
        );
    }
}

/// Whether an exception covers a difference.
fn listed(
    replay: &Replay,
    variant: &str,
    difference: &str,
    exceptions: &[(&str, &str, Phase, &str)],
    used: &mut [usize],
) -> bool {
    let place =
        r"^(\S+\.(\w+))\[(\d+)\]\.value\.(?:payload\.(?:before|after)\.|schema\.\S+\.)(\w+): ";
    let Some(at) = Regex::new(place).unwrap().captures(difference).unwrap() else {
        return false;
    };
    let snapshot = replay
        .op(variant, &at[1], at[3].parse().unwrap())
        .as_deref()
        == Some("r");
    let phase = if snapshot { Snapshot } else { Streaming };
    let covers = |(table, columns, allowed, _): &(&str, &str, Phase, &str)| {
        let column = Regex::new(&format!("^({columns})$")).unwrap();
        *table == &at[2] && column.is_match(&at[4]).unwrap() && [phase, Both].contains(allowed)
    };
    let found = exceptions.iter().position(covers);
    if let Some(i) = found {
        used[i] += 1;
    }
    found.is_some()
}

#[test]
fn notebook() {
    check("notebook", &["main"], &[]);
}

#[test]
fn keys() {
    check("keys", &["default", "msgkey", "notomb"], &[]);
}

#[test]
fn transactions() {
    check("tx", &["txmeta"], &[]);
}

#[test]
fn snapshot() {
    check("snapshot", &["initial"], &[]);
}

#[test]
fn transforms() {
    let variants = [
        "mask",
        "regex",
        "unwrap",
        "unwrap_rewrite",
        "unwrap_noschema",
        "filter_tomb",
    ];
    check("smt", &variants, &[]);
}

#[test]
fn filters() {
    let variants = [
        "adjust_avro",
        "column_include",
        "headers_off",
        "mask_hash",
        "no_filters",
        "skip_none",
        "table_include_regex",
        "truncate",
    ];
    check("filters", &variants, &[]);
}

#[test]
fn columns() {
    let variants = [
        "mask", "md5", "cut_hex", "told", "unicode", "topics_k", "sink", "zd", "tm_skip",
    ];
    let exceptions = [
        ("m", "j", Snapshot, "JSON text is compact in both phases"),
        (
            "sink",
            "s2",
            Both,
            "JdbcSinkDataTypesConverter takes all text for UTF-8",
        ),
    ];
    check("columns", &variants, &exceptions);
}

#[test]
fn types() {
    check("types", &["default"], &EXCEPTIONS);
}
