//! A session on the real MySQL, as its administrator.
//!
//! Statements run in one session, so that SET and START TRANSACTION carry over. Invariant: a failed statement fails the
//! test with its text.

use crate::services;
use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;
use tokio::runtime::Runtime;

/// Databases that belong to the server.
const SYSTEM: [&str; 4] = ["mysql", "sys", "information_schema", "performance_schema"];

/// One session.
#[derive(Debug)]
pub struct Session {
    runtime: Runtime,
    connection: Option<mysql_async::Conn>,
}

impl Session {
    /// Connects as `root` to the server that `cargo x` started.
    pub fn open() -> Result<Self> {
        let (host, port) = services::mysql()?;
        Self::open_as(&host, port, "root", "")
    }
    /// Connects as somebody else.
    pub fn open_as(host: &str, port: u16, user: &str, password: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let options = mysql_async::OptsBuilder::default()
            .ip_or_hostname(host)
            .tcp_port(port)
            .user(Some(user))
            .pass((!password.is_empty()).then_some(password))
            .prefer_socket(false);
        let connection = runtime
            .block_on(mysql_async::Conn::new(options))
            .with_context(|| format!("connecting to MySQL at {host}:{port} as {user}"))?;
        Ok(Self {
            runtime,
            connection: Some(connection),
        })
    }
    fn connection(&mut self) -> Result<(&Runtime, &mut mysql_async::Conn)> {
        let connection = self.connection.as_mut().context("the session is closed")?;
        Ok((&self.runtime, connection))
    }
    /// Runs a statement.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        let (runtime, c) = self.connection()?;
        let head: String = sql.chars().take(400).collect();
        runtime
            .block_on(c.query_drop(sql))
            .with_context(|| format!("running {head}"))
    }
    /// Runs a script: statements end with `;` at the end of a line.
    pub fn script(&mut self, sql: &str) -> Result<()> {
        statements(sql).try_for_each(|s| self.run(s))
    }
    /// Rows of texts.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let (runtime, c) = self.connection()?;
        let rows: Vec<mysql_async::Row> = runtime
            .block_on(c.query(sql))
            .with_context(|| format!("running {sql}"))?;
        let text = |r: &mysql_async::Row, i| {
            r.get::<Option<Vec<u8>>, _>(i)
                .flatten()
                .map(|b| String::from_utf8_lossy(&b).into_owned())
        };
        Ok(rows
            .iter()
            .map(|r| (0..r.len()).map(|i| text(r, i)).collect())
            .collect())
    }
    /// The first column of the first row.
    pub fn one(&mut self, sql: &str) -> Result<String> {
        let first = self
            .query(sql)?
            .into_iter()
            .next()
            .and_then(|r| r.into_iter().next().flatten());
        first.with_context(|| format!("{sql}: no row"))
    }
    /// Drops all databases that are not the server's own.
    pub fn drop_user_databases(&mut self) -> Result<()> {
        for row in self.query("SHOW DATABASES")? {
            if let Some(name) = row
                .into_iter()
                .next()
                .flatten()
                .filter(|n| !SYSTEM.contains(&n.as_str()))
            {
                self.run(&format!("DROP DATABASE `{name}`"))?;
            }
        }
        Ok(())
    }
    /// The configuration keys of a MySQL connector on this server, as the notebook posts them.
    pub fn connector_keys() -> Result<Vec<(&'static str, String)>> {
        let (host, port) = services::mysql()?;
        Ok(vec![
            (
                "connector.class",
                "io.debezium.connector.mysql.MySqlConnector".to_owned(),
            ),
            ("tasks.max", "1".to_owned()),
            ("database.hostname", host),
            ("database.port", port.to_string()),
            ("database.user", "debezium".to_owned()),
            ("database.password", "dbz".to_owned()),
        ])
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(c) = self.connection.take() {
            // The server notices a closed socket by itself; a failed goodbye changes nothing.
            drop(self.runtime.block_on(c.disconnect()));
        }
    }
}

/// The statements of a script.
pub fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n")
        .map(|s| s.trim().trim_end_matches(';'))
        .filter(|s| !s.is_empty())
}
