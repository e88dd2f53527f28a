//! What the snapshot and the stream share while they run: configuration, structure, history, batches on their way.
//!
//! A reader runs in a task of its own and hands batches over through a channel that holds two, so memory is bounded and
//! decoding goes on while the last batch is worked on. Invariant: schema history is durable before a batch is handed on.

use crate::config::MysqlConfig;
use crate::connection::Server;
use crate::ddl::{SchemaChange, Session};
use crate::event::{Ended, Marker, Origin, Place, Writer};
use crate::history::History;
use crate::position::{Base, render};
use crate::structure::Structure;
use host_core::access::Access;
use host_core::batch::Batch;
use host_core::error::TaskError;
use host_core::metrics::SourceMetrics;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Batches between reader and task.
pub(crate) const BATCHES_WAITING_MAX: usize = 2;

/// What the server is.
#[derive(Debug, Clone)]
pub(crate) struct ServerFacts {
    /// A session with its settings and no database.
    pub session: Session,
    /// Whether `gtid_mode` is ON.
    pub gtids: bool,
    /// `lower_case_table_names`.
    pub lower_case: u8,
}

/// One run of the connector's task.
pub(crate) struct Reader {
    pub config: Arc<MysqlConfig>,
    pub server: Server,
    pub access: Arc<Access>,
    pub facts: ServerFacts,
    pub structure: Structure,
    pub history: History,
    pub writer: Writer,
    pub metrics: Arc<SourceMetrics>,
    pub batches: mpsc::Sender<Batch>,
}

/// Nobody wants more batches: the task was stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Dropped by its owner.
    Closed,
    /// Something failed.
    Failed(TaskError),
}

impl From<TaskError> for Stop {
    fn from(e: TaskError) -> Self {
        Self::Failed(e)
    }
}

impl Reader {
    /// Hands the batch on, if there is one, and waits for room.
    pub(crate) async fn hand_on(&mut self) -> Result<(), Stop> {
        if self.writer.is_empty() {
            return Ok(());
        }
        self.history.flush().await?;
        if let Some(batch) = self.writer.take()? {
            self.batches.send(batch).await.map_err(|_| Stop::Closed)?;
        }
        Ok(())
    }

    /// Hands the batch on once it is full.
    pub(crate) async fn hand_on_full(&mut self) -> Result<(), Stop> {
        match self.writer.fullness() {
            Ended::Full => self.hand_on().await,
            Ended::No => Ok(()),
        }
    }

    /// Records a schema change and writes its event. Only the last change of a statement ends its `place`.
    pub(crate) async fn schema_change(
        &mut self,
        change: &SchemaChange,
        origin: &Origin,
        base: &Base,
        place: Place,
    ) -> Result<(), Stop> {
        if !self.structure.shows(change) {
            return Ok(());
        }
        let now_ms = crate::event::now_ns().div_euclid(1_000_000);
        let ts_sec = origin.ts_ns.div_euclid(1_000_000_000);
        let position = render(base, ts_sec, place.event, 0, None);
        if self.structure.records(change) {
            self.history.record(position, now_ms, change).await?;
        }
        if self.config.schema_changes {
            // Without rows the last schema change ends the snapshot: a restart goes on from here.
            let done = origin.marker == Marker::Last;
            let base = Base {
                snapshot: base.snapshot && !done,
                ..base.clone()
            };
            self.writer.at(base, origin.ts_ns);
            self.writer.schema_change(change, origin, now_ms, place);
            self.hand_on_full().await?;
        }
        Ok(())
    }
}
