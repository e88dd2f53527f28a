//! A standalone worker: connectors on the command line, offsets in a file, lines of a file as records.

use serde_json::json;
use std::time::Duration;
use tests::host::Host;
use tests::{kafka, until};

const STEP: Duration = Duration::from_mins(1);
const TOPIC: &str = "standalone.lines";

/// Properties of a worker without a group: an empty value takes the default of the test support away.
const STANDALONE: [(&str, &str); 6] = [
    ("group.id", ""),
    ("config.storage.topic", ""),
    ("offset.storage.topic", ""),
    ("status.storage.topic", ""),
    ("plugin.storage.topic", ""),
    (
        "value.converter",
        "org.apache.kafka.connect.storage.StringConverter",
    ),
];

fn lines(n: usize) -> Vec<String> {
    let read = until::until(&format!("{n} lines"), STEP, || {
        let records = kafka::read(TOPIC)?;
        Ok((records.len() >= n).then_some(records))
    });
    let text = |r: kafka::Record| String::from_utf8(r.value.unwrap()).unwrap();
    read.unwrap().into_iter().map(text).collect()
}

#[test]
fn a_file_is_followed_over_a_restart() {
    let _servers = tests::servers();
    kafka::delete_topics(&|t| t.starts_with("standalone")).unwrap();
    let mut host = Host::prepare("standalone", &STANDALONE).unwrap();
    let file = host.folder.join("lines.txt");
    let connector = host.folder.join("connector.json");
    let config = json!({"name": "lines", "config": {
        "connector.class": "FileStreamSource", "tasks.max": "1", "file": file, "topic": TOPIC,
    }});
    std::fs::write(&connector, config.to_string()).unwrap();
    let properties = host.folder.join("worker.properties");
    let own = format!(
        "{}offset.storage.file.filename={}\nplugin.storage.directory={}\n",
        std::fs::read_to_string(&properties).unwrap(),
        host.folder.join("offsets").display(),
        host.folder.join("plugins").display(),
    );
    std::fs::write(&properties, own).unwrap();
    std::fs::write(&file, "one\ntwo\n").unwrap();
    let arguments = [connector.to_str().unwrap()];
    host.run(&arguments).unwrap();
    assert_eq!(lines(2), ["one", "two"]);
    assert!(host.stop().unwrap().success(), "{}", host.log_tail(20));
    std::fs::write(&file, "one\ntwo\nthree\nfour").unwrap();
    host.run(&arguments).unwrap();
    assert_eq!(
        lines(3),
        ["one", "two", "three"],
        "neither repeated nor an unfinished line"
    );
    let offsets = host.rest.get("/connectors/lines/offsets").unwrap();
    assert!(offsets.body.contains("filename"), "{}", offsets.body);
}
