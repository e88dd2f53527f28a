//! The driver's errors as task errors: what was being done, and what to do now.
//!
//! Only translation. Invariant: what may heal by itself is retried, what cannot is not.

use crate::config::ServerConfig;
use host_core::error::TaskError;
use mysql_async::{DriverError, Error};

/// What was being done when an error came.
#[derive(Debug, Clone)]
pub struct Doing(String);

impl Doing {
    /// Something said as "reading the table a.b".
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
    /// Connecting to a server.
    pub fn connecting(c: &ServerConfig) -> Self {
        Self(format!("connecting to {}:{} as {}", c.host, c.port, c.user))
    }
}

const ACCESS_DENIED: [u16; 3] = [1044, 1045, 1698];
const NO_PRIVILEGE: [u16; 4] = [1142, 1143, 1227, 1370];
/// ER_NO_BINARY_LOGGING.
const NO_BINLOG: u16 = 1381;
const BINLOG_READ: u16 = 1236;
const LOCK_TIMEOUT: u16 = 1205;
/// Server shutting down, too many connections, deadlock: worth another try.
const PASSING: [u16; 7] = [1040, 1053, 1077, 1078, 1079, 1213, TABLE_CHANGED];
/// ER_TABLE_DEF_CHANGED: a table was altered after the snapshot's view was opened; a new view sees it.
const TABLE_CHANGED: u16 = 1412;

/// The task error of a driver error.
pub fn task_error(doing: &Doing, error: Error) -> TaskError {
    let doing = &doing.0;
    match error {
        Error::Server(e) if ACCESS_DENIED.contains(&e.code) => TaskError::fail(
            "MYSQL-ACCESS-DENIED",
            format!(
                "{doing}: {}; check database.user and database.password",
                e.message
            ),
        ),
        Error::Server(e) if NO_PRIVILEGE.contains(&e.code) => TaskError::fail(
            "MYSQL-PRIVILEGE",
            format!(
                "{doing}: {}; grant SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE and REPLICATION CLIENT",
                e.message
            ),
        ),
        Error::Server(e) if e.code == NO_BINLOG => off(doing, &e.message),
        Error::Server(e) if e.code == BINLOG_READ => binlog(doing, &e.message),
        Error::Server(e) if e.code == LOCK_TIMEOUT => TaskError::retry(
            "MYSQL-LOCK-TIMEOUT",
            format!(
                "{doing}: {}; raise snapshot.lock.timeout.ms or set snapshot.locking.mode=none",
                e.message
            ),
        ),
        Error::Server(e) if PASSING.contains(&e.code) => TaskError::retry(
            "MYSQL-SERVER-BUSY",
            format!("{doing}: {} ({})", e.message, e.code),
        ),
        Error::Server(e) => TaskError::fail(
            "MYSQL-SERVER-ERROR",
            format!("{doing}: {} ({})", e.message, e.code),
        ),
        // MySQL answers an unknown user with an authentication method of its choice, so that users cannot be guessed.
        Error::Driver(DriverError::UnknownAuthPlugin { name }) => TaskError::fail(
            "MYSQL-ACCESS-DENIED",
            format!(
                "{doing}: the server asks for the authentication method {name}, which is not supported here; check \
                 database.user (an unknown one looks like this), or give the user caching_sha2_password"
            ),
        ),
        Error::Url(e) => TaskError::fail("MYSQL-OPTIONS", format!("{doing}: {e}")),
        other => TaskError::retry(
            "MYSQL-CONNECTION",
            format!(
                "{doing}: {other}; check that the server runs and that database.hostname and database.port reach it"
            ),
        ),
    }
}

/// Error 1236 has many causes, told apart by its text.
fn binlog(doing: &str, message: &str) -> TaskError {
    let text = message.to_ascii_lowercase();
    if text.contains("same server_uuid/server_id") || text.contains("same server id") {
        return TaskError::fail(
            "MYSQL-SERVER-ID-CLASH",
            format!(
                "{doing}: {message}; give every connector and replica a database.server.id of its own"
            ),
        );
    }
    let purged = [
        "purged",
        "could not find first log file",
        "could not open log file",
        "missing transactions",
    ];
    if purged.iter().any(|p| text.contains(p)) {
        return TaskError::fail(
            "MYSQL-BINLOG-PURGED",
            format!(
                "{doing}: {message}; the server no longer has this part of the binlog: set snapshot.mode=when_needed to take a new snapshot"
            ),
        );
    }
    if text.contains("binary log is not open") {
        return off(doing, message);
    }
    TaskError::fail("MYSQL-BINLOG", format!("{doing}: {message}"))
}

/// The server writes no binlog (any more).
fn off(doing: &str, message: &str) -> TaskError {
    TaskError::fail(
        "MYSQL-BINLOG-OFF",
        format!(
            "{doing}: {message}; the server has log_bin=OFF: start it with --log-bin, then take a new snapshot (delete the \
             offsets), for changes made without it are nowhere"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::error::Disposition;
    use mysql_async::ServerError;

    #[test]
    fn errors_say_what_to_do() {
        let server = |code, message: &str| {
            Error::Server(ServerError {
                code,
                message: message.to_owned(),
                state: "HY000".to_owned(),
            })
        };
        let cases = [
            (
                server(1045, "Access denied"),
                "MYSQL-ACCESS-DENIED",
                Disposition::Fail,
                "database.password",
            ),
            (
                Error::Driver(DriverError::UnknownAuthPlugin {
                    name: "sha256_password".to_owned(),
                }),
                "MYSQL-ACCESS-DENIED",
                Disposition::Fail,
                "database.user",
            ),
            (
                server(1227, "you need RELOAD"),
                "MYSQL-PRIVILEGE",
                Disposition::Fail,
                "grant",
            ),
            (
                server(
                    1236,
                    "A slave with the same server_uuid/server_id as this slave has connected",
                ),
                "MYSQL-SERVER-ID-CLASH",
                Disposition::Fail,
                "database.server.id",
            ),
            (
                server(
                    1236,
                    "Could not find first log file name in binary log index file",
                ),
                "MYSQL-BINLOG-PURGED",
                Disposition::Fail,
                "when_needed",
            ),
            (
                server(1381, "You are not using binary logging"),
                "MYSQL-BINLOG-OFF",
                Disposition::Fail,
                "--log-bin",
            ),
            (
                server(1236, "Binary log is not open"),
                "MYSQL-BINLOG-OFF",
                Disposition::Fail,
                "log_bin=OFF",
            ),
            (
                server(1040, "Too many connections"),
                "MYSQL-SERVER-BUSY",
                Disposition::Retry,
                "Too many",
            ),
            (
                server(
                    1412,
                    "Table definition has changed, please retry transaction",
                ),
                "MYSQL-SERVER-BUSY",
                Disposition::Retry,
                "retry transaction",
            ),
        ];
        for (error, code, disposition, word) in cases {
            let got = task_error(&Doing::new("testing"), error);
            assert_eq!((got.code, got.disposition), (code, disposition));
            assert!(
                got.message.starts_with("testing: ") && got.message.contains(word),
                "{got}"
            );
        }
    }
}
