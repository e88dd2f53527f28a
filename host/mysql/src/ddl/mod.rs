//! DDL of MySQL 5.7 to 9.x and MariaDB: text to statements to changed table definitions.
//!
//! Three steps: `lexer` (tokens), `parser` (a [`Statement`]), `apply` (changes to
//! [`crate::table::Tables`], split into the [`SchemaChange`]s Debezium writes). It understands
//! what changes a table's columns and keys and skips the rest by balanced brackets: partitions,
//! storage options, expressions. It never executes, logs, or touches the server.
//!
//! Invariant: no input panics or recurses; work is linear in the statement, which is bounded by
//! [`MAX_STATEMENT_BYTES`]; a statement that fails leaves `Tables` as it was.

mod apply;
mod charset;
mod error;
mod filter;
pub(crate) mod java_set;
mod lexer;
mod parser;
mod statement;
#[cfg(test)]
mod tests;

pub(crate) use apply::stored_type;
pub use apply::{SchemaChange, SchemaChangeKind, apply};
pub use charset::charset_of_collation;
pub use error::{DdlError, DdlErrorKind};
pub use filter::is_filtered;
pub use parser::{parse, table_names};
pub use statement::Statement;

/// Longest statement read, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 32 << 20;

/// What the server's session had set when it ran the statement; a query event's status variables
/// carry most of it.
#[derive(Debug, Clone)]
pub struct Session {
    /// Default database of the session, empty for none.
    pub database: String,
    /// `sql_mode` has ANSI_QUOTES: `"x"` is a name.
    pub ansi_quotes: bool,
    /// `sql_mode` has NO_BACKSLASH_ESCAPES.
    pub no_backslash_escapes: bool,
    /// `sql_mode` has REAL_AS_FLOAT.
    pub real_as_float: bool,
    /// MySQL's `explicit_defaults_for_timestamp` (on since 8.0).
    pub explicit_timestamp: bool,
    /// The server's version as in `/*!80023 */`; comments for later ones are skipped. To be set
    /// for MariaDB 10 and later, whose numbers start at 100000.
    pub version: u32,
    /// Whether the server is MariaDB: `/*M! */` counts, `/*!50700` to `/*!99999` do not.
    pub mariadb: bool,
    /// `collation_server` or the query event's `charset_database`, where known: the character set
    /// of databases that have no other.
    pub default_charset: Option<String>,
}

impl Session {
    /// A session of a current MySQL with default settings.
    pub fn new(database: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            ansi_quotes: false,
            no_backslash_escapes: false,
            real_as_float: false,
            explicit_timestamp: true,
            version: 99_998,
            mariadb: false,
            default_charset: None,
        }
    }

    /// Takes ANSI_QUOTES, NO_BACKSLASH_ESCAPES and REAL_AS_FLOAT from a query event's `sql_mode`
    /// bits (`sql/query_options.h`: 1 << 2, 1 << 20, 1 << 0).
    #[must_use]
    pub fn with_sql_mode(mut self, bits: u64) -> Self {
        self.ansi_quotes = bits & (1 << 2) != 0;
        self.no_backslash_escapes = bits & (1 << 20) != 0;
        self.real_as_float = bits & 1 != 0;
        self
    }
}
