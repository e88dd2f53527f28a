//! `Tables`: every table definition and database default known at one point of the binlog.
//!
//! It keeps what DDL told it and nothing else: it never reads the server and never forgets a
//! table by itself. Invariant: at most [`Tables::MAX_TABLES`] tables, refused rather than evicted;
//! ids are already folded by the identifier-case rule.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Table, TableId};

/// More tables than a connector holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "adding table {table} to the schema catalogue: it holds {limit} tables already; capture fewer \
     databases or set schema.history.internal.store.only.captured.tables.ddl"
)]
pub struct TooManyTables {
    /// The table that did not fit.
    pub table: TableId,
    /// The bound.
    pub limit: usize,
}

/// The schema catalogue (`io.debezium.relational.Tables` with the parser's
/// `charsetNameForDatabase` and server variables).
#[derive(Debug, Clone, Default)]
pub struct Tables {
    tables: HashMap<TableId, Arc<Table>>,
    database_charsets: BTreeMap<String, String>,
    server_charset: Option<String>,
    fold_names: bool,
}

impl Tables {
    /// Most tables held, in tables.
    pub const MAX_TABLES: usize = 1_000_000;

    /// An empty catalogue for a server with this `lower_case_table_names` (0: names as written;
    /// 1 and 2: compared without case, kept in lower case as row events carry them with 1).
    pub fn new(lower_case_table_names: u8) -> Self {
        Self {
            fold_names: lower_case_table_names != 0,
            ..Self::default()
        }
    }

    /// A name under the identifier-case rule for databases and tables.
    pub fn fold(&self, name: &str) -> String {
        if self.fold_names {
            name.to_lowercase()
        } else {
            name.to_owned()
        }
    }

    /// An id under the identifier-case rule.
    pub fn id(&self, database: &str, table: &str) -> TableId {
        TableId {
            database: self.fold(database),
            table: self.fold(table),
        }
    }

    /// The table, if known.
    pub fn get(&self, id: &TableId) -> Option<&Arc<Table>> {
        self.tables.get(id)
    }

    /// The table by the names of a row event's table map.
    pub fn find(&self, database: &str, table: &str) -> Option<&Arc<Table>> {
        self.tables.get(&self.id(database, table))
    }

    /// All tables, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }

    /// Number of tables.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether no table is known.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Adds or replaces a table under its own id.
    pub fn put(&mut self, table: impl Into<Arc<Table>>) -> Result<Arc<Table>, TooManyTables> {
        let table = table.into();
        if self.tables.len() >= Self::MAX_TABLES && !self.tables.contains_key(&table.id) {
            return Err(TooManyTables {
                table: table.id.clone(),
                limit: Self::MAX_TABLES,
            });
        }
        self.tables.insert(table.id.clone(), Arc::clone(&table));
        Ok(table)
    }

    /// Forgets a table.
    pub fn remove(&mut self, id: &TableId) -> Option<Arc<Table>> {
        self.tables.remove(id)
    }

    /// Forgets every table of a database and its default character set.
    pub fn remove_database(&mut self, database: &str) {
        let database = self.fold(database);
        self.tables.retain(|id, _| id.database != database);
        self.database_charsets.remove(&database);
    }

    /// Gives a table another id; false when it is not known.
    pub fn rename(&mut self, from: &TableId, to: TableId) -> bool {
        let Some(table) = self.tables.remove(from) else {
            return false;
        };
        let mut table = Arc::unwrap_or_clone(table);
        table.id = to.clone();
        self.tables.insert(to, Arc::new(table));
        true
    }

    /// Default character set of a database, else the server's.
    pub fn charset_of(&self, database: &str) -> Option<&str> {
        self.database_charsets
            .get(&self.fold(database))
            .map(String::as_str)
            .or(self.server_charset.as_deref())
    }

    /// Records a database's default character set.
    pub fn set_database_charset(&mut self, database: &str, charset: impl Into<String>) {
        let database = self.fold(database);
        self.database_charsets.insert(database, charset.into());
    }

    /// `character_set_server`.
    pub fn server_charset(&self) -> Option<&str> {
        self.server_charset.as_deref()
    }

    /// Records `character_set_server`.
    pub fn set_server_charset(&mut self, charset: impl Into<String>) {
        self.server_charset = Some(charset.into());
    }
}
