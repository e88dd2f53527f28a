//! One test for every [`KeyLog`]: what is written is read, newest value of each key, oldest write first.

use super::log::KeyLog;

/// Runs the test; `reopen` gives the log as a fresh process would find it, `None` for one that does not outlive it.
pub async fn key_log<L: KeyLog>(log: L, reopen: Option<impl FnOnce() -> L>) {
    let text = |all: Vec<(Vec<u8>, Vec<u8>)>| -> Vec<String> {
        let one = |(k, v): &(Vec<u8>, Vec<u8>)| {
            format!(
                "{}={}",
                String::from_utf8_lossy(k),
                String::from_utf8_lossy(v)
            )
        };
        let mut all: Vec<String> = all.iter().map(one).collect();
        // Order holds within a partition; a log of several partitions keeps it for each key only.
        all.sort();
        all
    };
    let put = |k: &str, v: &[u8]| (k.as_bytes().to_vec(), Some(v.to_vec()));
    log.open().await.expect("opening an empty log");
    assert!(log.read().await.expect("reading an empty log").is_empty());
    let first = vec![
        put("a", b"1"),
        put("b", b"2"),
        put("a", b"3"),
        (b"gone".to_vec(), None),
    ];
    log.write(first).await.expect("writing");
    log.write(vec![put("c", b"\xff\x00"), (b"b".to_vec(), None)])
        .await
        .expect("writing again");
    let expected = vec!["a=3".to_owned(), "c=\u{fffd}\0".to_owned()];
    assert_eq!(text(log.read().await.expect("reading")), expected);
    if let Some(reopen) = reopen {
        let again = reopen();
        again.open().await.expect("opening what is there");
        assert_eq!(
            text(again.read().await.expect("reading what is there")),
            expected
        );
    }
}
