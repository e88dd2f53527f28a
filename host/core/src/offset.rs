//! Where a source stands: Connect's source partition and source offset.
//!
//! Both are opaque JSON maps here, kept in the order in which the source wrote them, because Connect's offset topic
//! and its readers see them as text. Invariant: an offset is a resume point; what it means is its source's business.

use std::sync::Arc;

/// A JSON object in its own field order.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;

/// What is being read, e.g. `{"server":"dbserver1"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePartition(pub JsonMap);

/// How far it has been read, e.g. `{"ts_sec":…,"file":…,"pos":…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset(pub JsonMap);

/// The offsets of one batch's records, rendered only when one of them is to be stored.
///
/// A batch has thousands of records and few stored offsets: MySQL keeps positions as numbers and builds Debezium's map
/// on demand; the file source does the same from byte positions.
pub trait OffsetTable: Send + Sync + std::fmt::Debug {
    /// Partition and offset *after* record `index` of the batch as the source made it has been delivered.
    /// `None` where the record carries none of its own (the previous record's then holds).
    fn offset(&self, index: u32) -> Option<(SourcePartition, Offset)>;
}

/// A shared table.
pub type Offsets = Arc<dyn OffsetTable>;
