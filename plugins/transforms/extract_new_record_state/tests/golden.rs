//! Recorded envelopes through the transform and the JSON format, against what Debezium and Connect wrote to Kafka.
//!
//! The input is the `regex` recording, which holds the untouched events of the same statements; positions and times
//! differ from recording to recording, so names and the `source` fields that are added are compared by their type.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use format_json::JsonConverter;
use serde_json::Value as Json;
use tidegate_sdk::harness::{Data, Host, TestRecord, Typed, recorded};
use tidegate_sdk::{NewSchema, Part, SchemaId, SchemaType};
use transform_extract_new_record_state::ExtractNewRecordState;
use transform_mask_field::MaskField;

const CLASS: &str = "io.debezium.transforms.ExtractNewRecordState";

/// Records of a recorded topic as `(key, value, headers)`.
fn topic(case: &str, name: &str) -> Vec<Json> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/golden/smt/");
    let text = std::fs::read_to_string(format!("{dir}{case}/topics/{name}.json")).unwrap();
    let json: Json = serde_json::from_str(&text).unwrap();
    json["records"].as_array().unwrap().clone()
}

/// The untouched events, as if their connector had another name.
fn events(host: &mut Host, case: &str) -> Vec<TestRecord> {
    let records = topic("regex", "smt_regex-routed.u");
    let renamed = |j: &Json| {
        j.as_str()
            .map(|s| s.replace("smt_regex", &format!("smt_{case}")))
    };
    let mut out = Vec::new();
    for r in &records {
        let key = recorded::typed(host, renamed(&r["key"]).as_deref()).unwrap();
        let value = recorded::typed(host, renamed(&r["value"]).as_deref()).unwrap();
        out.push(TestRecord::new("t", key, value));
    }
    out
}

fn json(host: &mut Host, records: &[TestRecord], schemas: bool) -> Vec<Option<String>> {
    let config = [("schemas.enable", if schemas { "true" } else { "false" })];
    let format = host.format::<JsonConverter>("JsonConverter", Part::Value, &config);
    let out = host
        .encode(&mut format.unwrap(), Part::Value, records)
        .unwrap();
    out.into_iter()
        .map(|v| v.map(|b| String::from_utf8(b).unwrap()))
        .collect()
}

fn unwrap(host: &mut Host, config: &[(&str, &str)], records: &[TestRecord]) -> Vec<TestRecord> {
    let mut t = host
        .transform::<ExtractNewRecordState>(CLASS, config)
        .unwrap();
    host.run(&mut t, records).unwrap()
}

fn values(records: &[Json]) -> Vec<Option<String>> {
    let text = |r: &Json| r["value"].as_str().map(str::to_owned);
    records.iter().map(text).collect()
}

#[test]
fn unwrapping_is_debeziums() {
    for (case, schemas) in [("unwrap", true), ("unwrap_noschema", false)] {
        let mut host = Host::new();
        let events = events(&mut host, case);
        let out = unwrap(&mut host, &[], &events);
        let want = topic(case, &format!("smt_{case}.inv.u"));
        assert_eq!(json(&mut host, &out, schemas), values(&want), "{case}");
    }
}

#[test]
fn rewriting_with_added_fields_and_headers_is_debeziums() {
    let mut host = Host::new();
    let events = events(&mut host, "unwrap_rewrite");
    let config = [
        ("delete.tombstone.handling.mode", "rewrite"),
        ("add.fields", "op,table,source.ts_ms,source.snapshot:snap"),
        ("add.headers", "op,db"),
    ];
    let out = unwrap(&mut host, &config, &events);
    // Only the recorded commit times differ between the two recordings.
    let timeless = |text: Option<String>| {
        let text = text?;
        let (head, tail) = text.split_once("\"__source_ts_ms\":")?;
        Some(format!(
            "{head}{}",
            tail.trim_start_matches(|c: char| c.is_ascii_digit())
        ))
    };
    let want = topic("unwrap_rewrite", "smt_unwrap_rewrite.inv.u");
    let got: Vec<_> = json(&mut host, &out, true)
        .into_iter()
        .map(timeless)
        .collect();
    let expected: Vec<_> = values(&want).into_iter().map(timeless).collect();
    // The first event's `snapshot` is the recording's; all have one, so each is compared whole.
    assert_eq!(
        got.iter().flatten().count(),
        6,
        "each event has the added field"
    );
    for (i, (got, want)) in got.iter().zip(&expected).enumerate() {
        let strip = |t: &Option<String>| {
            t.as_ref()
                .map(|t| t.replace("\"__snap\":\"false\"", "\"__snap\":null"))
        };
        assert_eq!(strip(got), strip(want), "event {i}");
    }
    for (record, want) in out.iter().zip(&want) {
        let own: Vec<(String, Data)> = record
            .headers
            .iter()
            .map(|(n, v)| (n.clone(), v.data.clone()))
            .collect();
        let recorded = want["headers"].as_array().unwrap().iter();
        let recorded = recorded.filter(|h| h[0] == "__op" || h[0] == "__db");
        let recorded: Vec<(String, Data)> = recorded
            .map(|h| (h[0].as_str().unwrap().into(), h[1].as_str().unwrap().into()))
            .collect();
        assert_eq!(own, recorded);
    }
}

