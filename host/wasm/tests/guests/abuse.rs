//! Hostile transforms: each abuse is ended, named, and costs no record but the one at fault.
//!
//! Invariant of these tests: what is said of time is CPU time of several calls, each within 1.5 deadlines.

use crate::world::{batch, batch_of, bytes, catalog, logging, setup, transform};
use host_core::id::TenantId;
use host_core::schema::SharedSchemas;
use host_wasm::{CallError, CpuShare, EPOCH_TICK_MS, Limits, Pace, Setup, Transform, World};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const BAD: (&str, &str) = ("equals", "-1");

#[test]
fn exactly_the_records_at_fault_are_reported_and_the_others_go_through_once() {
    let cases: [&[usize]; 6] = [&[0], &[5], &[15], &[3, 4], &[0, 15], &[1, 7, 8, 14]];
    for bad in cases {
        let schemas = SharedSchemas::default();
        let config = [("field", "id"), BAD];
        let mut t = transform("wasm.hostile.Trap", &config, Limits::default(), &schemas);
        let id = |i| if bad.contains(&i) { -1 } else { i as i32 };
        let rows: Vec<(i32, &str)> = (0..16).map(|i| (id(i), "x")).collect();
        let mut b = batch_of(&rows, &schemas);
        let done = t.apply(&mut b, None).unwrap();
        let failed: Vec<usize> = done.errors.iter().map(|e| e.record as usize).collect();
        assert_eq!(failed, bad);
        let message = &done.errors[0].message;
        assert!(message.contains("crashed"), "{message}");
        assert!(
            message.contains("hostile_trap::"),
            "where it crashed: {message}"
        );
        for (i, r) in b.records().iter().enumerate() {
            let seen = u32::from(!bad.contains(&i));
            assert_eq!(r.entry.headers_len, seen, "record {i} with {bad:?} bad");
        }
        let s = t.stats().snapshot();
        // Each trap costs an instance; after the last one there may have been nothing left to do.
        assert!((s.traps..=s.traps + 1).contains(&s.instances), "{s:?}");
        // Records that are not selected are neither seen nor changed.
        let mut b = batch_of(&rows, &schemas);
        let others: Vec<u32> = (0..16).filter(|i| !bad.contains(&(*i as usize))).collect();
        assert_eq!(t.apply(&mut b, Some(&others)).unwrap().errors, []);
        assert_eq!(b.records()[bad[0]].entry.headers_len, 0);
        assert_eq!(t.stats().snapshot().traps, s.traps, "nothing failed");
    }
}

#[test]
fn each_abuse_is_reported_as_what_it_is() {
    const DEADLINE_MS: u64 = 400;
    let limits = Limits {
        batch_deadline_ms: DEADLINE_MS,
        ..Limits::default()
    };
    // The output bomb needs room in its own memory to make its answer.
    let cases = [
        (
            "Spin",
            &[][..],
            "deadline",
            "did not answer within 400 ms of CPU time",
        ),
        (
            "Memory",
            &[],
            "memory",
            "bytes of memory and may have 67108864",
        ),
        (
            "Output",
            &[("mib", "12")],
            "bad_answer",
            "larger than its limit",
        ),
        ("Output", &[("mib", "2")], "bad_answer", "2097"),
        ("Recursion", &[], "trap", "hostile_recursion::descend"),
    ];
    for (name, config, kind, text) in cases {
        let schemas = SharedSchemas::default();
        let mut t = transform(&format!("wasm.hostile.{name}"), config, limits, &schemas);
        let mut b = batch(1, &schemas);
        let before = bytes(&mut b);
        let done = t.apply(&mut b, None).unwrap();
        assert_eq!(done.errors.len(), 1, "{name}");
        let message = &done.errors[0].message;
        assert!(message.contains(text), "{name}: {message}");
        let s = t.stats().snapshot();
        let faults = match kind {
            "deadline" => s.deadlines,
            "memory" => s.memory_faults,
            "bad_answer" => s.bad_answers,
            _ => s.traps,
        };
        // The call and its replay, and nothing else.
        assert_eq!((s.calls, faults, s.bad_records), (2, 2, 1), "{name}: {s:?}");
        let took = Duration::from_nanos(s.cpu_ns);
        assert!(
            took < Duration::from_millis(2 * DEADLINE_MS * 3 / 2),
            "{name}: {took:?}"
        );
        assert_eq!(bytes(&mut b), before, "{name}");
        assert_eq!(s.memory_bytes, 0, "{name}: its instance is gone");
    }
}

