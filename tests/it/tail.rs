//! `tidegate tail`: events on the terminal, without Kafka.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use tests::mysql::Session;
use tests::services;

const LINE: Duration = Duration::from_secs(30);

struct Tail {
    child: Child,
    lines: Receiver<String>,
}

impl Tail {
    fn start(arguments: &[&str]) -> Self {
        let (host, port) = services::mysql().unwrap();
        let mut child = Command::new(services::executable().unwrap())
            .args([
                "tail",
                "--mysql",
                &format!("mysql://debezium:dbz@{host}:{port}/"),
                "--tables",
                "tail_db\\..*",
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = sync_channel(100);
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|l| tell.send(l))
        });
        Self { child, lines }
    }
    fn next(&self) -> Value {
        serde_json::from_str(&self.lines.recv_timeout(LINE).expect("a line")).unwrap()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn rows_masked_printed_and_resumed() {
    let _servers = tests::servers();
    let mut session = Session::open().unwrap();
    session.run("DROP DATABASE IF EXISTS tail_db").unwrap();
    session.run("CREATE DATABASE tail_db").unwrap();
    session
        .run("CREATE TABLE tail_db.t (id INT PRIMARY KEY, email VARCHAR(50))")
        .unwrap();
    session
        .run("INSERT INTO tail_db.t VALUES (1, 'a@example.com')")
        .unwrap();
    let offsets = std::env::temp_dir().join(format!("tidegate-tail-{}", std::process::id()));
    let mask = services::plugins().unwrap().join("mask-pii.wasm");
    let arguments = [
        "--snapshot",
        "--transform",
        mask.to_str().unwrap(),
        "--transform-config",
        "replacement=#",
        "--offsets",
        offsets.to_str().unwrap(),
    ];
    let tail = Tail::start(&arguments);
    let row = tail.next();
    assert_eq!(
        (&row["op"], &row["after"]["email"]),
        (&"r".into(), &"#".into())
    );
    session
        .run("UPDATE tail_db.t SET id = id + 0, email = 'b@example.com' WHERE id = 1")
        .unwrap();
    let row = tail.next();
    assert_eq!(
        (&row["op"], &row["before"]["email"], &row["after"]["email"]),
        (&"u".into(), &"#".into(), &"#".into())
    );
    // The offset is stored after the line is printed: the next row's line says that it has been.
    session
        .run("INSERT INTO tail_db.t VALUES (2, 'c')")
        .unwrap();
    assert_eq!(tail.next()["after"]["id"], 2);
    drop(tail);
    session
        .run("INSERT INTO tail_db.t VALUES (3, 'while away')")
        .unwrap();
    let again = Tail::start(&arguments);
    let first = again.next()["after"]["id"].as_i64().unwrap();
    let last = if first == 3 {
        first
    } else {
        again.next()["after"]["id"].as_i64().unwrap()
    };
    assert!(
        (2..=3).contains(&first) && last == 3,
        "goes on after what was stored: {first}, {last}"
    );
    drop(again);
    std::fs::remove_file(&offsets).unwrap();
    std::fs::remove_file(format!("{}.history", offsets.display())).unwrap();
}
