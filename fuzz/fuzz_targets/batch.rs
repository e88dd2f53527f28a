//! Batches and patches out of random bytes: every address is checked before it is followed.
#![no_main]
use tidegate_layout::validate::{Budget, record};
use tidegate_layout::{BatchView, Patch, Schemas};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let schemas = Schemas::new(0);
    if let Ok(batch) = BatchView::new(data) {
        for entry in (0..batch.len().min(64)).filter_map(|i| batch.record(i).ok()) {
            drop(record(&entry, batch.reader(), &schemas, &mut Budget { slots: 1000, bytes: 10_000 }));
        }
    }
    if let Ok(patch) = Patch::parse(data) {
        patch.ops().for_each(drop);
    }
});
