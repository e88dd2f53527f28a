//! The current definition of a MySQL table, in the terms Debezium's relational model uses
//! (`io.debezium.relational.{TableId,Table,Column}`), plus what decoding needs and Debezium
//! drops: the true storage type, indexes by name, generated and invisible columns.
//!
//! It does not parse DDL (`ddl`), read the server, or know Kafka Connect schemas.
//!
//! Invariant: `columns[i].position == i + 1`, and every name in `primary_key` and in an index is
//! the exact name of a column of the table. [`Table::normalise`] restores both.

mod catalogue;
mod column;
#[cfg(test)]
mod tests;

pub use catalogue::{Tables, TooManyTables};
pub use column::{Column, ColumnType, DefaultValue, Generation, jdbc};

use std::fmt;

/// The name that MySQL gives a generated invisible primary key.
const GENERATED_KEY: &str = "my_row_id";

/// Database and table name, as MySQL writes them after its identifier-case rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId {
    /// Database (Debezium's catalog).
    pub database: String,
    /// Table name.
    pub table: String,
}

impl TableId {
    /// An id from its two names.
    pub fn new(database: impl Into<String>, table: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            table: table.into(),
        }
    }

    /// `"db"."table"`, the `id` of Debezium's history records (`TableId.toDoubleQuotedString`).
    pub fn to_double_quoted(&self) -> String {
        self.quoted('"')
    }

    /// `` `db`.`table` ``, as Debezium rewrites `DROP TABLE` (`TableId.toQuotedString`).
    pub fn to_backtick_quoted(&self) -> String {
        self.quoted('`')
    }

    fn quoted(&self, quote: char) -> String {
        let mut out = String::with_capacity(self.database.len() + self.table.len() + 5);
        if !self.database.is_empty() {
            push_quoted(&mut out, &self.database, quote);
            out.push('.');
        }
        push_quoted(&mut out, &self.table, quote);
        out
    }

    /// Reads `"db"."table"` or `db.table` (`TableId.parse`); `None` for anything without exactly
    /// one or two parts, or with an open quote. One part means no database.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = vec![String::new()];
        let mut open: Option<char> = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match open {
                Some(quote) if c == quote => {
                    if chars.peek() == Some(&quote) {
                        chars.next();
                        parts.last_mut()?.push(quote);
                    } else {
                        open = None;
                    }
                }
                Some(_) => parts.last_mut()?.push(c),
                None if matches!(c, '"' | '`') && parts.last()?.is_empty() => open = Some(c),
                None if c == '.' => parts.push(String::new()),
                None => parts.last_mut()?.push(c),
            }
        }
        if open.is_some() {
            return None;
        }
        match <[String; 2]>::try_from(parts) {
            Ok([database, table]) if !table.is_empty() => Some(Self { database, table }),
            Ok(_) => None,
            Err(mut one) if one.len() == 1 => {
                let table = one.pop().filter(|name| !name.is_empty())?;
                Some(Self {
                    database: String::new(),
                    table,
                })
            }
            Err(_) => None,
        }
    }
}

fn push_quoted(out: &mut String, name: &str, quote: char) {
    out.push(quote);
    for c in name.chars() {
        if c == quote {
            out.push(quote);
        }
        out.push(c);
    }
    out.push(quote);
}

/// `db.table`, for messages and filters.
impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.database.is_empty() {
            return f.write_str(&self.table);
        }
        write!(f, "{}.{}", self.database, self.table)
    }
}

/// An index other than the primary key. Kept by name so that `DROP INDEX` and MySQL's generated
/// names (`a`, `a_2`) resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The index's name.
    pub name: String,
    /// Whether it is UNIQUE.
    pub unique: bool,
    /// Key parts in order; `None` for an expression (functional key part).
    pub parts: Vec<Option<String>>,
    /// Made by MySQL for a foreign key; gives way to any later index that serves it.
    pub implied: bool,
}

/// Attribute of a table (`io.debezium.relational.Attribute`); MySQL tables have none, records
/// written by others may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Option<String>,
}

/// One table's definition at one point of the binlog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Name.
    pub id: TableId,
    /// Character set of columns that name none.
    pub default_charset: Option<String>,
    /// Declared primary key, column names in key order. A table read from a record of Debezium
    /// holds the effective key here, since the record does not tell the two apart.
    pub primary_key: Vec<String>,
    /// All other indexes in the order of their definition.
    pub indexes: Vec<Index>,
    /// Columns by position.
    pub columns: Vec<Column>,
    /// Table comment.
    pub comment: Option<String>,
    /// Debezium's table attributes, carried through unchanged.
    pub attributes: Vec<Attribute>,
}

impl Table {
    /// A table without columns.
    pub fn new(id: TableId) -> Self {
        Self {
            id,
            default_charset: None,
            primary_key: Vec::new(),
            indexes: Vec::new(),
            columns: Vec::new(),
            comment: None,
            attributes: Vec::new(),
        }
    }

    /// Column by name; MySQL compares column names without case.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.index_of(name).and_then(|at| self.columns.get(at))
    }

    /// Zero-based place of a column by name, without case.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| same_name(&column.name, name))
    }

    /// The columns of the message key in order: the primary key, else the first unique index
    /// whose parts are all columns that cannot be NULL, else none. Debezium keeps this as the
    /// table's `primaryKeyColumnNames` (`MySqlAntlrDdlParser.parseUniqueIndexColumnNames`).
    pub fn key_columns(&self) -> Vec<String> {
        if !self.primary_key.is_empty() {
            return self.primary_key.clone();
        }
        self.indexes
            .iter()
            .filter(|index| index.unique)
            .find_map(|index| self.not_null_parts(index))
            .unwrap_or_default()
    }

    fn not_null_parts(&self, index: &Index) -> Option<Vec<String>> {
        index
            .parts
            .iter()
            .map(|part| {
                let column = self.column(part.as_deref()?)?;
                (!column.optional).then(|| column.name.clone())
            })
            .collect()
    }

    /// Whether the first column has the shape of a generated invisible primary key, the INVISIBLE aside
    /// (MySQL 8.0.30, `sql_generate_invisible_primary_key`).
    pub fn begins_with_generated_key(&self) -> bool {
        let alone = matches!(&*self.primary_key, [name] if same_name(name, GENERATED_KEY));
        self.columns.first().is_some_and(|column| {
            alone
                && same_name(&column.name, GENERATED_KEY)
                && column.ty == ColumnType::BigInt
                && column.unsigned
                && column.auto_incremented
        })
    }

    /// Renumbers positions and drops key parts that no longer name a column.
    pub fn normalise(&mut self) {
        for (at, column) in self.columns.iter_mut().enumerate() {
            column.position = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        }
        let columns = &self.columns;
        let exact = |name: &str| {
            columns
                .iter()
                .find(|c| same_name(&c.name, name))
                .map(|c| c.name.clone())
        };
        self.primary_key = self
            .primary_key
            .iter()
            .filter_map(|name| exact(name))
            .collect();
        for index in &mut self.indexes {
            index.parts = std::mem::take(&mut index.parts)
                .into_iter()
                .filter_map(|part| match part {
                    Some(name) => exact(&name).map(Some),
                    None => Some(None),
                })
                .collect();
        }
        self.indexes.retain(|index| !index.parts.is_empty());
    }
}

/// MySQL's comparison of column and index names: Unicode letters without case.
pub fn same_name(a: &str, b: &str) -> bool {
    a == b
        || a.eq_ignore_ascii_case(b)
        || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}
