//! The iteration order of Java's hash tables: of `HashSet<TableId>`, which is the order of names in
//! `source.table` of a schema change over several tables (`"c,c_old"` but `"d,c"`), and of maps.
//!
//! Debezium collects a statement's tables in a HashSet and joins them; to write the same bytes the
//! order must be that of Java's hash table. Invariant: output is a permutation of the distinct
//! input.

use crate::table::TableId;

/// Distinct ids in the order a `java.util.HashSet` filled in this order iterates.
pub(crate) fn in_hash_order(ids: &[TableId]) -> Vec<TableId> {
    let mut distinct: Vec<TableId> = Vec::new();
    for id in ids {
        if !distinct.contains(id) {
            distinct.push(id.clone());
        }
    }
    // 16 buckets, doubled whenever more than three quarters are taken. Within a bucket entries
    // keep the order of insertion (below eight, where Java would build a tree).
    let mut buckets: usize = 16;
    while distinct.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    distinct.sort_by_key(|id| bucket(&id.to_string(), buckets));
    distinct
}

/// Bucket of a text among a power of two of them.
pub(crate) fn bucket(text: &str, buckets: usize) -> usize {
    spread(java_hash(text)) as usize & (buckets - 1)
}

fn spread(hash: u32) -> u32 {
    hash ^ (hash >> 16)
}

/// `String.hashCode` over UTF-16 units.
fn java_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_as_debezium_was_seen_to() {
        let ids = |names: &[&str]| {
            names
                .iter()
                .map(|n| TableId::new("inv", *n))
                .collect::<Vec<_>>()
        };
        for (inserted, seen) in [
            (["c_old", "c"], ["c", "c_old"]),
            (["d", "c"], ["d", "c"]),
            (["f", "e"], ["f", "e"]),
        ] {
            assert_eq!(in_hash_order(&ids(&inserted)), ids(&seen));
        }
        assert_eq!(java_hash("inv.c"), 100_361_638);
    }
}