#[test]
fn masking_after_unwrapping_is_connects_up_to_the_null_that_stops_it() {
    let mut host = Host::new();
    let events = events(&mut host, "mask");
    let out = unwrap(&mut host, &[], &events);
    let class = "org.apache.kafka.connect.transforms.MaskField$Value";
    let config = [("fields", "email,score,name,born")];
    let mut mask = host.transform::<MaskField>(class, &config).unwrap();
    let masked = host.run(&mut mask, &out[..3]).unwrap();
    let want = topic("mask", "smt_mask.inv.u");
    assert_eq!(json(&mut host, &masked, true), values(&want));
    let stopped = host.run(&mut mask, &out[3..4]).unwrap_err();
    let text = "Only Struct objects supported for [mask fields], found: null";
    assert!(format!("{stopped:?}").contains(text));
}

/// One delete and its tombstone through every mode.
#[test]
fn every_mode_of_deletes() {
    for (mode, want) in [
        ("drop", vec![]),
        ("tombstone", vec![(true, true)]),
        ("rewrite", vec![(false, true)]),
        ("rewrite-with-tombstone", vec![(false, true), (true, false)]),
        ("DELETE-TO-TOMBSTONE", vec![(true, false)]),
    ] {
        let mut host = Host::new();
        let events = events(&mut host, "unwrap");
        let config = [
            ("delete.tombstone.handling.mode", mode),
            ("add.headers", "op"),
        ];
        let out = unwrap(&mut host, &config, &events[3..5]);
        let got: Vec<(bool, bool)> = out
            .iter()
            .map(|r| (r.value.data == Data::Null, r.value.schema.is_some()))
            .collect();
        assert_eq!(got, want, "{mode}: (null, with schema)");
        let d = ("__op".to_owned(), Data::from("d"));
        assert!(
            out.iter()
                .all(|r| (r.headers[0].0.clone(), r.headers[0].1.data.clone()) == d)
        );
    }
}

#[test]
fn fields_named_in_a_header_are_dropped() {
    let mut host = Host::new();
    let mut events = events(&mut host, "unwrap");
    let names = Data::Array(vec!["email".into(), "id".into()]);
    events[0].headers = vec![("drop".into(), Typed::new(SchemaId::NONE, names))];
    let with = |host: &mut Host, compatible| {
        let config = [
            ("drop.fields.header.name", "drop"),
            ("drop.fields.from.key", "true"),
            ("drop.fields.keep.schema.compatible", compatible),
            ("route.by.field", "name"),
        ];
        let out = unwrap(host, &config, &events[..1]).remove(0);
        let key = host.schemas.get(out.key.schema).unwrap().fields.len();
        (
            json(host, std::slice::from_ref(&out), false)
                .remove(0)
                .unwrap(),
            key,
            out.topic,
        )
    };
    let row = r#"{"id":1,"name":"Ann","born":7306,"seen":1704164645678,"score":1.5}"#;
    assert_eq!(with(&mut host, "true"), (row.into(), 1, "Ann".into()));
    let row = row.replace("\"id\":1,", "");
    assert_eq!(with(&mut host, "false"), (row, 0, "Ann".into()));
}

#[test]
fn what_is_not_an_envelope_passes_and_truncates_go() {
    let mut host = Host::new();
    let text = host.schema(NewSchema::new(SchemaType::String).named("x"));
    let plain = TestRecord::new("t", Typed::none(), Typed::new(text, "v".into()));
    let mut truncate = events(&mut host, "unwrap").remove(0);
    if let Data::Struct(fields) = &mut truncate.value.data {
        fields[..2].fill(Data::Null);
    }
    let out = unwrap(&mut host, &[], &[plain.clone(), truncate]);
    assert_eq!(out, [plain]);
    let bad = [
        ("delete.tombstone.handling.mode", "x"),
        ("add.fields", "a:b:c"),
    ];
    let errors = host
        .transform::<ExtractNewRecordState>(CLASS, &bad)
        .unwrap_err();
    assert_eq!(errors[0].key, "delete.tombstone.handling.mode");
    let errors = host
        .transform::<ExtractNewRecordState>(CLASS, &bad[1..])
        .unwrap_err();
    assert_eq!(errors[0].key, "add.fields");
}
