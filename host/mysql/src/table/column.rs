//! One column: Debezium's view of it (names and numbers that go into history records) beside the
//! type MySQL really stores (what a row event holds).
//!
//! The two differ on purpose: `REAL` is stored as DOUBLE, `TEXT(10)` as TINYTEXT, `BOOL` as
//! TINYINT(1), yet Debezium writes the words of the statement.

/// `java.sql.Types` values Debezium writes as `jdbcType`.
pub mod jdbc {
    /// BIT
    pub const BIT: i32 = -7;
    /// TINYINT
    pub const TINYINT: i32 = -6;
    /// BIGINT
    pub const BIGINT: i32 = -5;
    /// VARBINARY
    pub const VARBINARY: i32 = -3;
    /// BINARY
    pub const BINARY: i32 = -2;
    /// NCHAR
    pub const NCHAR: i32 = -15;
    /// NVARCHAR
    pub const NVARCHAR: i32 = -9;
    /// CHAR, also ENUM and SET
    pub const CHAR: i32 = 1;
    /// NUMERIC
    pub const NUMERIC: i32 = 2;
    /// DECIMAL
    pub const DECIMAL: i32 = 3;
    /// INTEGER, also MEDIUMINT and YEAR
    pub const INTEGER: i32 = 4;
    /// SMALLINT
    pub const SMALLINT: i32 = 5;
    /// FLOAT
    pub const FLOAT: i32 = 6;
    /// REAL
    pub const REAL: i32 = 7;
    /// DOUBLE
    pub const DOUBLE: i32 = 8;
    /// VARCHAR, also the TEXT family
    pub const VARCHAR: i32 = 12;
    /// BOOLEAN
    pub const BOOLEAN: i32 = 16;
    /// DATE
    pub const DATE: i32 = 91;
    /// TIME
    pub const TIME: i32 = 92;
    /// TIMESTAMP: MySQL's DATETIME
    pub const TIMESTAMP: i32 = 93;
    /// OTHER: JSON, VECTOR and the geometry family
    pub const OTHER: i32 = 1111;
    /// BLOB
    pub const BLOB: i32 = 2004;
    /// TIMESTAMP_WITH_TIMEZONE: MySQL's TIMESTAMP
    pub const TIMESTAMP_WITH_TIMEZONE: i32 = 2014;
}

/// The type MySQL or MariaDB stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is MySQL's type of that name")]
pub enum ColumnType {
    TinyInt,
    SmallInt,
    MediumInt,
    Int,
    BigInt,
    Decimal,
    Float,
    Double,
    Bit,
    Year,
    Date,
    Time,
    DateTime,
    Timestamp,
    Char,
    VarChar,
    TinyText,
    Text,
    MediumText,
    LongText,
    Binary,
    VarBinary,
    TinyBlob,
    Blob,
    MediumBlob,
    LongBlob,
    Enum,
    Set,
    Json,
    Vector,
    Geometry,
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
    GeometryCollection,
    /// MariaDB's UUID
    Uuid,
    /// MariaDB's INET4
    Inet4,
    /// MariaDB's INET6
    Inet6,
    /// MariaDB's XMLTYPE
    Xml,
}

impl ColumnType {
    /// `DATA_TYPE` of `information_schema.columns`.
    pub fn native_name(self) -> &'static str {
        match self {
            Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::MediumInt => "mediumint",
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::Decimal => "decimal",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bit => "bit",
            Self::Year => "year",
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "datetime",
            Self::Timestamp => "timestamp",
            Self::Char => "char",
            Self::VarChar => "varchar",
            Self::TinyText => "tinytext",
            Self::Text => "text",
            Self::MediumText => "mediumtext",
            Self::LongText => "longtext",
            Self::Binary => "binary",
            Self::VarBinary => "varbinary",
            Self::TinyBlob => "tinyblob",
            Self::Blob => "blob",
            Self::MediumBlob => "mediumblob",
            Self::LongBlob => "longblob",
            Self::Enum => "enum",
            Self::Set => "set",
            Self::Json => "json",
            Self::Vector => "vector",
            Self::Geometry => "geometry",
            Self::Point => "point",
            Self::LineString => "linestring",
            Self::Polygon => "polygon",
            Self::MultiPoint => "multipoint",
            Self::MultiLineString => "multilinestring",
            Self::MultiPolygon => "multipolygon",
            Self::GeometryCollection => "geomcollection",
            Self::Uuid => "uuid",
            Self::Inet4 => "inet4",
            Self::Inet6 => "inet6",
            Self::Xml => "xmltype",
        }
    }

    /// Whether values carry a character set.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Char
                | Self::VarChar
                | Self::TinyText
                | Self::Text
                | Self::MediumText
                | Self::LongText
                | Self::Enum
                | Self::Set
        )
    }

    /// Whether it is one of the geometry types.
    pub fn is_geometry(self) -> bool {
        matches!(
            self,
            Self::Geometry
                | Self::Point
                | Self::LineString
                | Self::Polygon
                | Self::MultiPoint
                | Self::MultiLineString
                | Self::MultiPolygon
                | Self::GeometryCollection
        )
    }
}

