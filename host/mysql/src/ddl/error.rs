//! Why a statement could not be followed, with what its reader needs to decide: does it touch a
//! table I capture?

use crate::table::{TableId, TooManyTables};

/// A statement that could not be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "following ddl on {}: {kind} at byte {offset} of {head:?}; re-read the table's schema \
     (snapshot.mode=recovery) or set schema.history.internal.skip.unparseable.ddl",
    Names(.tables)
)]
pub struct DdlError {
    /// What went wrong; boxed to keep results small.
    pub kind: Box<DdlErrorKind>,
    /// Byte of the statement where it showed.
    pub offset: usize,
    /// The statement's first [`DdlError::HEAD_CHARS`] characters.
    pub head: String,
    /// Tables the statement seems to be about, with the session's database filled in; empty when
    /// none could be recognised, which then may mean any table.
    pub tables: Vec<TableId>,
}

impl DdlError {
    /// Characters of the statement kept in the error.
    pub const HEAD_CHARS: usize = 200;
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DdlErrorKind {
    /// The grammar wants something else.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A quote or comment without its end.
    #[error("{0} without its end")]
    Open(&'static str),
    /// The type is none that is known.
    #[error("unknown type {0:?}")]
    UnknownType(String),
    /// A column the statement names is not in the table as it is known here.
    #[error("no column {column:?} in {table}")]
    NoColumn {
        /// The table.
        table: TableId,
        /// The column.
        column: String,
    },
    /// The statement is longer than the bound, in bytes.
    #[error("statement longer than {0} bytes")]
    TooLong(usize),
    /// More of something than any server accepts.
    #[error("more than {limit} {unit}")]
    TooMany {
        /// The bound.
        limit: usize,
        /// Its unit.
        unit: &'static str,
    },
    /// `CREATE TABLE … SELECT` logged as a statement: its columns are those of a query.
    #[error("columns that come from a query")]
    Select,
    /// The catalogue is full.
    #[error(transparent)]
    Full(#[from] TooManyTables),
}

struct Names<'a>(&'a [TableId]);

impl std::fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [] => f.write_str("an unknown table"),
            [first, rest @ ..] => {
                write!(f, "{first}")?;
                rest.iter().take(9).try_for_each(|id| write!(f, ", {id}"))
            }
        }
    }
}
