//! What one row change becomes, checked against the schemas the records name.

use super::*;
use crate::config::MysqlConfig;
use crate::ddl::Session;
use crate::position::Position;
use crate::table::{TableId, Tables};
use host_core::batch::Batch;
use host_core::config::Config;
use host_core::layout::validate::{Budget, record};
use host_core::layout::{Slot, Tag};
use host_core::schema::{SchemaId, SharedSchemas};
use std::sync::Arc;

struct Made {
    topic: String,
    op: Option<String>,
    key: Vec<Slot>,
    headers: Vec<String>,
    tombstone: bool,
}

fn config(extra: &[(&str, &str)]) -> MysqlConfig {
    let base = [
        ("database.hostname", "h"),
        ("database.user", "u"),
        ("database.server.id", "9100"),
        ("topic.prefix", "p"),
        (
            "schema.history.internal",
            "io.debezium.relational.history.MemorySchemaHistory",
        ),
    ];
    let all: Config = base.iter().chain(extra).copied().collect();
    MysqlConfig::parse(&all).unwrap()
}

fn setup(extra: &[(&str, &str)], ddl: &str) -> (Writer, TableEvents) {
    let (config, schemas) = (Arc::new(config(extra)), SharedSchemas::default());
    let fixed = Fixed::new(&schemas).unwrap();
    let mut tables = Tables::new(0);
    crate::ddl::apply(ddl, &Session::new("d"), &mut tables).unwrap();
    let table = Arc::clone(tables.get(&TableId::new("d", "t")).unwrap());
    let events = TableEvents::new(table, &config, &fixed, &schemas).unwrap();
    let mut writer = Writer::new(config, fixed, schemas, 0, "run");
    writer.at(Position::new("f", 4, None).base(false), 1_000_000_000);
    (writer, events)
}

fn origin() -> Origin {
    Origin {
        ts_ns: 1_000_000_000,
        marker: Marker::False,
        db: "d".into(),
        table: Some("t".into()),
        gtid: None,
        file: "f".into(),
        pos: 4,
        server_id: 1,
        thread: Some(7),
        query: None,
    }
}

const PLACE: Place = Place {
    event: 3,
    rows: 1,
    row: 0,
    ends: true,
};

/// The records of a batch, each checked against its schemas.
fn read(batch: &Batch) -> Vec<Made> {
    let (r, schemas) = (batch.reader(), batch.schemas().read());
    let mut made = Vec::new();
    for b in batch.records() {
        let e = &b.entry;
        let mut budget = Budget {
            slots: 10_000,
            bytes: 100_000,
        };
        record(e, r, &schemas, &mut budget).unwrap();
        let headers = (0..e.headers_len).map(|i| {
            let h = r.header(e, i).unwrap();
            r.name_at(h.name, h.name_len).unwrap().to_owned()
        });
        let op =
            (!e.value.is_null()).then(|| r.str(r.field(e.value, 4).unwrap()).unwrap().to_owned());
        let key = match e.key.tag {
            Tag::Struct => r.slots(e.key).unwrap().iter().map(Result::unwrap).collect(),
            _ => Vec::new(),
        };
        made.push(Made {
            topic: r.topic(e).unwrap().to_owned(),
            op,
            key,
            headers: headers.collect(),
            tombstone: e.value.is_null() && e.value_schema == 0,
        });
    }
    made
}

fn change(writer: &mut Writer, events: &TableEvents, images: Images<'_>) -> Vec<Made> {
    writer.change(events, images, &origin(), PLACE, &mut |_| None);
    writer.take().unwrap().map_or_else(Vec::new, |b| read(&b))
}

const DDL: &str = "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9))";

#[test]
fn a_changed_key_is_delete_tombstone_create() {
    let (mut w, events) = setup(&[], DDL);
    let v = w.arena().string("x");
    let (old, new) = ([Slot::int32(1), v], [Slot::int32(2), v]);
    let made = change(&mut w, &events, Images::Update(&old, &new));
    let ops: Vec<Option<&str>> = made.iter().map(|m| m.op.as_deref()).collect();
    assert_eq!(ops, [Some("d"), None, Some("c")]);
    assert!(made[1].tombstone && made.iter().all(|m| m.topic == "p.d.t"));
    let keys: Vec<Slot> = made.iter().map(|m| m.key[0]).collect();
    assert_eq!(keys, [Slot::int32(1), Slot::int32(1), Slot::int32(2)]);
    assert_eq!(made[0].headers[0], "__debezium.newkey");
    assert_eq!(made[2].headers[0], "__debezium.oldkey");
    assert_eq!(made[0].headers.len(), 5);
}

