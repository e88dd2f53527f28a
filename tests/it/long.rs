//! The long ones, for `cargo x test long`: many seeds, larger data.

use crate::{faults, memory};

/// Seeds of each crash window.
const SEEDS: u64 = 20;

#[test]
fn crashes_with_many_seeds() {
    for failpoint in [
        "after_send",
        "after_ack",
        "before_offset_commit",
        "after_offset_commit",
    ] {
        faults::crash_at(failpoint, 0, false, SEEDS);
    }
    faults::crash_at("mid_snapshot", 3000, false, SEEDS);
    faults::crash_at("after_ddl_before_history", 0, true, SEEDS);
}

#[test]
fn five_million_rows_deleted() {
    memory::delete_all("huge_delete", 5_000_000);
}
