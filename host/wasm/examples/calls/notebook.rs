//! Change events as the demo's notebook makes them: updates of a users table in Debezium's envelope.
//!
//! Shared, by path, with the native measurement (`plugins/sdk/examples/native_calls.rs`), so that both work on the same
//! bytes; it needs nothing but the layout. Invariant: interned in an empty table, schemas get the same ids every time.

use tidegate_layout::{Arena, RecordEntry, Schema, SchemaId, SchemaType, Slot};

const TOPIC: &str = "dbserver1.testdb.users1";

/// The envelope's schema and all it refers to.
pub(crate) fn envelope(intern: &mut dyn FnMut(Schema) -> SchemaId) -> SchemaId {
    let mut simple = |kind, optional: bool| {
        let schema = Schema::new(kind);
        intern(if optional { schema.optional() } else { schema })
    };
    let (int, int_opt) = (
        simple(SchemaType::Int32, false),
        simple(SchemaType::Int32, true),
    );
    let (long, long_opt) = (
        simple(SchemaType::Int64, false),
        simple(SchemaType::Int64, true),
    );
    let (text, text_opt) = (
        simple(SchemaType::String, false),
        simple(SchemaType::String, true),
    );
    let decimal = Schema::new(SchemaType::Bytes)
        .named("org.apache.kafka.connect.data.Decimal")
        .version(1)
        .parameter("scale", "2")
        .parameter("connect.decimal.precision", "10");
    let decimal = intern(decimal.optional());
    let zoned = Schema::new(SchemaType::String).named("io.debezium.time.ZonedTimestamp");
    let zoned = intern(zoned.version(1).optional());
    let mut structure = |name: &str, optional: bool, fields: &[(&str, SchemaId)]| {
        let mut schema = Schema::new(SchemaType::Struct).named(name);
        for (name, id) in fields {
            schema = schema.field(*name, *id);
        }
        intern(if optional { schema.optional() } else { schema })
    };
    let row = structure(
        "dbserver1.testdb.users1.Value",
        true,
        &[
            ("id", int),
            ("name", text_opt),
            ("email", text),
            ("age", int_opt),
            ("balance", decimal),
            ("created_at", zoned),
        ],
    );
    let source = structure(
        "io.debezium.connector.mysql.Source",
        false,
        &[
            ("version", text),
            ("connector", text),
            ("name", text),
            ("ts_ms", long),
            ("snapshot", text_opt),
            ("db", text),
            ("sequence", text_opt),
            ("ts_us", long_opt),
            ("ts_ns", long_opt),
            ("table", text_opt),
            ("server_id", long),
            ("gtid", text_opt),
            ("file", text),
            ("pos", long),
            ("row", int),
            ("thread", long_opt),
            ("query", text_opt),
        ],
    );
    let block = [
        ("id", text),
        ("total_order", long),
        ("data_collection_order", long),
    ];
    let block = structure("event.block", true, &block);
    structure(
        "dbserver1.testdb.users1.Envelope",
        false,
        &[
            ("before", row),
            ("after", row),
            ("source", source),
            ("transaction", block),
            ("op", text),
            ("ts_ms", long_opt),
            ("ts_us", long_opt),
            ("ts_ns", long_opt),
        ],
    )
}

/// That many updates; keys are left out, which these calls do not look at.
pub(crate) fn updates(arena: &mut Arena, envelope: SchemaId, records: i32) -> Vec<RecordEntry> {
    let topic = arena.raw(TOPIC.as_bytes());
    (0..records)
        .map(|i| RecordEntry {
            topic,
            topic_len: TOPIC.len() as u32,
            partition: None,
            timestamp_ms: None,
            key_schema: 0,
            value_schema: envelope.0,
            key: Slot::NULL,
            value: update(arena, i),
            headers: 0,
            headers_len: 0,
        })
        .collect()
}

fn update(arena: &mut Arena, i: i32) -> Slot {
    let row = |arena: &mut Arena, name: &str| {
        let fields = [
            Slot::int32(i),
            arena.string(name),
            arena.string(&format!("u{i}@example.com")),
            Slot::int32(30),
            arena.decimal(&[4, 1], 2),
            arena.string("2024-05-06T07:08:10Z"),
        ];
        arena.structure(&fields)
    };
    let before = row(arena, &format!("user{i}"));
    let after = row(arena, &format!("user{i}-upd"));
    let (ms, us, ns) = (
        1_795_270_641_070,
        1_795_270_641_070_807,
        1_795_270_641_070_807_000,
    );
    let source = [
        arena.string("3.6.1.Final"),
        arena.string("mysql"),
        arena.string("dbserver1"),
        Slot::int64(ms),
        arena.string("false"),
        arena.string("testdb"),
        Slot::NULL,
        Slot::int64(us),
        Slot::int64(ns),
        arena.string("users1"),
        Slot::int64(1001),
        arena.string("3da89d6b-e5b5-11f1-9f9e-02fc00000001:6"),
        arena.string("mysql-bin.000001"),
        Slot::int64(3519),
        Slot::int32(i),
        Slot::int64(23),
        Slot::NULL,
    ];
    let fields = [
        before,
        after,
        arena.structure(&source),
        Slot::NULL,
        arena.string("u"),
        Slot::int64(ms),
        Slot::int64(us),
        Slot::int64(ns),
    ];
    arena.structure(&fields)
}
