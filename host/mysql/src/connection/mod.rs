//! Reaching the server: TLS, authentication, time-outs, and what went wrong in words.
//!
//! `mysql_async` speaks SQL and `dump` the binlog; here are its options from Debezium's keys and its errors as task errors. It knows
//! neither snapshots nor the binlog. Invariant: no connection is opened to a host the tenant may not reach, and no
//! password shows in an error.

mod error;
mod preflight;

pub use error::{Doing, task_error};
pub use preflight::preflight;

use crate::config::{ServerConfig, SslMode};
use crate::dump::Dump;
use host_core::access::Access;
use host_core::error::TaskError;
use mysql_async::prelude::Queryable as _;
use mysql_async::{ClientIdentity, Conn, DriverError, Error, Opts, OptsBuilder, SslOpts};
use mysql_common::packets::binlog_request::BinlogRequest;
use std::path::PathBuf;

/// Largest packet taken, in bytes: MySQL's own upper bound.
const PACKET_BYTES_MAX: usize = 1 << 30;
/// Bytes of character `;` are never needed here: statements are sent one by one.
const IDLE_S_MAX: usize = 28_800;

/// A server, as a connector may reach it.
#[derive(Debug, Clone)]
pub struct Server {
    /// How.
    pub config: ServerConfig,
}

impl Server {
    /// Opens a connection whose session uses UTC and UTF-8.
    pub async fn connect(&self, access: &Access) -> Result<Conn, TaskError> {
        self.check_allowed(access)?;
        let c = &self.config;
        let first = self.try_connect(c.ssl_mode != SslMode::Disabled).await;
        let plain = matches!(
            &first,
            Err(Error::Driver(DriverError::NoClientSslFlagFromServer))
        );
        let got = if plain && c.ssl_mode == SslMode::Preferred {
            self.try_connect(false).await
        } else {
            first
        };
        got.map_err(|e| task_error(&Doing::connecting(c), e))
    }

    /// Opens a connection over which the server sends its binlog.
    pub(crate) async fn dump(
        &self,
        access: &Access,
        settings: &[String],
        request: &BinlogRequest<'_>,
    ) -> Result<Dump, TaskError> {
        self.check_allowed(access)?;
        let opened = Box::pin(Dump::open(&self.config, settings, request)).await;
        opened.map_err(|e| task_error(&Doing::connecting(&self.config), e))
    }

    fn check_allowed(&self, access: &Access) -> Result<(), TaskError> {
        let c = &self.config;
        if access.allows_database(&c.host, c.port) {
            return Ok(());
        }
        Err(TaskError::fail(
            "MYSQL-HOST-NOT-ALLOWED",
            format!(
                "connecting to {}:{}: this host is not among the database hosts of your tenant; ask the operator to add it",
                c.host, c.port
            ),
        ))
    }

    async fn try_connect(&self, tls: bool) -> Result<Conn, Error> {
        let connect = Conn::new(self.options(tls));
        match tokio::time::timeout(self.config.connect_timeout, Box::pin(connect)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Io(mysql_async::IoError::Io(std::io::Error::new(
                std::io::ErrorKind::TimedOut,
                format!(
                    "no answer within {} ms",
                    self.config.connect_timeout.as_millis()
                ),
            )))),
        }
    }

    fn options(&self, tls: bool) -> Opts {
        let c = &self.config;
        let mut init = vec!["SET time_zone='+00:00'".to_owned()];
        init.extend(c.initial_statements.iter().cloned());
        OptsBuilder::default()
            .ip_or_hostname(c.host.clone())
            .tcp_port(c.port)
            .user(Some(c.user.clone()))
            .pass(Some(c.password.expose().to_owned()))
            .ssl_opts(tls.then(|| self.tls()))
            .tcp_keepalive(c.keep_alive)
            .prefer_socket(false)
            .max_allowed_packet(Some(PACKET_BYTES_MAX))
            .wait_timeout(Some(IDLE_S_MAX))
            .init(init)
            .into()
    }

    fn tls(&self) -> SslOpts {
        let c = &self.config;
        let unchecked = matches!(c.ssl_mode, SslMode::Preferred | SslMode::Required);
        let mut tls = SslOpts::default()
            .with_danger_accept_invalid_certs(unchecked)
            .with_danger_skip_domain_validation(c.ssl_mode != SslMode::VerifyIdentity);
        if let Some(file) = &c.ssl_roots {
            tls = tls
                .with_root_certs(vec![PathBuf::from(file).into()])
                .with_disable_built_in_roots(true);
        }
        if let Some(file) = &c.ssl_identity {
            let file = PathBuf::from(file);
            tls = tls
                .with_client_identity(Some(ClientIdentity::new(file.clone().into(), file.into())));
        }
        tls
    }
}

/// What the server says about its binlog.
#[derive(Debug, Clone)]
pub struct BinlogStatus {
    /// File being written.
    pub file: String,
    /// Its length.
    pub pos: u64,
    /// `gtid_executed`, where GTIDs are on.
    pub gtids: Option<String>,
}

/// `SHOW BINARY LOG STATUS`, by its name before 8.2 where that one is not known.
pub async fn binlog_status(conn: &mut Conn) -> Result<Option<BinlogStatus>, Error> {
    const PARSE_ERROR: u16 = 1064;
    type Row = mysql_async::Row;
    let row: Option<Row> = match conn.query_first("SHOW BINARY LOG STATUS").await {
        Err(Error::Server(e)) if e.code == PARSE_ERROR => {
            conn.query_first("SHOW MASTER STATUS").await?
        }
        other => other?,
    };
    Ok(row.and_then(|row| {
        Some(BinlogStatus {
            file: row.get_opt::<String, _>(0)?.ok()?,
            pos: row.get_opt::<u64, _>(1)?.ok()?,
            gtids: row
                .get_opt::<Option<String>, _>(4)
                .and_then(Result::ok)
                .flatten()
                .map(|set| set.replace(['\n', '\r'], "")),
        })
    }))
}

/// A global variable, `None` where the server does not know it.
pub async fn variable(conn: &mut Conn, name: &str) -> Result<Option<String>, Error> {
    let row: Option<(String, String)> = conn
        .query_first(format!("SHOW GLOBAL VARIABLES LIKE '{name}'"))
        .await?;
    Ok(row.map(|(_, value)| value))
}

/// A name between backticks.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
