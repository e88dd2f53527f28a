//! Following the binlog from a position.
//!
//! One event at a time: positions and transaction boundaries here, statements in `query`, row images in `rows`. A batch is
//! handed on when it is full or when the server has nothing more to say. Source: `BinlogStreamingChangeEventSource`.
//! Invariant: memory holds one event and one batch, whatever the transaction's size.

mod action;
mod event;
mod horizon;
mod open;
mod progress;
mod query;
mod rows;
mod silence;
mod table_map;
mod transaction;

pub(crate) use open::check_available;

use crate::connection::{Doing, task_error};
use crate::dump::{Broken, DumpError, RawEvent};
use crate::gtid::{Gtid, GtidSet, Tag};
use crate::position::{Position, Stored};
use crate::reader::{Reader, Stop};
use event::{BinlogEvent, Kind};
use futures_util::FutureExt as _;
pub(crate) use horizon::Horizon;
use host_core::error::TaskError;
use progress::Progress;
use rows::RowPlans;
use silence::Silence;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use transaction::Transactions;
use uuid::Uuid;

/// What following the binlog remembers between events.
pub(crate) struct Streaming {
    position: Position,
    plans: RowPlans,
    transactions: Transactions,
    /// Events of the transaction that were delivered before the restart.
    skip_events: u64,
    skipping: bool,
    /// Rows of the next event that were delivered before the restart.
    skip_rows: u32,
    /// Number of the last row delivered, which schema changes up to the next file carry as theirs, as Debezium's do.
    last_row: u32,
    ts_ns: i64,
    thread: Option<i64>,
    query: Option<Arc<str>>,
    /// Whether the transaction's server is one of `gtid.source.excludes`.
    foreign: bool,
    /// Statements that recovery has replayed and the stream meets again.
    repeated: Vec<String>,
    resumed_gtids: Option<GtidSet>,
    /// Up to where the structure is known without the stream's statements.
    horizon: Option<Horizon>,
    /// When the next heartbeat goes with the records.
    heartbeat_due: Option<Instant>,
    /// Whether the last event ended a transaction or was one by itself.
    between: bool,
    progress: Progress,
}

impl Streaming {
    /// Starts at a position; `stored` is the offset it came from, if it did.
    pub(crate) fn new(
        position: Position,
        stored: Option<&Stored>,
        repeated: Vec<String>,
        reader: &Reader,
    ) -> Self {
        let transactions = Transactions::new(reader.config.transaction_topic.clone(), stored);
        Self {
            resumed_gtids: position.gtids().cloned(),
            progress: Progress::new(stored.map(|_| transactions.base(&position))),
            // A stored offset may be within a transaction.
            between: stored.is_none(),
            position,
            plans: RowPlans::default(),
            transactions,
            skip_events: stored.map_or(0, |s| s.event),
            skipping: false,
            skip_rows: stored.map_or(0, |s| s.row),
            last_row: 0,
            ts_ns: 0,
            thread: None,
            query: None,
            foreign: false,
            repeated,
            horizon: None,
            heartbeat_due: None,
        }
    }

    /// The same with a structure that is ahead of the position.
    pub(crate) fn knowing(self, horizon: Horizon) -> Self {
        Self {
            horizon: Some(horizon),
            ..self
        }
    }
}

/// Follows the binlog until the task is stopped or something fails.
pub(crate) async fn run(reader: &mut Reader, mut s: Streaming) -> Result<(), Stop> {
    tokio::time::sleep(reader.config.streaming_delay).await;
    let mut stream = open::stream(reader, &s.position).await?;
    reader.metrics.set("connected", 1);
    let every = reader
        .config
        .heartbeat
        .as_ref()
        .map_or(Duration::from_hours(1), |(_, every)| *every);
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let _action = action::start(reader);
    let mut silence = Silence::default();
    loop {
        let next = match stream.next().now_or_never() {
            Some(next) => next,
            None => {
                // Nothing more at the moment: what is there must not wait.
                reader.hand_on().await?;
                let waiting = Instant::now();
                tokio::select! {
                    biased;
                    next = stream.next() => next,
                    _ = ticks.tick() => {
                        silence.waited(waiting.elapsed());
                        s.heartbeat(reader);
                        s.heartbeat_due = Some(Instant::now() + every);
                        continue;
                    }
                    () = tokio::time::sleep(silence.left()) => {
                        return Err(silence::silent(&reader.config.server, &s.position).into());
                    }
                    () = reader.batches.closed() => return Err(Stop::Closed),
                }
            }
        };
        silence = Silence::default();
        handle_next(reader, &mut s, next).await?;
        if s.heartbeat_due.is_none_or(|due| Instant::now() >= due) {
            s.heartbeat(reader);
            s.heartbeat_due = Some(Instant::now() + every);
        }
        s.tell_progress(reader);
        reader.hand_on_full().await?;
    }
}

