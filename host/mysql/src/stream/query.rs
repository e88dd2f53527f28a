//! Statements in the binlog: transaction boundaries and DDL.
//!
//! A statement that cannot be followed stops the task only where a captured table is concerned. Source:
//! `BinlogStreamingChangeEventSource.handleQueryEvent`. Invariant: a statement is in the history before any row after it
//! is handed on.

use super::Streaming;
use super::event::BinlogEvent;
use crate::ddl::{SchemaChange, SchemaChangeKind, Session, is_filtered};
use crate::event::{Marker, Origin, Place};
use crate::reader::{Reader, Stop};
use host_core::error::TaskError;
use mysql_common::binlog::consts::StatusVarKey;
use mysql_common::binlog::events::{QueryEvent, StatusVarVal};
use std::sync::Arc;

impl Streaming {
    pub(super) async fn query(
        &mut self,
        reader: &mut Reader,
        e: &BinlogEvent<'_>,
    ) -> Result<(), Stop> {
        let body = e
            .event
            .read::<QueryEvent<'_>>()
            .ok_or_else(|| self.malformed("a malformed query event"))?;
        let sql = body.query();
        let sql = sql.trim();
        match first_words(sql).as_str() {
            "BEGIN" => self.begin(reader, body.thread_id()),
            // Rows of a table without transactions stay even if the others are undone.
            "COMMIT" | "ROLLBACK" => self.commit(reader),
            words if words.starts_with("XA START") || words.starts_with("XA BEGIN") => {
                self.begin_xa();
            }
            words if words.starts_with("XA ") || words.starts_with("ROLLBACK TO") => {}
            _ if is_filtered(sql) => {}
            _ => {
                let session = session(reader, &body);
                self.ddl(reader, sql, &session).await?;
            }
        }
        Ok(())
    }

    async fn ddl(&mut self, reader: &mut Reader, sql: &str, session: &Session) -> Result<(), Stop> {
        if self.replayed(sql) {
            return Ok(());
        }
        if self
            .horizon
            .as_ref()
            .is_some_and(|h| h.covers(&self.position))
        {
            tracing::debug!(
                sql = first_words(sql),
                "the structure has this statement already"
            );
            return Ok(());
        }
        self.horizon = None;
        let changes = match reader.structure.apply(sql, session) {
            Ok(changes) => changes,
            Err(e) => {
                let captured = e.tables.iter().any(|id| reader.config.tables.captures(id));
                let nowhere = e.tables.is_empty()
                    && !reader.config.tables.captures_database(&session.database);
                if reader.config.history.skip_unparseable
                    || nowhere
                    || (!e.tables.is_empty() && !captured)
                {
                    tracing::warn!(error = %e, "skipped a statement");
                    return Ok(());
                }
                let message = format!(
                    "following a statement at {}:{}: {e}; set schema.history.internal.skip.unparseable.ddl=true to go on without it",
                    self.position.file, self.position.pos
                );
                return Err(TaskError::fail("MYSQL-DDL", message).into());
            }
        };
        self.plans.clear();
        let last = changes.iter().rposition(|c| shown(reader, c));
        for (at, change) in changes.into_iter().enumerate() {
            // A statement's changes share one offset: with the first, a restart would skip the others.
            let place = Place {
                row: self.last_row,
                ..Place::after_events(self.position.event).followed_if(last != Some(at))
            };
            if change.kind == SchemaChangeKind::Truncate {
                self.truncate(reader, &change, place)?;
                continue;
            }
            // Debezium's schema changes have milliseconds.
            let ts_ns = self.ts_ns.div_euclid(1_000_000) * 1_000_000;
            let origin = Origin {
                table: change.source_table.as_deref().map(Into::into),
                db: change.database.as_str().into(),
                ts_ns,
                query: None,
                ..self.origin()
            };
            let base = self.transactions.base(&self.position);
            reader.schema_change(&change, &origin, &base, place).await?;
        }
        reader.history.flush().await?;
        Ok(())
    }

    /// Whether recovery has applied this statement already: it was recorded at the offset that reading went on from.
    fn replayed(&mut self, sql: &str) -> bool {
        if self.repeated.is_empty() {
            return false;
        }
        let running = self.position.gtid.as_deref().and_then(|g| g.parse().ok());
        let mut before = self.position.gtids().cloned().unwrap_or_default();
        if let Some(gtid) = running {
            let gtid: crate::gtid::Gtid = gtid;
            let mut only = crate::gtid::GtidSet::default();
            only.add(&gtid);
            before.subtract(&only);
        }
        if Some(&before) != self.resumed_gtids.as_ref() {
            self.repeated.clear();
            return false;
        }
        self.repeated
            .iter()
            .any(|r| r == sql.trim_end_matches(';').trim_end())
    }

    fn truncate(
        &mut self,
        reader: &mut Reader,
        change: &SchemaChange,
        place: Place,
    ) -> Result<(), TaskError> {
        let Some(id) = change
            .id
            .as_ref()
            .filter(|id| reader.config.tables.captures(id))
        else {
            return Ok(());
        };
        if reader.config.skipped.truncate {
            return Ok(());
        }
        if let Some(plan) = reader.structure.plan(id)? {
            let origin = Origin {
                db: id.database.as_str().into(),
                table: Some(id.table.as_str().into()),
                ..self.origin()
            };
            reader
                .writer
                .at(self.transactions.base(&self.position), self.ts_ns);
            reader.writer.truncate(&plan, &origin, place, &mut |_| None);
        }
        Ok(())
    }

    /// The source block's values for the current event, without database and table.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            ts_ns: self.ts_ns,
            marker: Marker::False,
            db: "".into(),
            table: None,
            gtid: self.position.gtid.clone(),
            file: Arc::clone(&self.position.file),
            pos: self.position.pos,
            server_id: self.position.server_id,
            thread: self.thread,
            query: self.query.clone(),
        }
    }
}

/// Whether a change may become a record.
fn shown(reader: &Reader, change: &SchemaChange) -> bool {
    change.kind == SchemaChangeKind::Truncate || reader.structure.shows(change)
}

/// The beginning of a statement in capitals, enough to tell the transaction statements.
fn first_words(sql: &str) -> String {
    sql.trim_end_matches(';')
        .chars()
        .take(12)
        .collect::<String>()
        .to_ascii_uppercase()
        .trim_end()
        .to_owned()
}

fn session(reader: &Reader, body: &QueryEvent<'_>) -> Session {
    let base = Session {
        database: body.schema().into_owned(),
        ..reader.facts.session.clone()
    };
    let vars = body.status_vars();
    let mut session = match vars
        .get_status_var(StatusVarKey::SqlMode)
        .as_ref()
        .map(mysql_common::binlog::events::StatusVar::get_value)
    {
        Some(Ok(StatusVarVal::SqlMode(mode))) => base.with_sql_mode(mode.0),
        _ => base,
    };
    if let Some(var) = vars.get_status_var(StatusVarKey::ExplicitDefaultsForTimestamp)
        && let Ok(StatusVarVal::ExplicitDefaultsForTimestamp(on)) = var.get_value()
    {
        session.explicit_timestamp = on;
    }
    session
}
