//! Whether a recorded position is at or before an offset: `BinlogHistoryRecordComparator.isPositionAtOrBefore`.
//!
//! Pure. Invariant: with GTIDs on both sides only they decide.

use crate::gtid::{GtidSet, SourceFilter};
use host_core::offset::JsonMap;
use serde_json::Value;

/// Whether what was recorded at `recorded` had happened at the offset `desired`.
pub fn at_or_before(recorded: &JsonMap, desired: &JsonMap, sources: Option<&SourceFilter>) -> bool {
    match (gtids(recorded, sources), gtids(desired, sources)) {
        (Some(recorded_set), Some(desired_set)) => {
            if recorded_set != desired_set {
                return recorded_set.is_subset(&desired_set);
            }
            if !recorded.contains_key("snapshot") && desired.contains_key("snapshot") {
                return false;
            }
            number(recorded, "event") <= number(desired, "event")
        }
        // GTIDs are switched on far more often than off.
        (None, Some(_)) => true,
        // An offset without GTIDs, set by hand perhaps: file and position still tell.
        (Some(_), None) => recorded.contains_key("file") && by_file(recorded, desired),
        (None, None) => by_file(recorded, desired),
    }
}

fn by_file(recorded: &JsonMap, desired: &JsonMap) -> bool {
    // Positions of two servers cannot be compared, their clocks can. A snapshot's position names no server.
    let servers = (number(recorded, "server_id"), number(desired, "server_id"));
    if servers.0 != servers.1 && servers.0 != 0 && servers.1 != 0 {
        return number(recorded, "ts_sec") <= number(desired, "ts_sec");
    }
    let key = |m: &JsonMap| {
        let file = m.get("file").and_then(Value::as_str).unwrap_or_default();
        // `mysql-bin.999999` is followed by `mysql-bin.1000000`.
        let number_of_file = file
            .rsplit('.')
            .next()
            .and_then(|n| n.parse::<u64>().ok())
            .unwrap_or(0);
        (
            number_of_file,
            number(m, "pos"),
            number(m, "event"),
            number(m, "row"),
        )
    };
    key(recorded) <= key(desired)
}

fn number(map: &JsonMap, key: &str) -> u64 {
    map.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn gtids(map: &JsonMap, sources: Option<&SourceFilter>) -> Option<GtidSet> {
    let mut set: GtidSet = map.get("gtids")?.as_str()?.parse().ok()?;
    if let Some(filter) = sources {
        set.retain(|uuid| filter.passes(uuid));
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_compare_as_debezium_compares_them() {
        const A: &str = "3da89d6b-e5b5-11f1-9f9e-02fc00000001";
        let g = |n: u32, rest: &str| format!(r#"{{"gtids":"{A}:1-{n}"{rest}}}"#);
        let f = |file: &str, pos: u32, rest: &str| {
            format!(r#"{{"file":"b.{file}","pos":{pos}{rest}}}"#)
        };
        for (recorded, desired, want) in [
            (g(5, ""), g(6, ""), true),
            (g(6, ""), g(5, ""), false),
            (g(5, ",\"snapshot\":\"INITIAL\""), g(5, ""), true),
            (g(5, ""), g(5, ",\"snapshot\":\"INITIAL\""), false),
            (g(5, ",\"event\":3"), g(5, ",\"event\":2"), false),
            (g(5, ",\"event\":2"), g(5, ",\"event\":3"), true),
            (f("000001", 9, ""), g(5, ""), true),
            (g(5, ""), f("000001", 9, ""), false),
            (f("000001", 900, ""), f("000002", 4, ""), true),
            (f("999999", 9, ""), f("1000000", 4, ""), true),
            (f("000002", 5, ""), f("000002", 4, ""), false),
            (
                f("000009", 5, ",\"server_id\":1,\"ts_sec\":7"),
                f("000002", 4, ",\"server_id\":2,\"ts_sec\":8"),
                true,
            ),
        ] {
            let map = |t: &str| serde_json::from_str::<JsonMap>(t).unwrap();
            assert_eq!(
                at_or_before(&map(&recorded), &map(&desired), None),
                want,
                "{recorded} {desired}"
            );
        }
    }
}
