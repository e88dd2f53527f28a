//! Notifications of the initial snapshot: to a topic (`sink`) and to the log.
//!
//! Source: `InitialSnapshotNotificationService`, `SinkNotificationChannel`, `LogNotificationChannel`. They carry no offset,
//! for the records around them do. Invariant: with no channel configured nothing is made.

use crate::ddl::java_set;
use crate::event::now_ns;
use crate::reader::Reader;
use crate::table::TableId;

const AGGREGATE: &str = "Initial Snapshot";

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Status<'a> {
    /// No snapshot was due.
    Skipped,
    /// The snapshot begins.
    Started,
    /// A table begins, one of these.
    InProgress(&'a TableId, &'a [TableId]),
    /// A table of these ended after so many rows.
    TableScanned(&'a TableId, &'a [TableId], i64),
    /// Reading a table failed.
    TableFailed(&'a TableId),
    /// The snapshot ended.
    Completed,
    /// The snapshot failed.
    Aborted,
}

/// A notification.
#[derive(Debug)]
pub(crate) struct Notification {
    pub id: String,
    pub kind: &'static str,
    pub aggregate: &'static str,
    pub data: Vec<(&'static str, String)>,
    pub ts_ms: i64,
}

impl Status<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Skipped => "SKIPPED",
            Self::Started => "STARTED",
            Self::InProgress(..) => "IN_PROGRESS",
            Self::TableScanned(..) | Self::TableFailed(_) => "TABLE_SCAN_COMPLETED",
            Self::Completed => "COMPLETED",
            Self::Aborted => "ABORTED",
        }
    }

    /// The additional data, in the order in which a `java.util.HashMap` that was copied from a smaller one iterates.
    fn data(&self, connector: &str) -> Vec<(&'static str, String)> {
        let all = |tables: &[TableId]| {
            let names: Vec<String> = tables.iter().map(TableId::to_string).collect();
            names.join(",")
        };
        let mut data = match self {
            Self::InProgress(table, tables) => vec![
                ("current_collection_in_progress", table.to_string()),
                ("data_collections", all(&java_set::in_hash_order(tables))),
            ],
            Self::TableScanned(table, tables, rows) => vec![
                ("scanned_collection", table.to_string()),
                ("data_collections", all(tables)),
                ("total_rows_scanned", rows.to_string()),
                ("status", "SUCCEEDED".to_owned()),
            ],
            Self::TableFailed(table) => vec![
                ("scanned_collection", table.to_string()),
                ("status", "SQL_EXCEPTION".to_owned()),
            ],
            _ => Vec::new(),
        };
        let mut buckets = match data.len() {
            0 => 16,
            n => (n * 4 / 3 + 1).next_power_of_two(),
        };
        data.push(("connector_name", connector.to_owned()));
        if data.len() * 4 > buckets * 3 {
            buckets *= 2;
        }
        data.sort_by_key(|(key, _)| java_set::bucket(key, buckets));
        data
    }
}

impl Reader {
    /// Tells of it wherever the configuration says.
    pub(crate) fn notify(&mut self, status: Status<'_>) {
        let channels = &self.config.notifications;
        if channels.topic.is_none() && !channels.log {
            return;
        }
        let n = Notification {
            id: uuid::Uuid::new_v4().to_string(),
            kind: status.kind(),
            aggregate: AGGREGATE,
            data: status.data(&self.config.prefix),
            ts_ms: now_ns().div_euclid(1_000_000),
        };
        if channels.log {
            let data: Vec<String> = n.data.iter().map(|(k, v)| format!("{k}={v}")).collect();
            tracing::info!(
                "[Notification Service]  {{id='{}', aggregateType='{}', type='{}', additionalData={{{}}}, timestamp={}}}",
                n.id,
                n.aggregate,
                n.kind,
                data.join(", "),
                n.ts_ms
            );
        }
        if let Some(topic) = channels.topic.clone()
            && let Err(e) = self.writer.notification(&topic, &n)
        {
            tracing::warn!("notifying {topic}: {e}; capture fewer tables");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additional_data_is_as_debezium_has_it() {
        let (a, b) = (TableId::new("inv", "c_old"), TableId::new("inv", "c"));
        let tables = [a.clone(), b];
        let shown = |status: Status<'_>| {
            let data: Vec<String> = status
                .data("p")
                .iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect();
            (status.kind(), data.join(" "))
        };
        for (status, kind, want) in [
            (Status::Started, "STARTED", "connector_name=p"),
            (
                Status::InProgress(&a, &tables),
                "IN_PROGRESS",
                "current_collection_in_progress=inv.c_old connector_name=p data_collections=inv.c,inv.c_old",
            ),
            (
                Status::TableScanned(&a, &tables, 7),
                "TABLE_SCAN_COMPLETED",
                "scanned_collection=inv.c_old connector_name=p total_rows_scanned=7 data_collections=inv.c_old,inv.c \
                 status=SUCCEEDED",
            ),
            (
                Status::TableFailed(&a),
                "TABLE_SCAN_COMPLETED",
                "connector_name=p scanned_collection=inv.c_old status=SQL_EXCEPTION",
            ),
        ] {
            assert_eq!(shown(status), (kind, want.to_owned()));
        }
    }
}
