//! The table of connector kinds.
//!
//! Adding a kind is a crate and a line. Nothing registers itself. Invariant: classes are listed once.

use crate::file_stream::FileStreamKind;
use host_core::source::SourceKind;
use host_mysql::MysqlKind;
use std::sync::Arc;

/// Every kind this executable has.
pub fn all() -> Vec<Arc<dyn SourceKind>> {
    vec![Arc::new(MysqlKind), Arc::new(FileStreamKind::default())]
}

#[cfg(test)]
mod tests {
    #[test]
    fn classes_are_listed_once() {
        let mut classes: Vec<_> = super::all().iter().map(|k| k.class()).collect();
        classes.sort_unstable();
        let all = classes.len();
        classes.dedup();
        assert_eq!(classes.len(), all);
    }
}
