//! How long the server may say nothing: a connection that died unnoticed must not look like an idle server.
//!
//! The server sends a heartbeat every [`HEARTBEAT_EVERY`], so silence of several of those means that nobody is there (a
//! firewall that forgot the connection, a host that lost its power). Only time spent waiting for the server counts, not
//! time in which a full channel kept the reader from listening. Invariant: [`Silence::left`] never grows until the server
//! speaks.

use super::open::HEARTBEAT_EVERY;
use crate::config::ServerConfig;
use crate::position::Position;
use host_core::error::TaskError;
use std::time::Duration;

/// Silence after which the connection is given up: six heartbeats.
const SILENCE_MAX: Duration = Duration::from_mins(1);
const _: () = assert!(SILENCE_MAX.as_secs() >= 3 * HEARTBEAT_EVERY.as_secs());

/// Time waited since the server's last event.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Silence {
    waited: Duration,
}

impl Silence {
    /// The server said nothing for this long while it was listened to.
    pub(super) fn waited(&mut self, more: Duration) {
        self.waited = self.waited.saturating_add(more);
    }
    /// How much longer it may say nothing.
    pub(super) fn left(self) -> Duration {
        SILENCE_MAX.saturating_sub(self.waited)
    }
}

/// The error of a server that fell silent; a new connection goes on from the stored offset.
pub(super) fn silent(server: &ServerConfig, position: &Position) -> TaskError {
    TaskError::retry(
        "MYSQL-CONNECTION",
        format!(
            "reading the binlog {} at position {}: {}:{} sent nothing for {} s, not even the heartbeat it owes every {} s; \
             check that the server runs and that no firewall or proxy drops the connection",
            position.file,
            position.pos,
            server.host,
            server.port,
            SILENCE_MAX.as_secs(),
            HEARTBEAT_EVERY.as_secs()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_in_pieces_adds_up() {
        let mut silence = Silence::default();
        for (piece_s, left_s) in [(0, 60), (59, 1), (1, 0), (u64::MAX, 0)] {
            silence.waited(Duration::from_secs(piece_s));
            assert_eq!(silence.left(), Duration::from_secs(left_s));
        }
        assert_eq!(Silence::default().left(), SILENCE_MAX);
    }
}
