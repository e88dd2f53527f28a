//! Statements as parsed: only what changes table definitions, names unquoted, nothing resolved.
//!
//! Nothing here looks at existing tables; `apply` does.

use crate::table::{ColumnType, DefaultValue, Generation};

/// A table's name as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Database, if written.
    pub database: Option<String>,
    /// Table.
    pub table: String,
}

/// Character set and collation as written; `default` in either means the surrounding default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charset {
    /// CHARACTER SET.
    pub charset: Option<String>,
    /// COLLATE.
    pub collation: Option<String>,
}

impl Charset {
    /// Whether neither is written.
    pub fn is_empty(&self) -> bool {
        self.charset.is_none() && self.collation.is_none()
    }
}

/// A column's type as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataType {
    /// Words in capitals with modifiers, as Debezium names the type.
    pub name: String,
    /// What MySQL stores, before lengths of TEXT and BLOB and the binary character set tell.
    pub ty: ColumnType,
    /// Number of `java.sql.Types`.
    pub jdbc: i32,
    /// Length or precision.
    pub length: Option<i32>,
    /// Scale.
    pub scale: Option<i32>,
    /// UNSIGNED or ZEROFILL.
    pub unsigned: bool,
    /// ZEROFILL.
    pub zerofill: bool,
    /// Character set and collation given with the type.
    pub charset: Charset,
    /// BINARY behind a text type: the character set's `_bin` collation.
    pub binary: bool,
    /// ENUM and SET members with quotes.
    pub values: Vec<String>,
    /// SERIAL: BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE.
    pub serial: bool,
}

/// A column definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDef {
    /// Name.
    pub name: String,
    /// Type.
    pub data_type: DataType,
    /// `Some(true)` for NULL, `Some(false)` for NOT NULL.
    pub null: Option<bool>,
    /// DEFAULT; `DefaultValue::None` when not written.
    pub default: DefaultValue,
    /// 16 or 2 when the default is the digits of a hexadecimal or bit literal.
    pub default_radix: Option<u32>,
    /// ON UPDATE CURRENT_TIMESTAMP.
    pub on_update: bool,
    /// AUTO_INCREMENT or SERIAL.
    pub auto_increment: bool,
    /// PRIMARY KEY behind the column.
    pub primary: bool,
    /// UNIQUE behind the column.
    pub unique: bool,
    /// COMMENT.
    pub comment: Option<String>,
    /// GENERATED ALWAYS AS.
    pub generation: Option<Generation>,
    /// INVISIBLE.
    pub invisible: bool,
    /// MariaDB: a column with its own REFERENCES gets an index.
    pub references: bool,
}

/// What an index is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// PRIMARY KEY.
    Primary,
    /// UNIQUE.
    Unique,
    /// Any other index.
    Plain,
    /// FOREIGN KEY: makes an index where none serves it.
    Foreign,
}

/// An index definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDef {
    /// Kind.
    pub kind: KeyKind,
    /// Name, if written.
    pub name: Option<String>,
    /// Column names; `None` for an expression.
    pub parts: Vec<Option<String>>,
    /// IF NOT EXISTS (MariaDB).
    pub if_not_exists: bool,
}

/// What stands between the brackets of CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// A column.
    Column(Box<ColumnDef>),
    /// An index or constraint that makes one.
    Key(KeyDef),
    /// CHECK, PERIOD and other things without columns or indexes.
    Other,
}

/// Options of CREATE and ALTER TABLE that matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Default character set.
    pub charset: Charset,
    /// COMMENT.
    pub comment: Option<String>,
}

/// CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTable {
    /// Name.
    pub name: TableName,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// LIKE.
    pub like: Option<TableName>,
    /// Columns and keys in order.
    pub elements: Vec<Element>,
    /// Options.
    pub options: TableOptions,
    /// Whether a SELECT gives (more) columns.
    pub select: bool,
}

/// FIRST or AFTER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At the front.
    First,
    /// Behind a column.
    After(String),
}

/// One clause of ALTER TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are MySQL's clauses of that name")]
pub enum AlterAction {
    AddColumn {
        column: Box<ColumnDef>,
        place: Option<Place>,
        if_not_exists: bool,
    },
    Add(Vec<Element>),
    ChangeColumn {
        from: String,
        column: Box<ColumnDef>,
        place: Option<Place>,
        if_exists: bool,
    },
    DropColumn(String),
    RenameColumn {
        from: String,
        to: String,
        if_exists: bool,
    },
    SetDefault {
        column: String,
        default: DefaultValue,
        radix: Option<u32>,
    },
    DropDefault(String),
    SetInvisible {
        column: String,
        invisible: bool,
    },
    DropPrimaryKey,
    DropKey(String),
    DropConstraint(String),
    RenameKey {
        from: String,
        to: String,
    },
    RenameTable(TableName),
    Convert(Charset),
    Options(TableOptions),
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the variants are MySQL's statements of that name"
)]
pub enum Statement {
    CreateTable(Box<CreateTable>),
    AlterTable {
        name: TableName,
        actions: Vec<AlterAction>,
    },
    /// `prefix` is the text up to the first name, `suffix` RESTRICT or CASCADE.
    DropTable {
        names: Vec<TableName>,
        prefix: String,
        suffix: Option<&'static str>,
    },
    /// `prefix` as above; each pair with its own text.
    RenameTable {
        pairs: Vec<(TableName, TableName, String)>,
        prefix: String,
    },
    TruncateTable(TableName),
    CreateDatabase {
        name: String,
        charset: Charset,
    },
    AlterDatabase {
        name: Option<String>,
        charset: Charset,
    },
    DropDatabase(String),
    CreateIndex {
        table: TableName,
        key: KeyDef,
    },
    DropIndex {
        table: TableName,
        name: String,
    },
    Use(String),
    /// Names in lower case without scope, values as written without quotes.
    Set(Vec<(String, String)>),
    /// Nothing that changes a table's definition.
    Irrelevant,
}
