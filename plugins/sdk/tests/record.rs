//! Every edit a record offers, read back through the patch; and a driver that is handed garbage.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use proptest::prelude::*;
use tidegate_sdk::harness::{Data, Host, TestRecord, Typed};
use tidegate_sdk::*;

/// Does what its first record's key says.
struct Edits(String);

impl Transform for Edits {
    fn config() -> ConfigDef {
        ConfigDef::new("1").key(Key::string("do"))
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self(config.string("do").into()))
    }
    fn apply(&mut self, r: &mut Record<'_>) -> Result<()> {
        match self.0.as_str() {
            "nested" => {
                for (field, text) in [("a", "one"), ("b", "two")] {
                    let slot = r.text(text);
                    assert!(r.set_field(&["after", field], slot)?);
                }
                assert!(
                    !r.set_field(&["before", "a"], Slot::NULL)?,
                    "before is null"
                );
                assert!(!r.set_field(&["after", "z"], Slot::NULL)?, "there is no z");
            }
            "route" => {
                r.set_topic("elsewhere");
                r.set_partition(Some(3));
                r.set_timestamp_ms(Some(-5));
                let (name, value) = ("added", r.text("h"));
                r.add_header(name, None, value)?;
            }
            "fork" => {
                let (key, value) = (r.raw_key(), r.raw_value());
                r.insert(NewRecord {
                    topic: "copy",
                    key: (key.schema(), key.slot()),
                    value: (value.schema(), value.slot()),
                    timestamp_ms: None,
                });
                r.drop_record();
            }
            "unwrap" => {
                let after = r.value().and_then(|v| v.field("after"));
                r.unwrap_to(after.ok_or_else(|| Error::record("no after"))?);
                let x = r.text("x");
                r.set_field(&["b"], x)?;
            }
            "reshape" => {
                let text = r
                    .schemas()
                    .intern(NewSchema::new(SchemaType::String).named("own"))?;
                let row = NewSchema::new(SchemaType::Struct).field("t", text.schema_id());
                let row = r.schemas().intern(row)?;
                let held = r.text("new");
                let value = r.arena().structure(&[held]);
                r.set_value(Some(row), value);
            }
            other => return Err(Error::record(other)),
        }
        Ok(())
    }
}

fn envelope(host: &mut Host) -> TestRecord {
    let text = host.schema(NewSchema::new(SchemaType::String));
    let row = NewSchema::new(SchemaType::Struct).optional();
    let row = host.schema(row.field("a", text).field("b", text));
    let envelope = NewSchema::new(SchemaType::Struct);
    let envelope = host.schema(envelope.field("before", row).field("after", row));
    let after = Data::structure(["A".into(), "B".into()]);
    let value = Typed::new(envelope, Data::structure([Data::Null, after]));
    let mut record = TestRecord::new("t", Typed::new(text, "k".into()), value);
    record.headers = vec![("first".into(), Typed::new(text, "1".into()))];
    record
}

fn run(host: &mut Host, what: &str, records: &[TestRecord]) -> Vec<TestRecord> {
    let mut t = host.transform::<Edits>("e", &[("do", what)]).unwrap();
    host.run(&mut t, records).unwrap()
}

#[test]
fn fields_are_changed_in_copies_of_their_structs() {
    let mut host = Host::new();
    let record = envelope(&mut host);
    let mut want = record.clone();
    let row = Data::structure(["one".into(), "two".into()]);
    want.value.data = Data::structure([Data::Null, row]);
    let out = run(&mut host, "nested", &[record.clone(), record]);
    assert_eq!(out, [want.clone(), want]);
}

#[test]
fn records_are_routed_forked_and_unwrapped() {
    let mut host = Host::new();
    let record = envelope(&mut host);
    let out = run(&mut host, "route", std::slice::from_ref(&record)).remove(0);
    let got = (
        &*out.topic,
        out.partition,
        out.timestamp_ms,
        out.headers.len(),
    );
    assert_eq!(got, ("elsewhere", Some(3), Some(-5), 2));
    assert_eq!(
        (&*out.headers[1].0, &out.headers[1].1.data),
        ("added", &Data::from("h"))
    );
    let out = run(&mut host, "fork", &[record.clone(), record.clone()]);
    assert_eq!(out.len(), 2);
    let got = (&*out[0].topic, &out[0].value, out[0].headers.len());
    assert_eq!(got, ("copy", &record.value, 0));
    let out = run(&mut host, "unwrap", std::slice::from_ref(&record)).remove(0);
    assert_eq!(out.value.data, Data::structure(["A".into(), "x".into()]));
}

#[test]
fn own_schemas_are_handed_over_once() {
    let mut host = Host::new();
    let record = envelope(&mut host);
    let mut t = host.transform::<Edits>("e", &[("do", "reshape")]).unwrap();
    let before = host.schemas.len();
    for _ in 0..2 {
        let out = host
            .run(&mut t, std::slice::from_ref(&record))
            .unwrap()
            .remove(0);
        let schema = host.schemas.get(out.value.schema).unwrap();
        assert_eq!(&*schema.fields[0].name, "t");
        assert_eq!(host.schemas.len(), before + 2);
    }
}

#[test]
fn a_failing_record_names_its_index() {
    let mut host = Host::new();
    let record = envelope(&mut host);
    let mut t = host.transform::<Edits>("e", &[("do", "fail")]).unwrap();
    let error = host.run(&mut t, &[record]).unwrap_err();
    assert_eq!(error, driver::BatchError::Record(0, "fail".into()));
}

proptest! {
    /// A guest may trust its host, but garbage must not make it trap.
    #[test]
    fn garbage_never_panics(at in 0usize..2000, byte: u8, what in 0usize..5, cut in 0usize..2000) {
        let mut host = Host::new();
        let record = envelope(&mut host);
        let what = ["route", "fork", "unwrap", "reshape", "fail"][what];
        let mut t = host.transform::<Edits>("e", &[("do", what)]).unwrap();
        let mut batch = host.batch(&[record.clone(), record]);
        let len = batch.len();
        batch[at % len] = byte;
        batch.truncate(len - cut % len);
        // Only that it answers matters.
        drop(t.driver(&host).run(&batch));
    }
}