/// Debezium's `hasDefaultValue` and `defaultValueExpression` in one.
///
/// The expression is the literal's text between its quotes, escapes kept (`it''s`), a bit string's
/// digits (`101`), and `1970-01-01 00:00:00` for every form of `CURRENT_TIMESTAMP`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DefaultValue {
    /// No default at all.
    #[default]
    None,
    /// NULL, or computed by an expression, which Debezium treats as NULL.
    Null,
    /// A literal.
    Expression(String),
}

impl DefaultValue {
    /// `hasDefaultValue`.
    pub fn is_set(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// `defaultValueExpression`.
    pub fn expression(&self) -> Option<&str> {
        match self {
            Self::Expression(text) => Some(text),
            Self::None | Self::Null => None,
        }
    }
}

/// How a generated column is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Computed when read; present in row events all the same.
    Virtual,
    /// Stored in the row.
    Stored,
}

/// One column of a [`super::Table`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name as declared.
    pub name: String,
    /// One-based place in the table and in row events.
    pub position: u32,
    /// The type MySQL stores.
    pub ty: ColumnType,
    /// The statement's words in capitals with UNSIGNED, ZEROFILL or BINARY (`INT UNSIGNED`).
    pub type_name: String,
    /// Debezium's `typeExpression`; equal to `type_name` in all that Debezium's parser writes.
    pub type_expression: String,
    /// [`jdbc`] number.
    pub jdbc_type: i32,
    /// Debezium's `nativeType`; absent from what its MySQL connector writes, carried through.
    pub native_type: Option<i32>,
    /// Declared length, display width, precision or fractional digits; `None` when not given and
    /// the type has no default. ENUM has 1, SET has `2 * members - 1`.
    pub length: Option<i32>,
    /// Declared scale; 0 for DECIMAL without one.
    pub scale: Option<i32>,
    /// UNSIGNED (ZEROFILL implies it).
    pub unsigned: bool,
    /// ZEROFILL.
    pub zerofill: bool,
    /// Whether NULL is allowed.
    pub optional: bool,
    /// Character set, resolved against the table's default; `None` for types without one.
    pub charset: Option<String>,
    /// Collation, only when the statement names one.
    pub collation: Option<String>,
    /// Debezium's meaning: AUTO_INCREMENT, SERIAL, or ON UPDATE CURRENT_TIMESTAMP.
    pub auto_incremented: bool,
    /// Debezium's meaning, always equal to `auto_incremented`; not GENERATED ALWAYS.
    pub generated: bool,
    /// GENERATED ALWAYS AS.
    pub generation: Option<Generation>,
    /// INVISIBLE; present in row events all the same.
    pub invisible: bool,
    /// Members of ENUM and SET as written, quotes and escapes kept (`'it''s'`).
    pub enum_values: Vec<String>,
    /// Default value.
    pub default: DefaultValue,
    /// COMMENT; always known here, written to history only when comments are asked for.
    pub comment: Option<String>,
}

impl Column {
    /// A nullable column of a type with nothing else declared.
    pub fn new(name: impl Into<String>, ty: ColumnType, type_name: &str, jdbc_type: i32) -> Self {
        Self {
            name: name.into(),
            position: 0,
            ty,
            type_name: type_name.to_owned(),
            type_expression: type_name.to_owned(),
            jdbc_type,
            native_type: None,
            length: None,
            scale: None,
            unsigned: false,
            zerofill: false,
            optional: true,
            charset: None,
            collation: None,
            auto_incremented: false,
            generated: false,
            generation: None,
            invisible: false,
            enum_values: Vec::new(),
            default: DefaultValue::Null,
            comment: None,
        }
    }

    /// Members of ENUM and SET without quotes and escapes, in order.
    pub fn members(&self) -> impl Iterator<Item = String> {
        self.enum_values.iter().map(|raw| unquote_member(raw))
    }

    /// Makes the column part of a primary key: not NULL, and without an implied NULL default
    /// (`MySqlAntlrDdlParser.parsePrimaryIndexColumnNames`).
    pub fn forbid_null(&mut self) {
        if self.optional {
            self.optional = false;
            if self.default == DefaultValue::Null {
                self.default = DefaultValue::None;
            }
        }
    }
}

fn unquote_member(raw: &str) -> String {
    let inner = ['\'', '"'].iter().find_map(|quote| {
        raw.strip_prefix(*quote)?
            .strip_suffix(*quote)
            .map(|text| (text, *quote))
    });
    let Some((inner, quote)) = inner else {
        return raw.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('0') => out.push('\0'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('b') => out.push('\u{8}'),
                Some('Z') => out.push('\u{1a}'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c if c == quote && chars.peek() == Some(&quote) => {
                chars.next();
                out.push(quote);
            }
            c => out.push(c),
        }
    }
    out
}
