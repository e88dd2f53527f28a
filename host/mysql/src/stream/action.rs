//! `heartbeat.action.query`: a statement run on the server with every heartbeat, so that an idle server has a change.
//!
//! It runs beside the reader on a connection of its own, so a slow statement never holds up the binlog. Like Debezium's
//! `DatabaseHeartbeatImpl` it tells of a failure and goes on. Invariant: it ends with the stream, and one statement runs
//! at a time, for a bounded time.

use crate::connection::Server;
use crate::reader::Reader;
use host_core::access::Access;
use host_core::error::TaskError;
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

/// Time one statement may take.
const STATEMENT_MAX: Duration = Duration::from_mins(1);

/// The running action; dropping it ends it.
pub(super) struct Action(JoinHandle<()>);

impl Drop for Action {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts it, where heartbeats and a statement are configured.
pub(super) fn start(reader: &Reader) -> Option<Action> {
    let (_, every) = reader.config.heartbeat.as_ref()?;
    let query = reader.config.heartbeat_query.clone()?;
    let (server, access) = (reader.server.clone(), Arc::clone(&reader.access));
    Some(Action(tokio::spawn(run(server, access, query, *every))))
}

async fn run(server: Server, access: Arc<Access>, query: String, every: Duration) {
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut conn = None;
    loop {
        ticks.tick().await;
        // A connection that failed is not used again.
        conn = match execute(conn.take(), &server, &access, &query).await {
            Ok(conn) => Some(conn),
            Err(why) => {
                tracing::error!(
                    "running heartbeat.action.query: {why}; trying again with the next heartbeat"
                );
                None
            }
        };
    }
}

async fn execute(
    conn: Option<Conn>,
    server: &Server,
    access: &Access,
    query: &str,
) -> Result<Conn, String> {
    let mut conn = match conn {
        Some(conn) => conn,
        None => Box::pin(server.connect(access))
            .await
            .map_err(|e: TaskError| e.message)?,
    };
    match tokio::time::timeout(STATEMENT_MAX, conn.query_drop(query)).await {
        Ok(Ok(())) => Ok(conn),
        Ok(Err(e)) => Err(e.to_string()),
        Err(_) => Err(format!("no answer within {} s", STATEMENT_MAX.as_secs())),
    }
}