/// Which records of a change carry an offset.
fn carrying(extra: &[(&str, &str)], images: Images<'_>) -> Vec<bool> {
    let (mut w, events) = setup(extra, DDL);
    w.change(&events, images, &origin(), PLACE, &mut |_| None);
    let batch = w.take().unwrap().unwrap();
    let all = 0..batch.records().len() as u32;
    all.map(|i| batch.offsets().offset(i).is_some()).collect()
}

#[test]
fn only_the_last_record_of_a_row_carries_its_offset() {
    let (old, new) = ([Slot::int32(1), Slot::NULL], [Slot::int32(2), Slot::NULL]);
    let bare = &[("tombstones.on.delete", "false")][..];
    for (extra, images, want) in [
        (&[][..], Images::Create(&old), &[true][..]),
        (&[], Images::Update(&old, &old), &[true]),
        (&[], Images::Delete(&old), &[false, true]),
        (bare, Images::Delete(&old), &[true]),
        (&[], Images::Update(&old, &new), &[false, false, true]),
        (bare, Images::Update(&old, &new), &[false, true]),
    ] {
        assert_eq!(carrying(extra, images), want, "{extra:?} {images:?}");
    }
}

#[test]
fn a_statements_offset_comes_with_its_last_change() {
    let (mut w, _) = setup(&[], DDL);
    let mut tables = Tables::new(0);
    let session = Session::new("d");
    for ddl in ["CREATE TABLE a (i INT)", "CREATE TABLE b (i INT)"] {
        crate::ddl::apply(ddl, &session, &mut tables).unwrap();
    }
    let ddl = "RENAME TABLE a TO c, b TO e";
    let changes = crate::ddl::apply(ddl, &session, &mut tables).unwrap();
    assert_eq!(changes.len(), 2);
    for (at, change) in changes.iter().enumerate() {
        let place = Place::after_events(3).followed_if(at == 0);
        w.schema_change(change, &origin(), 5, place);
    }
    let batch = w.take().unwrap().unwrap();
    assert!(batch.offsets().offset(0).is_none());
    assert!(batch.offsets().offset(1).is_some());
}

#[test]
fn a_schema_change_shows_the_row_before_it() {
    let (mut w, _) = setup(&[], DDL);
    let mut tables = Tables::new(0);
    let changes = crate::ddl::apply(DDL, &Session::new("d"), &mut tables).unwrap();
    let place = Place {
        row: 2,
        ..Place::after_events(3)
    };
    w.schema_change(&changes[0], &origin(), 5, place);
    let batch = w.take().unwrap().unwrap();
    let (r, first) = (batch.reader(), &batch.records()[0]);
    let source = r.field(first.entry.value, 0).unwrap();
    assert_eq!(r.field(source, 14).unwrap().as_i64(), Some(2));
}

#[test]
fn options_choose_what_is_made() {
    let row = [Slot::int32(1), Slot::NULL];
    for (extra, images, want) in [
        (&[][..], Images::Create(&row), vec![Some("c")]),
        (&[], Images::Read(&row), vec![Some("r")]),
        (&[], Images::Update(&row, &row), vec![Some("u")]),
        (&[], Images::Delete(&row), vec![Some("d"), None]),
        (
            &[("tombstones.on.delete", "false")],
            Images::Delete(&row),
            vec![Some("d")],
        ),
        (
            &[("skipped.operations", "d,u")],
            Images::Delete(&row),
            vec![],
        ),
        (
            &[("skip.messages.without.change", "true")],
            Images::Update(&row, &row),
            vec![],
        ),
    ] {
        let (mut w, events) = setup(extra, DDL);
        let made = change(&mut w, &events, images);
        let ops: Vec<Option<&str>> = made.iter().map(|m| m.op.as_deref()).collect();
        assert_eq!(ops, want, "{extra:?}");
    }
}

