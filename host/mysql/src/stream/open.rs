//! Opening the stream where the position says, and whether the server still has it.
//!
//! With GTIDs the server decides where to begin; without, file and position do. Invariant: a position the server has
//! purged is an error that says so, not a stream from somewhere else.

use crate::connection::{Doing, task_error, variable};
use crate::dump::Dump;
use crate::gtid::GtidSet;
use crate::position::Position;
use crate::reader::Reader;
use host_core::error::TaskError;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, GnoInterval, Row, Sid};
use mysql_common::packets::Tag;
use mysql_common::packets::binlog_request::BinlogRequest;
use std::time::Duration;

/// How often the server says that it has nothing to say. Without it a dead connection looks like an idle server.
pub(super) const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// The user variable that the dump command reads, by its name since MySQL 8.0.26 and before; in nanoseconds.
const HEARTBEAT_VARIABLES: [&str; 2] = ["source_heartbeat_period", "master_heartbeat_period"];

pub(super) async fn stream(reader: &Reader, position: &Position) -> Result<Dump, TaskError> {
    let mut conn = reader.server.connect(&reader.access).await?;
    check_available(&mut conn, position, by_gtid(reader, position)).await?;
    drop(conn.disconnect().await);
    let request = BinlogRequest::new(reader.config.server_id);
    let request = match position.gtids().filter(|_| by_gtid(reader, position)) {
        Some(set) => request.with_use_gtid(true).with_sids(sids(reader, set)),
        None => request
            .with_filename(position.file.as_bytes())
            .with_pos(position.pos),
    };
    // Errors of the request itself come in place of the first event.
    let settings = settings(reader);
    reader
        .server
        .dump(&reader.access, &settings, &request)
        .await
}

/// What the session of the dump needs said.
fn settings(reader: &Reader) -> Vec<String> {
    let (read_s, write_s) = reader.config.server.net_timeouts_s;
    let timeouts = [("net_read_timeout", read_s), ("net_write_timeout", write_s)];
    let timeouts = timeouts.into_iter().filter(|(_, seconds)| *seconds > 0);
    let every_ns = HEARTBEAT_EVERY.as_nanos();
    timeouts
        .map(|(name, seconds)| format!("SET SESSION {name}={seconds}"))
        .chain(HEARTBEAT_VARIABLES.map(|name| format!("SET @{name}={every_ns}")))
        .collect()
}

fn by_gtid(reader: &Reader, position: &Position) -> bool {
    reader.facts.gtids
        && !reader.config.ignore_gtids
        && position.gtids().is_some_and(|g| !g.is_empty())
}

fn sids(reader: &Reader, set: &GtidSet) -> Vec<Sid<'static>> {
    let filter = reader.config.gtid_sources.as_ref();
    set.sources()
        .filter(|(source, _)| filter.is_none_or(|f| f.passes(&source.uuid)))
        .map(|(source, intervals)| {
            let mut sid = Sid::new(*source.uuid.as_bytes());
            if let Ok(tag) = Tag::new(source.tag.as_str().to_owned()) {
                sid = sid.with_tag(tag);
            }
            intervals.iter().fold(sid, |sid, (from, to)| {
                sid.with_interval(GnoInterval::new(*from, to + 1))
            })
        })
        .collect()
}

/// Fails where the server has purged what comes after the position.
pub(crate) async fn check_available(
    conn: &mut Conn,
    position: &Position,
    by_gtid: bool,
) -> Result<(), TaskError> {
    let doing = Doing::new("looking for the stored position in the server's binlog");
    let failed = |e| task_error(&doing, e);
    if by_gtid {
        let purged = variable(conn, "gtid_purged")
            .await
            .map_err(failed)?
            .unwrap_or_default();
        let mut purged: GtidSet = purged
            .parse()
            .map_err(|e| TaskError::fail("MYSQL-GTIDS", format!("reading gtid_purged: {e}")))?;
        if let Some(seen) = position.gtids() {
            purged.subtract(seen);
        }
        if purged.is_empty() {
            return Ok(());
        }
        return Err(gone(&format!("the transactions {purged}")));
    }
    let logs: Vec<Row> = conn.query("SHOW BINARY LOGS").await.map_err(failed)?;
    let has = logs.iter().any(|row| {
        let name = row.get_opt::<String, _>(0).and_then(Result::ok);
        name.as_deref() == Some(&*position.file)
    });
    if has {
        Ok(())
    } else {
        Err(gone(&format!("the file {}", position.file)))
    }
}

fn gone(what: &str) -> TaskError {
    TaskError::fail(
        "MYSQL-BINLOG-PURGED",
        format!(
            "going on from the stored offset: the server has purged {what} from its binlog, so changes are lost; set \
             snapshot.mode=when_needed to take a new snapshot"
        ),
    )
}
