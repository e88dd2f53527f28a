//! The structure of all tables, as statements in Debezium's order.
//!
//! SET of the server's character set, DROP TABLE for every table of every database but the server's own, then for each
//! database DROP, CREATE and USE and its tables. Source: `BinlogSnapshotChangeEventSource.readTableStructure`.
//! Invariant: statements are read under the lock and recorded after it, so that a slow history holds no lock.

use crate::connection::{Doing, quoted, task_error};
use crate::ddl::Session;
use crate::event::{Marker, Origin, Place, now_ns};
use crate::position::Base;
use crate::reader::{Reader, Stop};
use crate::table::TableId;
use host_core::error::TaskError;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, Row};
use std::collections::HashMap;
use std::sync::Arc;

/// A statement and its database.
pub(super) struct Statement {
    database: String,
    sql: String,
}

/// Base tables of all databases, in no order.
pub(super) async fn all_tables(conn: &mut Conn) -> Result<Vec<TableId>, Error> {
    let databases: Vec<String> = conn.query("SHOW DATABASES").await?;
    let mut all = Vec::new();
    for database in databases {
        let query = format!(
            "SHOW FULL TABLES IN {} WHERE Table_Type = 'BASE TABLE'",
            quoted(&database)
        );
        match conn.query::<(String, String), _>(query).await {
            Ok(tables) => all.extend(
                tables
                    .into_iter()
                    .map(|(t, _)| TableId::new(database.clone(), t)),
            ),
            // A folder in the data directory that is no database (DBZ-164).
            Err(Error::Server(e)) => {
                tracing::warn!(database, error = %e.message, "skipped a database");
            }
            Err(e) => return Err(e),
        }
    }
    Ok(all)
}

/// Reads the statements.
pub(super) async fn read(
    conn: &mut Conn,
    reader: &Reader,
    tables: &[TableId],
) -> Result<Vec<Statement>, TaskError> {
    let failed = |e| task_error(&Doing::new("reading the structure of the tables"), e);
    let config = &reader.config;
    let mut eligible: Vec<&TableId> = tables
        .iter()
        .filter(|id| !crate::config::is_system_database(&id.database))
        .filter(|id| !config.history.only_captured_tables || config.tables.captures(id))
        .filter(|id| {
            !config.history.only_captured_databases || config.tables.captures_database(&id.database)
        })
        .collect();
    eligible.sort_by_cached_key(|id| id.to_string());
    let mut out = vec![Statement {
        database: String::new(),
        sql: server_charset(conn).await.map_err(failed)?,
    }];
    out.extend(eligible.iter().map(|id| Statement {
        database: id.database.clone(),
        sql: format!("DROP TABLE IF EXISTS {}", id.to_backtick_quoted()),
    }));
    let locales = database_charsets(conn).await.map_err(failed)?;
    let mut databases: Vec<&str> = Vec::new();
    for id in &eligible {
        if !databases.contains(&id.database.as_str()) {
            databases.push(&id.database);
        }
    }
    for database in databases {
        let name = quoted(database);
        let charset = locales
            .get(database)
            .map_or_else(String::new, |(c, l)| format!(" CHARSET {c} COLLATE {l}"));
        let statement = |sql| Statement {
            database: database.to_owned(),
            sql,
        };
        out.push(statement(format!("DROP DATABASE IF EXISTS {name}")));
        out.push(statement(format!("CREATE DATABASE {name}{charset}")));
        out.push(statement(format!("USE {name}")));
        for id in eligible.iter().filter(|id| id.database == database) {
            let show = format!("SHOW CREATE TABLE {name}.{}", quoted(&id.table));
            match conn.query_first::<Row, _>(show).await {
                Ok(Some(row)) => out.extend(
                    row.get_opt::<String, _>(1)
                        .and_then(Result::ok)
                        .map(statement),
                ),
                Ok(None) => {}
                Err(Error::Server(e)) if !config.tables.captures(id) => {
                    tracing::warn!(table = %id, error = %e.message, "skipped the structure of a table that is not captured");
                }
                Err(e) => return Err(failed(e)),
            }
        }
    }
    Ok(out)
}

async fn server_charset(conn: &mut Conn) -> Result<String, Error> {
    let mut rows: Vec<(String, String)> = conn
        .query("SHOW VARIABLES WHERE Variable_name IN ('character_set_server','collation_server')")
        .await?;
    rows.sort();
    let all: Vec<String> = rows
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(format!("SET {}", all.join(", ")))
}

async fn database_charsets(conn: &mut Conn) -> Result<HashMap<String, (String, String)>, Error> {
    let rows: Vec<(String, String, String)> = conn
        .query("SELECT schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata")
        .await?;
    Ok(rows
        .into_iter()
        .map(|(name, charset, collation)| (name, (charset, collation)))
        .collect())
}

/// Applies the statements, records them and shows them, all with the offset of this base and place; the last one ends the
/// snapshot where no rows follow.
pub(super) async fn record(
    reader: &mut Reader,
    statements: Vec<Statement>,
    (base, place): (&Base, Place),
    rows_follow: bool,
) -> Result<(), Stop> {
    let mut left = statements.len();
    for statement in statements {
        left -= 1;
        let session = Session {
            database: statement.database,
            ..reader.facts.session.clone()
        };
        let ts_ns = now_ns();
        let changes = match reader.structure.apply(&statement.sql, &session) {
            Ok(changes) => changes,
            Err(e) if unimportant(reader, &e.tables) => {
                tracing::warn!(error = %e, "skipped the structure of a table that is not captured");
                continue;
            }
            Err(e) => return Err(TaskError::fail("MYSQL-DDL", e.to_string()).into()),
        };
        let ends = left == 0 && !rows_follow;
        let count = changes.len();
        for (at, change) in changes.into_iter().enumerate() {
            let last = ends && at + 1 == count;
            let origin = Origin {
                ts_ns,
                marker: if last { Marker::Last } else { Marker::True },
                db: change.database.as_str().into(),
                table: change.source_table.as_deref().map(Into::into),
                gtid: None,
                file: Arc::clone(&base.file),
                pos: base.pos,
                server_id: 0,
                thread: None,
                query: None,
            };
            reader.schema_change(&change, &origin, base, place).await?;
        }
    }
    Ok(())
}

fn unimportant(reader: &Reader, tables: &[TableId]) -> bool {
    reader.config.history.skip_unparseable
        || (!tables.is_empty() && !tables.iter().any(|id| reader.config.tables.captures(id)))
}
