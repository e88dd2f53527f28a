//! GTID sets out of random text: what is read prints as a set that reads back equal.
#![no_main]
use host_mysql::gtid::GtidSet;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(set) = text.parse::<GtidSet>() {
        assert_eq!(set.to_string().parse::<GtidSet>().as_ref(), Ok(&set));
    }
});
