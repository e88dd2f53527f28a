//! Schema history records out of random bytes.
#![no_main]
use host_mysql::schema_history::record::HistoryRecord;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(record) = HistoryRecord::parse(data) {
        drop(record.to_pretty(true));
    }
});