async fn handle_next(
    reader: &mut Reader,
    s: &mut Streaming,
    next: Result<Option<RawEvent>, DumpError>,
) -> Result<(), Stop> {
    match next {
        Ok(Some(event)) => Box::pin(s.handle(reader, &BinlogEvent::new(&event))).await,
        Ok(None) => {
            let message = "reading the binlog: the server closed the connection; connecting again";
            Err(TaskError::retry("MYSQL-CONNECTION", message).into())
        }
        Err(DumpError::Driver(e)) => {
            let doing = Doing::new(format!(
                "reading the binlog {} from position {}",
                s.position.file, s.position.pos
            ));
            Err(task_error(&doing, e).into())
        }
        Err(DumpError::Broken(Broken::Stream(why))) => Err(s.malformed(&why).into()),
        Err(DumpError::Broken(Broken::Payload(why))) => Err(s.undecodable(&why).into()),
    }
}

impl Streaming {
    fn malformed(&self, why: &str) -> TaskError {
        TaskError::fail(
            "MYSQL-BINLOG-MALFORMED",
            format!(
                "reading the binlog {} at position {}: {why}; look at it with mysqlbinlog --start-position={} {}",
                self.position.file, self.position.pos, self.position.pos, self.position.file
            ),
        )
    }

    /// The compressed transaction at the position cannot be read.
    fn undecodable(&self, why: &str) -> TaskError {
        TaskError::fail(
            "MYSQL-BINLOG-PAYLOAD",
            format!(
                "reading the compressed transaction at position {} of the binlog {}: it {why}; see whether mysqlbinlog \
                 --start-position={} {} can read it: if it can, restart the task, else the server's binlog is damaged and \
                 only a new snapshot (delete the offsets) has its changes",
                self.position.pos, self.position.file, self.position.pos, self.position.file
            ),
        )
    }

    /// Rows at the position do not fit the table's structure, or hold what no column of it can.
    fn undecodable_row(&self, why: &str) -> TaskError {
        let e = self.malformed(why);
        TaskError::fail(
            e.code,
            format!(
                "{}; or go on without such rows: event.processing.failure.handling.mode=warn",
                e.message
            ),
        )
    }

    async fn handle(&mut self, reader: &mut Reader, e: &BinlogEvent<'_>) -> Result<(), Stop> {
        if e.kind == Kind::Heartbeat {
            reader.metrics.set("milli_seconds_behind_source", 0);
            return Ok(());
        }
        if e.kind == Kind::Format {
            return Ok(());
        }
        self.position.server_id = e.server_id;
        self.clock(reader, e);
        if let Kind::Rotate = e.kind {
            let (file, pos) = e
                .rotate()
                .ok_or_else(|| self.malformed("a malformed rotate event"))?;
            // The server begins every connection with the file it reads from; with GTIDs it reads the file from its start
            // and skips, and the offset must not move back meanwhile.
            if e.timestamp != 0 || *file != *self.position.file {
                self.position.rotate(&file, pos);
            }
            self.plans.clear();
            self.last_row = 0;
            return Ok(());
        }
        self.between = matches!(e.kind, Kind::Xid | Kind::XaPrepare | Kind::Query);
        if let Some(pos) = e.position {
            let pos = unwrapped(self.position.pos, pos);
            self.position.begin_event(pos, u64::from(e.bytes));
        }
        match e.kind {
            Kind::Gtid => self.gtid(reader, e)?,
            Kind::Query => self.query(reader, e).await?,
            Kind::Xid => self.commit(reader),
            Kind::XaPrepare => self.end(),
            Kind::TableMap => self
                .plans
                .table_map(e.data, &mut reader.structure, &reader.config)
                .map_err(|why| self.malformed(why))?,
            Kind::Rows(op) => self.rows(reader, e, op).await?,
            Kind::RowsQuery if reader.config.include_query => {
                self.query = e
                    .data
                    .get(1..)
                    .map(|q| String::from_utf8_lossy(q).as_ref().into());
            }
            Kind::Incident => {
                return Err(TaskError::fail(
                    "MYSQL-INCIDENT",
                    format!("reading the binlog {}: the server reports that events were lost here; take a new snapshot (delete the offsets)", self.position.file),
                )
                .into());
            }
            _ => {}
        }
        self.position.complete_event();
        if self.skipping {
            self.skip_events = self.skip_events.saturating_sub(1);
            self.skipping = self.skip_events > 0;
        }
        Ok(())
    }