#[test]
fn one_record_that_spins_is_found_within_the_bound() {
    let schemas = SharedSchemas::default();
    let limits = Limits {
        batch_deadline_ms: 50,
        ..Limits::default()
    };
    let mut t = transform("wasm.hostile.Spin", &[], limits, &schemas);
    // All records spin: the search is given up, and the task with it.
    let e = t.apply(&mut batch(128, &schemas), None).unwrap_err();
    assert!(matches!(e, CallError::Broken { .. }), "{e}");
    assert!(e.to_string().contains("ms of CPU time on one batch"), "{e}");
    let most = Duration::from_millis(50 * u64::from(limits.isolate_deadlines_max + 1) * 3 / 2);
    let took = Duration::from_nanos(t.stats().cpu_ns());
    assert!(took < most, "{took:?}");
}

#[test]
fn malformed_patches_are_refused_and_change_nothing() {
    let (plugin, class) = catalog()
        .resolve(
            &TenantId::default(),
            "wasm.hostile.Malformed",
            None,
            World::Transform,
        )
        .unwrap();
    let variants = plugin
        .definition()
        .get("variant")
        .unwrap()
        .recommended_values
        .clone();
    assert_eq!(variants.len(), 12);
    for variant in variants {
        let schemas = SharedSchemas::default();
        let config = [("variant", &*variant)];
        let mut t = transform(&class, &config, Limits::default(), &schemas);
        let mut b = batch(2, &schemas);
        let before = bytes(&mut b);
        let done = t.apply(&mut b, None).unwrap();
        let failed: Vec<u32> = done.errors.iter().map(|e| e.record).collect();
        assert_eq!(failed, [0, 1], "{variant}");
        for e in &done.errors {
            assert!(
                e.message.contains("answer is not valid"),
                "{variant}: {}",
                e.message
            );
        }
        let s = t.stats().snapshot();
        // The batch, its replay, and each record.
        assert_eq!((s.bad_answers, s.traps), (4, 0), "{variant}");
        assert_eq!(bytes(&mut b), before, "{variant}");
    }
}

#[test]
fn good_batches_go_on_after_bad_ones() {
    let schemas = SharedSchemas::default();
    let config = [("field", "id"), BAD];
    let mut t = transform("wasm.hostile.Trap", &config, Limits::default(), &schemas);
    for round in 0..2 * Limits::default().faulty_batches_max {
        let mut bad = batch_of(&[(1, "x"), (-1, "x")], &schemas);
        assert_eq!(t.apply(&mut bad, None).unwrap().errors.len(), 1, "{round}");
        let mut good = batch(3, &schemas);
        let done = t.apply(&mut good, None).unwrap();
        assert_eq!((done.errors.len(), done.applied.changed), (0, 3), "{round}");
    }
}

#[test]
fn a_plugin_that_keeps_failing_stops_its_task() {
    let schemas = SharedSchemas::default();
    let config = [("field", "id"), ("equals", "0")];
    let mut t = transform("wasm.hostile.Trap", &config, Limits::default(), &schemas);
    for _ in 1..Limits::default().faulty_batches_max {
        let done = t.apply(&mut batch(2, &schemas), None).unwrap();
        assert_eq!(done.errors.len(), 1);
    }
    let e = t.apply(&mut batch(2, &schemas), None).unwrap_err();
    assert!(matches!(e, CallError::Broken { .. }), "{e}");
    assert!(e.to_string().contains("in 5 batches in a row"), "{e}");
}

