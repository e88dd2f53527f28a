//! MaskField over every type, with and without replacement, and its texts where Connect stops the task.
//!
//! The recorded run of it (behind ExtractNewRecordState) is that transform's golden test.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use tidegate_sdk::harness::{Data, Host, TestRecord, Typed, recorded};
use tidegate_sdk::{SchemaId, Transform as _};
use transform_mask_field::MaskField;

const VALUE: &str = "org.apache.kafka.connect.transforms.MaskField$Value";

fn run(
    host: &mut Host,
    class: &str,
    config: &[(&str, &str)],
    r: TestRecord,
) -> Result<TestRecord, String> {
    let mut mask = host.transform::<MaskField>(class, config).unwrap();
    let out = host.run(&mut mask, &[r]).map_err(|e| format!("{e:?}"))?;
    Ok(out.into_iter().next().unwrap())
}

fn row(host: &mut Host) -> Typed {
    let message = r#"{"schema":{"type":"struct","fields":[
        {"type":"int8","optional":true,"field":"a"},{"type":"int64","optional":true,"field":"b"},
        {"type":"double","optional":true,"field":"c"},{"type":"string","optional":true,"field":"d"},
        {"type":"boolean","optional":true,"field":"e"},{"type":"bytes","optional":true,"field":"f"},
        {"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"},"field":"g"},
        {"type":"array","items":{"type":"int32","optional":false},"optional":true,"field":"h"},
        {"type":"int32","optional":true,"name":"org.apache.kafka.connect.data.Date","field":"i"},
        {"type":"string","optional":true,"default":"dd","field":"j"}],"optional":false},
        "payload":{"a":1,"b":2,"c":3.5,"d":"x","e":true,"f":"AQID","g":"AJY=","h":[1],"i":7,"j":null}}"#;
    recorded::typed(host, Some(message)).unwrap()
}

fn fields(t: Typed) -> Vec<Data> {
    match t.data {
        Data::Struct(fields) => fields,
        other => panic!("not a struct: {other:?}"),
    }
}

#[test]
fn every_type_has_its_null_value() {
    let mut host = Host::new();
    let value = row(&mut host);
    let record = TestRecord::new("t", Typed::none(), value.clone());
    let out = run(&mut host, VALUE, &[("fields", "a,b,c,d,e,g,h,i")], record).unwrap();
    let got = fields(out.value);
    let want = [
        Data::Int8(0),
        Data::Int64(0),
        Data::Float64(0.0),
        "".into(),
        Data::Boolean(false),
        Data::Bytes(vec![1, 2, 3]),
        Data::Decimal(vec![0], 2),
        Data::Array(vec![]),
        Data::Date(0),
        "dd".into(), // a null with a default, filled in as Connect does
    ];
    assert_eq!(got, want);
}

#[test]
fn a_replacement_takes_the_type() {
    let mut host = Host::new();
    let value = row(&mut host);
    let record = TestRecord::new("t", Typed::none(), value);
    let config = [
        ("fields", "a,b,c,d,g,j"),
        ("replacement", "12"),
        ("replace.null.with.default", "false"),
    ];
    let got = fields(run(&mut host, VALUE, &config, record).unwrap().value);
    assert_eq!(
        got[..4],
        [
            Data::Int8(12),
            Data::Int64(12),
            Data::Float64(12.0),
            "12".into()
        ]
    );
    let Data::Decimal(unscaled, 2) = &got[6] else {
        panic!("not a decimal of scale 2: {:?}", got[6]);
    };
    assert_eq!(unscaled[14..], [0x04, 0xb0]);
    assert_eq!(got[9], Data::Null);
}

#[test]
fn connects_texts_where_it_stops() {
    let mut host = Host::new();
    let value = row(&mut host);
    let mut error = |config: &[(&str, &str)], value: Typed| {
        let record = TestRecord::new("t", Typed::none(), value);
        run(&mut host, VALUE, config, record).unwrap_err()
    };
    let null = Typed::new(value.schema, Data::Null);
    let text = error(&[("fields", "a")], null);
    assert_eq!(
        text,
        "Record(0, \"Only Struct objects supported for [mask fields], found: null\")"
    );
    let text = error(&[("fields", "a")], Typed::none());
    assert!(text.contains(
        "Only Map objects supported in absence of schema for [mask fields], found: null"
    ));
    let text = error(&[("fields", "b"), ("replacement", "x")], value.clone());
    assert!(text.contains("Unable to convert x (class java.lang.String) to number"));
    let text = error(&[("fields", "e"), ("replacement", "x")], value.clone());
    assert!(
        text.contains("Cannot mask value of type class java.lang.Boolean with custom replacement.")
    );
    let text = error(&[("fields", "f")], value);
    assert!(text.contains("Cannot mask value of type: class [B"));
}

#[test]
fn keys_and_maps() {
    let mut host = Host::new();
    let key = row(&mut host);
    let map = Data::Map(vec![("d".into(), "x".into()), ("n".into(), 1.into())]);
    let record = TestRecord::new("t", key.clone(), Typed::new(SchemaId::NONE, map));
    let class = "org.apache.kafka.connect.transforms.MaskField$Key";
    let config = [("fields", "d"), ("replace.null.with.default", "false")];
    let out = run(&mut host, class, &config, record.clone()).unwrap();
    assert_eq!(out.value, record.value);
    let mut want = fields(key);
    want[3] = "".into();
    assert_eq!(fields(out.key), want);
    let out = run(&mut host, VALUE, &[("fields", "d,z")], record).unwrap();
    let want = [("d", "".into()), ("n", 1.into()), ("z", Data::Null)];
    let want = want.map(|(k, v)| (Data::from(k), v)).to_vec();
    assert_eq!(out.value.data, Data::Map(want));
}

#[test]
fn the_definition_has_connects_keys() {
    let names: Vec<&str> = MaskField::config().keys.iter().map(|k| k.name).collect();
    assert_eq!(
        names,
        ["fields", "replacement", "replace.null.with.default"]
    );
}
