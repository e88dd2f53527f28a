//! A transform is uploaded, added to a running connector and replaced, under load: nothing lost, nothing repeated.

use crate::faults::{connector, settle};
use std::time::Duration;
use tests::host::Host;
use tests::writer::{Writer, prepare};
use tests::{kafka, ledger, services, until};

#[test]
fn upload_mask_swap() {
    let _servers = tests::servers();
    let database = "swap";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let before = prepare(database, 10).unwrap();
    let host = Host::start(database, &[]).unwrap();
    let mut config = connector(database);
    host.create("swap", &config).unwrap();
    host.wait_streaming("swap", Duration::from_mins(1)).unwrap();
    let writer = Writer::start(database, 3, before, Duration::from_millis(4), false).unwrap();

    let component = std::fs::read(services::plugins().unwrap().join("mask-pii.wasm")).unwrap();
    for version in ["1.0.0", "1.1.0"] {
        let path = format!("/plugins/acme.MaskPii/versions/{version}");
        let answer = host
            .rest
            .call(
                "PUT",
                &path,
                &[("content-type", "application/wasm")],
                &component,
            )
            .unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    config["transforms"] = "mask".into();
    config["transforms.mask.type"] = "wasm.acme.MaskPii".into();
    config["transforms.mask.fields"] = "pad".into();
    for (version, replacement) in [("1.0.0", "v1"), ("1.1.0", "v2")] {
        config["transforms.mask.plugin.version"] = version.into();
        config["transforms.mask.replacement"] = replacement.into();
        let answer = host
            .rest
            .send("PUT", "/connectors/swap/config", &config)
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let topic = format!("{database}.{database}.t");
        until::until(
            &format!("a row masked with {replacement}"),
            Duration::from_secs(30),
            || {
                let last = kafka::last(&topic)?;
                let row = last.map(|r| ledger::row(&r)).transpose()?.flatten();
                Ok(row
                    .filter(|(_, _, after)| after["pad"] == replacement)
                    .map(drop))
            },
        )
        .unwrap();
    }
    let committed = writer.finish().unwrap();
    let ledger = settle(&host, database, &committed);
    println!("two swaps under load: {ledger}");
    assert_eq!((ledger.lost, ledger.repeated), (0, 0));
    masks_follow_each_other(&format!("{database}.{database}.t"));
    let swaps: Vec<String> = host
        .log()
        .lines()
        .filter(|l| l.contains("exchanged") && l.contains("pause_us"))
        .map(str::to_owned)
        .collect();
    println!("{}", swaps.join("\n"));
    assert_eq!(swaps.len(), 2, "each swap logs its pause");

    let used = host
        .rest
        .bare("DELETE", "/plugins/acme.MaskPii/versions/1.1.0")
        .unwrap();
    assert_eq!(used.status, 409, "a version in use stays: {}", used.body);
    let free = host
        .rest
        .bare("DELETE", "/plugins/acme.MaskPii/versions/1.0.0")
        .unwrap();
    assert_eq!(free.status, 204, "{}", free.body);
}

/// Rows are unmasked, then masked by the first version, then by the second: never mixed.
fn masks_follow_each_other(topic: &str) {
    let mut stages = Vec::new();
    for record in kafka::read(topic).unwrap() {
        let Some((_, _, after)) = ledger::row(&record).unwrap() else {
            continue;
        };
        let stage = match after["pad"].as_str().unwrap() {
            "v1" => 1,
            "v2" => 2,
            _ => 0,
        };
        if stages.last() != Some(&stage) {
            stages.push(stage);
        }
    }
    assert_eq!(stages, [0, 1, 2]);
}
