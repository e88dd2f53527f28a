//! Recorded Kafka messages, read into records and written again: the bytes must be the recorded ones.
//!
//! Covers every key and value recorded with schemas, the same without schemas, and the converter's definition as
//! `GET /connector-plugins/…/config` showed it. Values only Connect could write (NaN, decimals as numbers) are tables
//! beside the code.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use std::path::{Path, PathBuf};

use format_json::JsonConverter;
use serde_json::Value as Json;
use tidegate_sdk::harness::{Data, Host, TestRecord, Typed, recorded};
use tidegate_sdk::{Format as _, NewSchema, Part, SchemaType};

const CLASS: &str = "org.apache.kafka.connect.json.JsonConverter";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden")
}

/// Every recorded topic below a folder of goldens.
fn topics(folder: &str) -> Vec<Json> {
    let dir = golden().join(folder).join("topics");
    let files = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let read = |f: std::fs::DirEntry| std::fs::read_to_string(f.path()).unwrap();
    files
        .map(|f| serde_json::from_str(&read(f.unwrap())).unwrap())
        .collect()
}

fn encode(host: &mut Host, config: &[(&str, &str)], value: Typed) -> Option<String> {
    let mut json = host
        .format::<JsonConverter>(CLASS, Part::Value, config)
        .unwrap();
    let record = TestRecord::new("t", Typed::none(), value);
    let mut out = host.encode(&mut json, Part::Value, &[record]).unwrap();
    out.remove(0).map(|b| String::from_utf8(b).unwrap())
}

#[test]
fn recorded_messages_are_written_with_the_same_bytes() {
    let mut messages = 0;
    for folder in [
        "notebook/main",
        "keys/default",
        "smt/unwrap_rewrite",
        "types/default",
    ] {
        let mut host = Host::new();
        let json = host.format::<JsonConverter>(CLASS, Part::Key, &[]);
        let mut json = json.unwrap();
        for topic in topics(folder) {
            for record in topic["records"].as_array().unwrap() {
                for part in ["key", "value"] {
                    let text = record[part].as_str();
                    if text.is_some_and(|t| !t.starts_with("{\"schema\":")) {
                        continue;
                    }
                    let typed = recorded::typed(&mut host, text).unwrap();
                    let one = TestRecord::new("t", typed, Typed::none());
                    let out = host.encode(&mut json, Part::Key, &[one]).unwrap().remove(0);
                    let out = out.map(|b| String::from_utf8(b).unwrap());
                    let text = text.map(jdk_19);
                    assert_eq!(out, text, "{folder} {part}");
                    messages += 1;
                }
            }
        }
    }
    assert!(messages > 500, "only {messages} messages were found");
}

#[test]
fn without_schemas_only_the_payload_is_written() {
    let mut host = Host::new();
    for topic in topics("notebook/main") {
        for record in topic["records"].as_array().unwrap() {
            let Some(text) = record["value"]
                .as_str()
                .filter(|t| t.starts_with("{\"schema\":"))
            else {
                continue;
            };
            let typed = recorded::typed(&mut host, Some(text)).unwrap();
            let out = encode(&mut host, &[("schemas.enable", "false")], typed).unwrap();
            let (_, payload) = text.rsplit_once(",\"payload\":").unwrap();
            assert_eq!(format!("{out}}}"), payload);
        }
    }
}

#[test]
fn nulls_follow_connect() {
    let mut host = Host::new();
    let optional = host.schema(NewSchema::new(SchemaType::String).optional());
    let required = host.schema(NewSchema::new(SchemaType::String));
    let plain = [("schemas.enable", "false")];
    assert_eq!(encode(&mut host, &[], Typed::none()), None);
    assert_eq!(encode(&mut host, &plain, Typed::none()), None);
    let null = || Typed::new(optional, Data::Null);
    let with = r#"{"schema":{"type":"string","optional":true},"payload":null}"#;
    assert_eq!(encode(&mut host, &[], null()).as_deref(), Some(with));
    assert_eq!(encode(&mut host, &plain, null()).as_deref(), Some("null"));
    let mut json = host
        .format::<JsonConverter>(CLASS, Part::Value, &[])
        .unwrap();
    let bad = TestRecord::new("t", Typed::none(), Typed::new(required, Data::Null));
    let error = host.encode(&mut json, Part::Value, &[bad]).unwrap_err();
    assert!(format!("{error:?}").contains("Record(0, \"Conversion error: null value"));
}

