//! From tokens to a [`Statement`]: which statement it is, and those that fit on a line. Column
//! definitions, CREATE TABLE and ALTER TABLE have files of their own.
//!
//! The server accepted the statement before it came here, so the parser looks for what it needs
//! and steps over the rest by balanced brackets instead of refusing options it does not know.

mod alter_table;
mod column;
mod create_table;
mod cursor;
mod data_type;
mod key;
mod literal;

use super::error::{DdlError, DdlErrorKind};
use super::lexer::{Kind, Lexer};
use super::statement::{Charset, KeyKind, Statement, TableName};
use super::{MAX_STATEMENT_BYTES, Session};
use crate::table::{ColumnType, TableId};
use cursor::Cursor;

/// Most columns, keys, clauses or names in one statement, in items.
const MAX_ITEMS: usize = 16_384;

/// Where and why parsing stopped.
type Failure = (usize, DdlErrorKind);
type Parsed<T> = Result<T, Failure>;

/// A statement with its own text: comments and blanks before it and a semicolon behind it cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedStatement<'a> {
    /// The statement.
    pub statement: Statement,
    /// Its text, from the first token to the last.
    pub text: &'a str,
}

/// Parses one statement.
pub fn parse<'a>(sql: &'a str, session: &Session) -> Result<ParsedStatement<'a>, DdlError> {
    let failure = |(offset, kind): Failure| DdlError {
        kind: Box::new(kind),
        offset,
        head: sql.chars().take(DdlError::HEAD_CHARS).collect(),
        tables: table_names(sql, session),
    };
    if sql.len() > MAX_STATEMENT_BYTES {
        return Err(failure((
            MAX_STATEMENT_BYTES,
            DdlErrorKind::TooLong(MAX_STATEMENT_BYTES),
        )));
    }
    if !concerns_tables(sql, session).map_err(failure)? {
        return Ok(ParsedStatement {
            statement: Statement::Irrelevant,
            text: sql.trim(),
        });
    }
    let mut cursor = Cursor::lex(sql, session).map_err(failure)?;
    let statement = statement(&mut cursor).map_err(failure)?;
    let (start, end) = cursor.statement_range();
    Ok(ParsedStatement {
        statement,
        text: sql.get(start..end).unwrap_or_default(),
    })
}

/// Looks at the first words only, so that a megabyte of INSERT is not cut into tokens.
fn concerns_tables(sql: &str, session: &Session) -> Parsed<bool> {
    let mut lexer = Lexer::new(sql, session);
    let Some(first) = lexer.next()? else {
        return Ok(false);
    };
    let word = sql
        .get(first.start as usize..first.end as usize)
        .unwrap_or_default();
    let known = [
        "CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "USE", "SET",
    ];
    Ok(first.kind == Kind::Word && known.iter().any(|k| k.eq_ignore_ascii_case(word)))
}

fn statement(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    // MariaDB's `SET STATEMENT name=value, … FOR statement` prefix.
    if cursor.accept_words(&["SET", "STATEMENT"]) {
        while !cursor.at_end() && !cursor.is_word("FOR") {
            cursor.skip_item();
        }
        cursor.expect("FOR")?;
        cursor.start_text_here();
    }
    if cursor.accept("CREATE") {
        return create(cursor);
    }
    if cursor.accept("ALTER") {
        return alter(cursor);
    }
    if cursor.accept("DROP") {
        return drop_statement(cursor);
    }
    if cursor.accept("RENAME") {
        return rename(cursor);
    }
    if cursor.accept("TRUNCATE") {
        cursor.accept("TABLE");
        return Ok(Statement::TruncateTable(cursor.table_name()?));
    }
    if cursor.accept("USE") {
        return Ok(Statement::Use(cursor.name()?));
    }
    if cursor.accept("SET") {
        return set(cursor);
    }
    Ok(Statement::Irrelevant)
}

fn create(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.accept_words(&["OR", "REPLACE"]);
    if cursor.is_word("TEMPORARY") {
        return Ok(Statement::Irrelevant);
    }
    cursor.accept("EXTERNAL");
    if cursor.accept("TABLE") {
        return create_table::create_table(cursor)
            .map(|table| Statement::CreateTable(Box::new(table)));
    }
    if cursor.accept("DATABASE") || cursor.accept("SCHEMA") {
        cursor.accept_words(&["IF", "NOT", "EXISTS"]);
        let name = cursor.name()?;
        return Ok(Statement::CreateDatabase {
            name,
            charset: database_options(cursor),
        });
    }
    cursor.accept("ONLINE");
    cursor.accept("OFFLINE");
    let kind = if cursor.accept("UNIQUE") {
        KeyKind::Unique
    } else {
        KeyKind::Plain
    };
    for word in ["FULLTEXT", "SPATIAL", "VECTOR"] {
        cursor.accept(word);
    }
    if cursor.accept("INDEX") {
        return key::create_index(cursor, kind);
    }
    Ok(Statement::Irrelevant)
}

fn alter(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    for word in ["ONLINE", "OFFLINE", "IGNORE"] {
        cursor.accept(word);
    }
    if cursor.accept("TABLE") {
        return alter_table::alter_table(cursor);
    }
    if cursor.accept("DATABASE") || cursor.accept("SCHEMA") {
        let options = [
            "CHARACTER",
            "CHARSET",
            "CHAR",
            "COLLATE",
            "DEFAULT",
            "READ",
            "ENCRYPTION",
        ];
        let named = !cursor.at_end() && !options.iter().any(|word| cursor.is_word(word));
        let name = if named { Some(cursor.name()?) } else { None };
        return Ok(Statement::AlterDatabase {
            name,
            charset: database_options(cursor),
        });
    }
    Ok(Statement::Irrelevant)
}