#[test]
fn a_flood_of_log_lines_is_cut_and_rationed() {
    let schemas = SharedSchemas::default();
    let lines: Arc<Mutex<Vec<(usize, u64)>>> = Arc::default();
    let kept = Arc::clone(&lines);
    let config = [("lines", "20000"), ("bytes", "4096")];
    let setup = setup(
        "wasm.hostile.LogFlood",
        World::Transform,
        None,
        &config,
        &schemas,
    );
    let sink = Arc::new(move |line: host_wasm::LogLine<'_>| {
        kept.lock()
            .unwrap()
            .push((line.message.len(), line.dropped));
    });
    let mut t = Transform::new(logging(setup, sink)).unwrap();
    let began = Instant::now();
    let mut b = batch(1, &schemas);
    let done = t.apply(&mut b, None).unwrap();
    assert_eq!(done.errors, [], "the record goes through");
    let lines = lines.lock().unwrap();
    let limits = Limits::default();
    let seconds = began.elapsed().as_secs() as usize + 2;
    assert!(!lines.is_empty() && lines.len() <= limits.log_lines_per_s as usize * seconds);
    let longest = lines.iter().map(|l| l.0).max().unwrap();
    assert!(
        longest <= limits.log_line_bytes_max + '…'.len_utf8(),
        "{longest}"
    );
    let s = t.stats().snapshot();
    assert_eq!(s.log_lines as usize, lines.len());
    assert_eq!(s.log_lines + s.log_lines_dropped, 20_000);
}

#[test]
fn instances_of_one_plugin_share_nothing() {
    let schemas = SharedSchemas::default();
    // Both keep 40 MiB of the 64 that an instance may have.
    let memory = || {
        transform(
            "wasm.hostile.Memory",
            &[("mib", "40")],
            Limits::default(),
            &schemas,
        )
    };
    let (mut a, mut b) = (memory(), memory());
    for t in [&mut a, &mut b] {
        assert_eq!(t.apply(&mut batch(1, &schemas), None).unwrap().errors, []);
    }
    let held = |t: &Transform| t.stats().snapshot().memory_bytes >> 20;
    assert!(
        held(&a) >= 40 && held(&b) >= 40,
        "{} {}",
        held(&a),
        held(&b)
    );
    // The end of one is nothing to the other.
    drop(a);
    assert_eq!(b.apply(&mut batch(1, &schemas), None).unwrap().errors, []);
    assert_eq!(b.stats().snapshot().instances, 1);
    let fresh = transform("wasm.hostile.Memory", &[], Limits::default(), &schemas);
    assert!(held(&fresh) < 40);
}

/// The pieces in which CPU time is used, until `over`.
fn pieces(share: &CpuShare, over: &AtomicBool) -> Vec<Duration> {
    let (mut all, mut last) = (Vec::new(), share.used());
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_micros(200));
        let now = share.used();
        all.extend(now.checked_sub(last).filter(|used| !used.is_zero()));
        last = now;
    }
    all
}

#[test]
fn a_guest_that_spins_has_its_share_spread_over_time() {
    let schemas = SharedSchemas::default();
    let limits = Limits {
        batch_deadline_ms: 100,
        ..Limits::default()
    };
    let pace = Pace::default();
    pace.share.set_limit(Some(100));
    let setup = setup("wasm.hostile.Spin", World::Transform, None, &[], &schemas);
    let mut t = Transform::new(Setup {
        limits,
        pace: pace.clone(),
        ..setup
    })
    .unwrap();
    let began = Instant::now();
    let mut spun = batch(1, &schemas);
    let over = AtomicBool::new(false);
    let (done, mut pieces) = std::thread::scope(|s| {
        let watch = s.spawn(|| pieces(&pace.share, &over));
        let done = t.apply(&mut spun, None);
        over.store(true, Ordering::Relaxed);
        (done.unwrap(), watch.join().unwrap())
    });
    pieces.sort();
    let typical = pieces[pieces.len() / 2];
    assert!(
        typical < Duration::from_millis(EPOCH_TICK_MS) / 2,
        "it keeps a core for {typical:?} at a time"
    );
    assert_eq!(
        t.stats().snapshot().deadlines,
        2,
        "sleep is not counted, so it ends at its deadline: {:?}",
        done.errors
    );
    // 100 ms are there at once, the rest is earned at 100 ms a second; a slice may be overdrawn.
    let (used, slept) = (pace.share.used(), pace.share.slept());
    let earned = Duration::from_millis(100) + began.elapsed() / 10;
    let slice = Duration::from_millis(EPOCH_TICK_MS);
    assert!(used >= Duration::from_millis(200), "{used:?}");
    assert!(
        used <= earned + slice * 2,
        "used {used:?}, earned {earned:?}"
    );
    assert!(!slept.is_zero());
}