    /// Event time: the commit's microseconds where the server has GTIDs, else the event's seconds.
    fn clock(&mut self, reader: &Reader, e: &BinlogEvent<'_>) {
        if e.timestamp == 0 {
            return;
        }
        let seconds = i64::from(e.timestamp) * 1_000_000_000;
        if self.ts_ns == 0 || !reader.facts.gtids {
            self.ts_ns = seconds;
        } else if e.kind == Kind::Gtid {
            let us = e.gtid().map_or(0, |g| g.commit_us);
            self.ts_ns = i64::try_from(us)
                .ok()
                .filter(|us| *us > 0)
                .map_or(seconds, |us| us.saturating_mul(1000));
        }
        let behind = crate::event::now_ns()
            .saturating_sub(self.ts_ns)
            .div_euclid(1_000_000);
        reader
            .metrics
            .set("milli_seconds_behind_source", behind.max(0));
    }

    fn gtid(&mut self, reader: &Reader, e: &BinlogEvent<'_>) -> Result<(), TaskError> {
        self.foreign = false;
        let g = e
            .gtid()
            .ok_or_else(|| self.malformed("a malformed gtid event"))?;
        // An anonymous transaction has number 0.
        let tag = Tag::new(&g.tag).ok_or_else(|| self.malformed("a malformed gtid tag"))?;
        if let Some(gtid) = Gtid::new(Uuid::from_bytes(g.uuid), tag, g.number) {
            self.position.begin_gtid(&gtid);
            let passes = reader
                .config
                .gtid_sources
                .as_ref()
                .is_none_or(|f| f.passes(&gtid.source.uuid));
            self.foreign = reader.config.gtid_filters_rows && !passes;
        }
        Ok(())
    }

    fn begin(&mut self, reader: &mut Reader, thread: u32) {
        self.position.begin_transaction();
        self.thread = Some(i64::from(thread));
        self.query = None;
        self.skipping = self.skip_events > 0;
        if let Some(id) = self.position.transaction_id() {
            self.transactions
                .begin(&mut reader.writer, &self.position, &id, self.ts_ns);
        }
    }

    fn commit(&mut self, reader: &mut Reader) {
        self.transactions
            .end(&mut reader.writer, &self.position, self.ts_ns);
        self.end();
    }

    /// An XA transaction has no metadata, but its rows are counted from its beginning as those of any other: a restart
    /// within it finds its table maps and skips what was delivered.
    fn begin_xa(&mut self) {
        self.position.begin_transaction();
        self.skipping = self.skip_events > 0;
    }

    fn end(&mut self) {
        self.position.commit();
        self.thread = None;
        self.query = None;
        self.skipping = false;
        self.skip_events = 0;
        self.skip_rows = 0;
        self.foreign = false;
    }

    /// A record that carries nothing but the offset.
    fn heartbeat(&mut self, reader: &mut Reader) {
        let Some((topic, _)) = reader.config.heartbeat.clone() else {
            return;
        };
        // Inside of what is being skipped the offset would move back.
        if self.skipping || self.skip_rows > 0 {
            return;
        }
        let base = self.transactions.base(&self.position);
        let ts_ns = if self.ts_ns == 0 {
            crate::event::now_ns()
        } else {
            self.ts_ns
        };
        reader.writer.at(base, ts_ns);
        reader.writer.heartbeat(&topic, self.position.event);
    }
}

/// A position whose event header has room for 32 bits only: a transaction may be longer than 4 GiB.
fn unwrapped(before: u64, pos: u64) -> u64 {
    const WRAP: u64 = 1 << 32;
    let pos = (before & !(WRAP - 1)) + (pos & (WRAP - 1));
    if pos + WRAP / 2 < before {
        pos + WRAP
    } else {
        pos
    }
}

#[cfg(test)]
mod tests {
    use super::unwrapped;

    #[test]
    fn positions_go_on_beyond_four_gibibytes() {
        for (before, pos, want) in [
            (4, 126, 126),
            (4_294_967_000, 100, 4_294_967_396),
            (4_294_967_396, 500, 4_294_967_796),
            (8_589_934_500, 8, 8_589_934_600),
        ] {
            assert_eq!(unwrapped(before, pos), want, "{before} {pos}");
        }
    }
}