/// As printed by Connect 4.3.1's own converter.
#[test]
fn values_without_schema_and_maps() {
    let mut host = Host::new();
    let plain = [("schemas.enable", "false")];
    let map = Data::Map(vec![
        ("a".into(), 1.into()),
        ("b".into(), Data::Null),
        (
            "c".into(),
            Data::Array(vec![Data::Int64(1), "x".into(), Data::Boolean(true)]),
        ),
    ]);
    let free = |data| Typed::new(tidegate_sdk::SchemaId::NONE, data);
    let got = encode(&mut host, &plain, free(map)).unwrap();
    assert_eq!(got, r#"{"a":1,"b":null,"c":[1,"x",true]}"#);
    let mixed = Data::Map(vec![
        (1.into(), "a".into()),
        ("k".into(), Data::Float32(2.5)),
    ]);
    assert_eq!(
        encode(&mut host, &plain, free(mixed)).unwrap(),
        r#"[[1,"a"],["k",2.5]]"#
    );
    assert_eq!(
        encode(&mut host, &[], free("x".into())).unwrap(),
        r#"{"schema":null,"payload":"x"}"#
    );
    let (text, bytes) = (SchemaType::String, SchemaType::Bytes);
    let (text, bytes) = (
        host.schema(NewSchema::new(text)),
        host.schema(NewSchema::new(bytes)),
    );
    let list = host.schema(NewSchema::array(bytes));
    let named = NewSchema::map(text, list)
        .named("n")
        .version(2)
        .parameter("p", "q");
    let mut named = named;
    named.doc = Some("d".into());
    let named = host.schema(named);
    let value = Data::Map(vec![(
        "k".into(),
        Data::Array(vec![Data::Bytes(vec![1, 2, 3])]),
    )]);
    assert_eq!(
        encode(&mut host, &[], Typed::new(named, value)).unwrap(),
        r#"{"schema":{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"array","items":{"type":"bytes","optional":false},"optional":false},"optional":false,"name":"n","version":2,"doc":"d","parameters":{"p":"q"}},"payload":{"k":["AQID"]}}"#
    );
}

#[test]
fn decimals_can_be_numbers_and_defaults_can_be_kept_out() {
    let mut host = Host::new();
    let decimal = NewSchema::new(SchemaType::Bytes).named("org.apache.kafka.connect.data.Decimal");
    let decimal = host.schema(decimal.parameter("scale", "2"));
    let value = Typed::new(decimal, Data::Decimal(vec![0, 0x96], 2));
    let numeric = [("schemas.enable", "false"), ("decimal.format", "numeric")];
    assert_eq!(encode(&mut host, &numeric, value).unwrap(), "1.50");
    let default = tidegate_layout_default(&mut host);
    let keep = [
        ("schemas.enable", "false"),
        ("replace.null.with.default", "false"),
    ];
    assert_eq!(encode(&mut host, &keep, default.clone()).unwrap(), "null");
    assert_eq!(encode(&mut host, &keep[..1], default).unwrap(), "\"dd\"");
}

fn tidegate_layout_default(host: &mut Host) -> Typed {
    let json = serde_json::json!({"type": "string", "optional": true, "default": "dd"});
    Typed::new(recorded::schema(host, &json).unwrap(), Data::Null)
}

#[test]
fn the_definition_is_connects() {
    let file = golden().join("plugin_config").join(format!("{CLASS}.json"));
    let want: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(recorded::definition(&JsonConverter::config()), want);
}

#[test]
fn wrong_configurations_are_named() {
    let host = Host::new();
    let bad = [("decimal.format", "HEX"), ("schemas.enable", "maybe")];
    let errors = host
        .format::<JsonConverter>(CLASS, Part::Value, &bad)
        .unwrap_err();
    let keys: Vec<&str> = errors.iter().map(|e| &*e.key).collect();
    assert_eq!(keys, ["schemas.enable", "decimal.format"]);
}

/// The goldens were recorded on JDK 17, whose `Float.toString` prints one float (MySQL's FLT_MIN) with a digit more than
/// is needed; since JDK 19 Java prints the shortest form, and so do we.
fn jdk_19(text: &str) -> String {
    text.replace("1.17549435E-38", "1.1754944E-38")
}