#[test]
fn every_part_fits_its_schema() {
    let (mut w, events) = setup(
        &[
            ("provide.transaction.metadata", "true"),
            ("heartbeat.interval.ms", "10"),
        ],
        "CREATE TABLE t (a INT NOT NULL, b ENUM('x','y') DEFAULT 'x', UNIQUE KEY (a))",
    );
    let mut tables = Tables::new(0);
    let ddl = "CREATE TABLE t (a INT NOT NULL, b ENUM('x','y') COMMENT 'c', UNIQUE KEY (a))";
    for change in crate::ddl::apply(ddl, &Session::new("d"), &mut tables).unwrap() {
        w.schema_change(&change, &origin(), 5, Place::after_events(0));
    }
    w.transaction("p.transaction", "id", 5, None, 0);
    w.transaction("p.transaction", "id", 5, Some(&[("d.t".into(), 2)]), 0);
    w.heartbeat("hb", 0);
    let x = w.arena().string("x");
    let row = [Slot::int32(1), x];
    let block = Block {
        id: "id".into(),
        total_order: 1,
        order: 1,
    };
    w.change(&events, Images::Create(&row), &origin(), PLACE, &mut |_| {
        Some(block.clone())
    });
    let batch = w.take().unwrap().unwrap();
    let topics: Vec<String> = read_others(&batch);
    assert_eq!(
        topics,
        ["p", "p.transaction", "p.transaction", "hb", "p.d.t"]
    );
    let (_, offset) = batch.offsets().offset(4).unwrap();
    let text = serde_json::Value::Object(offset.0).to_string();
    assert_eq!(text, r#"{"ts_sec":1,"file":"f","pos":4,"row":1,"event":3}"#);
}

fn read_others(batch: &Batch) -> Vec<String> {
    let (r, schemas) = (batch.reader(), batch.schemas().read());
    let check = |b: &host_core::batch::BatchRecord| {
        let mut budget = Budget {
            slots: 10_000,
            bytes: 100_000,
        };
        record(&b.entry, r, &schemas, &mut budget).unwrap();
        r.topic(&b.entry).unwrap().to_owned()
    };
    batch.records().iter().map(check).collect()
}

/// The row images and the key of the first record, as `schema name{field=value …}`.
fn shown(
    extra: &[(&str, &str)],
    ddl: &str,
    images: impl Fn(&mut Writer) -> Vec<Slot>,
) -> [String; 2] {
    let (mut w, events) = setup(extra, ddl);
    let row = images(&mut w);
    w.change(&events, Images::Create(&row), &origin(), PLACE, &mut |_| {
        None
    });
    let batch = w.take().unwrap().unwrap();
    assert_eq!(read(&batch).len(), 1);
    let e = &batch.records()[0].entry;
    let after = batch.reader().field(e.value, 1).unwrap();
    [
        text(&batch, SchemaId(e.key_schema), e.key),
        text(&batch, events.value_schema, after),
    ]
}

fn text(batch: &Batch, schema: SchemaId, value: Slot) -> String {
    let (r, schema) = (batch.reader(), batch.schemas().get(schema));
    let Some(schema) = schema else {
        return "none".to_owned();
    };
    let fields = schema.fields.iter().enumerate().map(|(i, f)| {
        let slot = r.field(value, i).unwrap();
        let shown = match slot.tag {
            Tag::Null => "null".to_owned(),
            Tag::String => r.str(slot).unwrap().to_owned(),
            Tag::Boolean => slot.as_bool().unwrap().to_string(),
            _ => slot.as_i64().unwrap().to_string(),
        };
        let own = batch.schemas().get(f.schema).unwrap();
        let told: Vec<String> = own
            .parameters
            .iter()
            .map(|(k, v)| format!("[{k}={v}]"))
            .collect();
        format!("{}{}={shown}", f.name, told.concat())
    });
    let fields: Vec<String> = fields.collect();
    format!(
        "{}{{{}}}",
        schema.name.as_deref().unwrap_or_default(),
        fields.join(" ")
    )
}

#[test]
fn a_masked_key_is_masked_in_the_row_only() {
    let ddl = "CREATE TABLE t (`a-b` VARCHAR(5) PRIMARY KEY, n INT)";
    let row = |w: &mut Writer| vec![w.arena().string("abcde"), Slot::int32(3)];
    for (extra, key, value) in [
        (
            &[][..],
            "p.d.t.Key{a-b=abcde}",
            "p.d.t.Value{a-b=abcde n=3}",
        ),
        (
            &[("column.mask.with.2.chars", "d.t.*")],
            "p.d.t.Key{a-b=abcde}",
            "p.d.t.Value{a-b[masked=true]=** n[masked=true]=3}",
        ),
        (
            &[
                ("column.mask.hash.v2.MD5.with.salt.s", ".*a-b"),
                ("field.name.adjustment.mode", "avro"),
            ],
            "p.d.t.Key{a_b=abcde}",
            "p.d.t.Value{a_b[masked=true]=fb38d n=3}",
        ),
        (
            &[
                ("column.truncate.to.3.chars", "d.t.a-b"),
                ("topic.prefix", "p-q"),
                ("schema.name.adjustment.mode", "avro"),
            ],
            "p_q.d.t.Key{a-b=abcde}",
            "p_q.d.t.Value{a-b[truncateLength=3]=abc n=3}",
        ),
        (
            &[("datatype.propagate.source.type", "d.t.int")],
            "p.d.t.Key{a-b=abcde}",
            "p.d.t.Value{a-b=abcde n[__debezium.source.column.type=INT][__debezium.source.column.name=n]=3}",
        ),
    ] {
        assert_eq!(shown(extra, ddl, row), [key, value], "{extra:?}");
    }
}

#[test]
fn tables_without_a_key_that_share_a_topic_get_one() {
    let extra = [
        (
            "topic.naming.strategy",
            "io.debezium.schema.DefaultRegexTopicNamingStrategy",
        ),
        ("topic.regex", "(.*)\\.t"),
        ("topic.replacement", "$1.all"),
    ];
    let made = shown(&extra, "CREATE TABLE t (n INT)", |_| vec![Slot::int32(3)]);
    let want = [
        "p.d.all.Key{__dbz__physicalTableIdentifier=p.d.t}",
        "p.d.all.Value{n=3}",
    ];
    assert_eq!(made, want);
}

#[test]
fn a_converter_is_for_key_and_row() {
    let extra = [
        ("converters", "b"),
        (
            "b.type",
            "io.debezium.connector.mysql.converters.TinyIntOneToBooleanConverter",
        ),
    ];
    let (_, events) = setup(
        &extra,
        "CREATE TABLE t (k TINYINT(1) PRIMARY KEY, n TINYINT(1))",
    );
    let mut arena = host_core::layout::Arena::new(0);
    let slots = [crate::decode::Raw::Int(2), crate::decode::Raw::Null];
    let row: Vec<Slot> = events
        .columns
        .iter()
        .zip(slots)
        .map(|(c, raw)| c.slot(raw, &mut arena).unwrap())
        .collect();
    let made = shown(
        &extra,
        "CREATE TABLE t (k TINYINT(1) PRIMARY KEY, n TINYINT(1))",
        |_| row.clone(),
    );
    assert_eq!(made, ["p.d.t.Key{k=true}", "p.d.t.Value{k=true n=null}"]);
}

#[test]
fn a_change_that_a_mask_hides_is_no_change() {
    let skip = ("skip.messages.without.change", "true");
    for (rule, changes) in [
        (("column.truncate.to.2.chars", "d.t.v"), [0, 1]),
        (("column.mask.with.2.chars", "d.t.v"), [0, 0]),
        (("column.mask.hash.MD5.with.salt.s", "d.t.v"), [1, 1]),
        (("column.exclude.list", "d.t.v"), [0, 0]),
    ] {
        for (new, want) in ["abX", "Xbc"].into_iter().zip(changes) {
            let (mut w, events) = setup(&[skip, rule], DDL);
            let (old, new) = (w.arena().string("abc"), w.arena().string(new));
            let images = Images::Update(&[Slot::int32(1), old], &[Slot::int32(1), new]);
            assert_eq!(change(&mut w, &events, images).len(), want, "{rule:?}");
        }
    }
}

#[test]
fn what_a_mode_cannot_express_is_null_or_fails() {
    use crate::decode::Raw;
    let connect = ("time.precision.mode", "connect");
    let mode = "event.converting.failure.handling.mode";
    for (extra, null) in [
        (&[connect][..], true),
        (&[connect, (mode, "warn")], true),
        (&[connect, (mode, "skip")], true),
        (&[connect, (mode, "fail")], false),
    ] {
        let (_, events) = setup(extra, "CREATE TABLE t (a TIME, b TIME NOT NULL)");
        let mut arena = host_core::layout::Arena::new(0);
        let mut made = events
            .columns
            .iter()
            .map(|c| c.slot(Raw::Time(-1), &mut arena));
        assert_eq!(
            made.next().unwrap().ok(),
            null.then_some(Slot::NULL),
            "{extra:?}"
        );
        assert!(made.next().unwrap().is_err());
    }
}

#[test]
fn names_that_become_one_are_told() {
    let config = config(&[("field.name.adjustment.mode", "avro")]);
    let schemas = SharedSchemas::default();
    let fixed = Fixed::new(&schemas).unwrap();
    let mut tables = Tables::new(0);
    let ddl = "CREATE TABLE t (`a-b` INT, a_b INT)";
    crate::ddl::apply(ddl, &Session::new("d"), &mut tables).unwrap();
    let table = Arc::clone(tables.get(&TableId::new("d", "t")).unwrap());
    let e = TableEvents::new(table, &config, &fixed, &schemas).unwrap_err();
    assert!(e.to_string().contains("a-b and a_b"), "{e}");
}
