//! Recorded scenarios replayed: every record of every topic equal to the real Debezium's, but for listed exceptions.

use tests::capture::Capture;
use tests::golden::Replay;

fn check(scenario: &str, variants: &[&str], exceptions: &dyn Fn(&mut Capture)) {
    let _servers = tests::servers();
    let replay = Replay::run(scenario, variants).unwrap();
    let mut report = Vec::new();
    for variant in variants {
        let differences = replay.differences(variant, exceptions).unwrap();
        let records: usize = replay.expected[*variant].values().map(Vec::len).sum();
        println!(
            "{scenario}/{variant}: {records} records, {} differences",
            differences.len()
        );
        if !differences.is_empty() {
            report.push(format!(
                "{scenario}/{variant}:\n  {}",
                differences.join("\n  ")
            ));
        }
    }
    assert!(report.is_empty(), "{}", report.join("\n"));
}

fn none(_: &mut Capture) {}

#[test]
fn notebook() {
    check("notebook", &["main"], &none);
}

#[test]
fn keys() {
    check("keys", &["default", "msgkey", "notomb"], &none);
}

#[test]
fn transactions() {
    check("tx", &["txmeta"], &none);
}

#[test]
fn snapshot() {
    check("snapshot", &["initial"], &none);
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
    check("smt", &variants, &none);
}

#[test]
fn types() {
    check("types", &["default"], &none);
}
