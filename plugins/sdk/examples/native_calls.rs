//! The native counterpart of the host's measurement of plugin calls (`host/wasm/examples/calls`).
//!
//! The same guest code, batches and rounds, without WebAssembly and without a host: patches are made, not applied.
//! Invariant: only the call is timed.
//! Usage: `cargo run --release --manifest-path plugins/Cargo.toml -p tidegate-sdk --example native_calls`.

#[path = "../../../host/wasm/examples/calls/notebook.rs"]
mod notebook;

use format_json::JsonConverter;
use mask_pii::MaskPii;
use predicate_record_is_tombstone::RecordIsTombstone;
use std::time::{Duration, Instant};
use tidegate_layout::read::batch_header;
use tidegate_layout::{Arena, BATCH_HEADER_BYTES};
use tidegate_sdk::Part;
use tidegate_sdk::harness::Host;

const ROUNDS: usize = 500;

fn main() {
    let mut host = Host::new();
    let envelope = notebook::envelope(&mut |s| host.schema(s));
    let must = "these configurations are valid";
    println!(
        "{:<34}{:>8}{:>12}{:>12}",
        "call", "records", "min ns/rec", "median"
    );
    for n in [1, 16, 128] {
        let mut arena = Arena::from_bytes(vec![0; BATCH_HEADER_BYTES]);
        let entries = notebook::updates(&mut arena, envelope, n);
        let header = batch_header(entries.len() as u32, arena.end());
        for e in &entries {
            arena.raw(&e.to_bytes());
        }
        let mut batch = arena.into_bytes();
        batch[..BATCH_HEADER_BYTES].copy_from_slice(&header);

        let mut p = host.predicate::<RecordIsTombstone>("p", &[]).expect(must);
        let p = p.driver(&host);
        run("predicate RecordIsTombstone", n, || {
            drop(std::hint::black_box(p.test(&batch)));
        });
        let mut t = host.transform::<MaskPii>("t", &[]).expect(must);
        let t = t.driver(&host);
        run("transform mask_pii", n, || {
            drop(std::hint::black_box(t.run(&batch)));
        });
        for enable in ["false", "true"] {
            let config = [("schemas.enable", enable)];
            let made = host.format::<JsonConverter>("f", Part::Value, &config);
            let mut f = made.expect(must);
            let f = f.driver(&host);
            run(&format!("JsonConverter schemas.enable={enable}"), n, || {
                drop(std::hint::black_box(f.encode(&batch, Part::Value)));
            });
        }
    }
}

/// Times many calls and prints the least and the median time of a record.
fn run(name: &str, records: i32, mut call: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            call();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    let per = |d: Duration| d.as_nanos() as f64 / f64::from(records);
    println!(
        "{name:<34}{records:>8}{:>12.0}{:>12.0}",
        per(times[0]),
        per(times[ROUNDS / 2])
    );
}