fn database_options(cursor: &mut Cursor<'_>) -> Charset {
    let mut charset = Charset::default();
    while !cursor.at_end() {
        if !cursor.accept_charset(&mut charset) {
            cursor.skip_item();
        }
    }
    charset
}

fn drop_statement(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    if cursor.accept("TABLE") || cursor.accept("TABLES") {
        cursor.accept_words(&["IF", "EXISTS"]);
        let prefix = cursor.text_so_far().to_owned();
        let mut names = vec![cursor.table_name()?];
        while cursor.accept_symbol(b',') {
            names.push(cursor.table_name()?);
            cursor.bound(names.len(), "table names")?;
        }
        let suffix = ["RESTRICT", "CASCADE"]
            .into_iter()
            .find(|word| cursor.accept(word));
        return Ok(Statement::DropTable {
            names,
            prefix,
            suffix,
        });
    }
    if cursor.accept("DATABASE") || cursor.accept("SCHEMA") {
        cursor.accept_words(&["IF", "EXISTS"]);
        return Ok(Statement::DropDatabase(cursor.name()?));
    }
    cursor.accept("ONLINE");
    cursor.accept("OFFLINE");
    if cursor.accept("INDEX") {
        cursor.accept_words(&["IF", "EXISTS"]);
        let name = cursor.name()?;
        cursor.expect("ON")?;
        return Ok(Statement::DropIndex {
            table: cursor.table_name()?,
            name,
        });
    }
    Ok(Statement::Irrelevant)
}

fn rename(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    if !(cursor.accept("TABLE") || cursor.accept("TABLES")) {
        return Ok(Statement::Irrelevant);
    }
    cursor.accept_words(&["IF", "EXISTS"]);
    let prefix = cursor.text_so_far().to_owned();
    let mut pairs = Vec::new();
    loop {
        let start = cursor.position();
        let from = cursor.table_name()?;
        if cursor.accept("WAIT") {
            cursor.skip_item();
        }
        cursor.accept("NOWAIT");
        cursor.expect("TO")?;
        let to = cursor.table_name()?;
        pairs.push((from, to, cursor.text_from(start).to_owned()));
        cursor.bound(pairs.len(), "table names")?;
        if !cursor.accept_symbol(b',') {
            return Ok(Statement::RenameTable { pairs, prefix });
        }
    }
}

fn set(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    let mut variables = Vec::new();
    while !cursor.at_end() {
        let scoped = ["GLOBAL", "SESSION", "LOCAL", "PERSIST", "PERSIST_ONLY"];
        while scoped.iter().any(|word| cursor.accept(word)) {}
        let written = cursor.take_text();
        let user_variable = written.starts_with('@') && !written.starts_with("@@");
        let name = written.trim_start_matches('@').to_ascii_lowercase();
        let name = scoped
            .iter()
            .find_map(|scope| {
                name.strip_prefix(&scope.to_ascii_lowercase())?
                    .strip_prefix('.')
                    .map(str::to_owned)
            })
            .unwrap_or(name);
        let assigned = cursor.accept_symbol(b':') | cursor.accept_symbol(b'=');
        cursor.accept_symbol(b'=');
        if assigned && !user_variable && !cursor.at_end() {
            let value = cursor.value_text();
            variables.push((name, value));
            cursor.bound(variables.len(), "variables")?;
        }
        while !cursor.at_end() && !cursor.accept_symbol(b',') {
            cursor.skip_item();
        }
    }
    Ok(Statement::Set(variables))
}

/// Reads a type's words as Debezium keeps them (`INT UNSIGNED`), which lack length and members.
pub(super) fn type_words(
    words: &str,
    length: Option<i32>,
    scale: Option<i32>,
) -> Option<(ColumnType, bool, bool)> {
    match words.split(' ').next()? {
        "ENUM" => return Some((ColumnType::Enum, false, false)),
        "SET" => return Some((ColumnType::Set, false, false)),
        _ => {}
    }
    let session = Session::new("");
    let mut cursor = Cursor::lex(words, &session).ok()?;
    let mut parsed = data_type::data_type(&mut cursor).ok()?;
    if parsed.ty == ColumnType::Float && scale.is_none() && length.unwrap_or(0) > 24 {
        parsed.ty = ColumnType::Double;
    }
    Some((parsed.ty, parsed.unsigned, parsed.zerofill))
}

/// Tables a statement seems to be about, without parsing it: the names behind the first TABLE
/// or ON. For errors, so that a statement on a table nobody captures can be passed over.
pub fn table_names(sql: &str, session: &Session) -> Vec<TableId> {
    let Some(mut cursor) = Cursor::lex_head(sql, session) else {
        return Vec::new();
    };
    let mut names: Vec<TableId> = Vec::new();
    let id = |name: TableName| TableId {
        database: name.database.unwrap_or_else(|| session.database.clone()),
        table: name.table,
    };
    while !cursor.at_end() {
        if !["TABLE", "TABLES", "ON"]
            .iter()
            .any(|word| cursor.accept(word))
        {
            cursor.skip_token();
            continue;
        }
        cursor.accept_words(&["IF", "NOT", "EXISTS"]);
        cursor.accept_words(&["IF", "EXISTS"]);
        while let Ok(name) = cursor.table_name() {
            names.push(id(name));
            if cursor.accept("TO") {
                continue;
            }
            if !cursor.accept_symbol(b',') {
                break;
            }
        }
        break;
    }
    names
}
