//! Patches against batches: each check, the mapping of schemas, random patches.
//!
//! Hand-written patches stand for hostile guests; what real guests answer is tested in `host-wasm`.
//! Invariant: a patch that is refused leaves the batch as it was.

use super::*;
use crate::batch::BatchBuilder;
use crate::offset::{Offset, OffsetTable, SourcePartition};
use crate::schema::{Schema, SchemaType};
use proptest::prelude::*;
use std::sync::Arc;
use tidegate_layout::PatchWriter;

#[derive(Debug)]
struct NoOffsets;
impl OffsetTable for NoOffsets {
    fn offset(&self, _: u32) -> Option<(SourcePartition, Offset)> {
        None
    }
}

const GUEST: u32 = 0x8000_0000;
const LIMITS: PatchLimits = PatchLimits {
    bytes_max: 100_000,
    record_bytes_max: 10_000,
};

/// Four records, schema 1 (string) as key and value, one header each.
fn batch() -> Batch {
    let schemas = SharedSchemas::default();
    let text = schemas.intern(Schema::new(SchemaType::String)).unwrap();
    let mut b = BatchBuilder::new(schemas);
    for i in 0..4 {
        let v = b.arena.string(&format!("v{i}"));
        b.push("topic", (text, v), (text, v), &[("h", text, v)]);
    }
    b.finish(0, Arc::new(NoOffsets)).unwrap()
}

fn map(id: u32) -> Option<SchemaId> {
    match id {
        1 | GUEST => Some(SchemaId(1)),
        _ => None,
    }
}

type Form = (Vec<u8>, Vec<BatchRecord>);
fn form(b: &Batch) -> Form {
    // The header is scratch space of `with_wire`.
    (b.arena.get(32..).unwrap().to_vec(), b.records.clone())
}

#[test]
fn operations_change_only_their_records_and_map_schemas() {
    let mut b = batch();
    let before = b.records.clone();
    let mut w = PatchWriter::new(b.arena_len());
    let v = w.arena.string("new");
    let name = w.arena.raw(b"k");
    let header = HeaderEntry {
        name,
        name_len: 1,
        schema: GUEST,
        value: v,
    };
    let run = w.arena.raw(&header.to_bytes());
    let inserted = RecordEntry {
        key_schema: GUEST,
        key: v,
        headers: run,
        headers_len: 1,
        ..before[2].entry
    };
    let at = w.arena.raw(&inserted.to_bytes());
    w.push(0, Op::SetValue(GUEST, v));
    w.push(1, Op::Insert(at));
    w.push(1, Op::Drop);
    let applied = b
        .apply_patch(Some(&[1, 2]), &w.finish(), map, &LIMITS)
        .unwrap();
    assert_eq!(
        (applied.changed, applied.dropped, applied.inserted),
        (1, 1, 1)
    );
    let origins: Vec<u32> = b.records().iter().map(|r| r.origin).collect();
    assert_eq!(origins, [0, 1, 2, 3]);
    assert_eq!((b.records()[0], b.records()[3]), (before[0], before[3]));
    assert_eq!(b.records()[1].entry.value_schema, 1);
    assert_eq!(b.reader().str(b.records()[1].entry.value), Ok("new"));
    let new = b.records()[2].entry;
    assert_eq!(new.key_schema, 1);
    assert_eq!(b.reader().header(&new, 0).unwrap().schema, 1);
}

#[test]
fn what_is_not_valid_changes_nothing() {
    let wrong = |what: &str, op: Op| {
        let mut b = batch();
        let before = form(&b);
        let mut w = PatchWriter::new(b.arena_len());
        w.arena.string("data");
        w.push(0, Op::Drop);
        w.push(1, op);
        let got = b.apply_patch(None, &w.finish(), map, &LIMITS);
        assert!(got.is_err(), "{what}");
        assert_eq!(form(&b), before, "{what}");
    };
    let long = Slot {
        len: u32::MAX,
        ..Arena::new(0).string("")
    };
    wrong("unknown schema", Op::SetValue(GUEST + 1, Slot::NULL));
    wrong("schema never sent", Op::SetKey(2, Slot::NULL));
    wrong("wrong type", Op::SetValue(1, Slot::int8(1)));
    wrong("null", Op::SetValue(1, Slot::NULL));
    wrong("address", Op::SetKey(1, long));
    wrong("topic", Op::SetTopic(u32::MAX, 2));
    wrong("headers", Op::SetHeaders(0, u32::MAX));
    wrong("partition", Op::SetPartition(Some(u32::MAX)));
    wrong("timestamp", Op::SetTimestamp(Some(-1)));
    wrong("insert", Op::Insert(u32::MAX));
    let mut b = batch();
    let mut w = PatchWriter::new(b.arena_len());
    w.push(4, Op::Drop);
    let got = b.apply_patch(None, &w.finish(), map, &LIMITS);
    assert_eq!(
        got,
        Err(PatchError::NoSuchRecord {
            record: 4,
            records: 4
        })
    );
}

#[test]
fn removed_records_leave_the_others() {
    let mut b = batch();
    b.remove(&[0, 2]);
    let origins: Vec<u32> = b.records().iter().map(|r| r.origin).collect();
    assert_eq!(origins, [1, 3]);
}

fn op() -> impl Strategy<Value = (u8, u32, u32, u8, u32, u64)> {
    (0u8..10, 0u32..700, 0u32..5, 0u8..17, 0u32..9, 0u64..700)
}

proptest! {
    #[test]
    fn random_patches_keep_the_batch_whole(
        data in proptest::collection::vec(any::<u8>(), 0..300),
        ops in proptest::collection::vec((0u32..5, op()), 0..6),
    ) {
        let mut ops = ops;
        ops.sort_by_key(|o| o.0);
        let mut bytes = b"TGP1".to_vec();
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend((ops.len() as u32).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&data);
        for (record, (kind, a, b, tag, len, payload)) in ops {
            bytes.extend([kind, 0, 0, 0]);
            for n in [record, a, b] {
                bytes.extend(n.to_le_bytes());
            }
            bytes.extend([tag, 0, 0, 0]);
            bytes.extend(len.to_le_bytes());
            bytes.extend(payload.to_le_bytes());
        }
        let mut b = batch();
        let before = form(&b);
        let unselected = (b.records[0], b.records[3]);
        match b.apply_patch(Some(&[1, 2]), &bytes, map, &LIMITS) {
            Err(_) => prop_assert_eq!(form(&b), before),
            Ok(_) => {
                prop_assert!(b.records.windows(2).all(|w| w[0].origin <= w[1].origin));
                prop_assert_eq!(b.records.first(), Some(&unselected.0));
                prop_assert_eq!(b.records.last(), Some(&unselected.1));
                let schemas = b.schemas().clone();
                for r in b.records() {
                    let mut budget = Budget { slots: 1_000_000, bytes: 1_000_000 };
                    prop_assert_eq!(validate::record(&r.entry, b.reader(), &schemas.read(), &mut budget), Ok(()));
                }
            }
        }
    }
}
