//! Which databases, tables and columns are meant: Debezium's lists of regular expressions.
//!
//! Patterns are anchored and ignore case, as `Strings.listOfRegex` and `Predicates` make them. Commas separate
//! patterns; `\,` is a comma. Nothing here looks at a server.
//! Invariant: an include list and an exclude list of one kind are never both in force.

use crate::table::{Table, TableId};
use fancy_regex::Regex;

/// A list of anchored patterns.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns(Vec<Regex>);

impl Patterns {
    /// Compiles a comma-separated list; the error names the pattern.
    pub(super) fn new(list: &str) -> Result<Self, String> {
        split(list)
            .into_iter()
            .map(|p| {
                Regex::new(&format!("(?i)^(?:{p})$"))
                    .map_err(|e| format!("A comma-separated list of valid regular expressions is expected, but '{p}' is none: {e}"))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
    pub(super) fn matches(&self, text: &str) -> bool {
        // A pattern that exceeds the engine's backtracking limit does not match.
        self.0.iter().any(|r| r.is_match(text).unwrap_or(false))
    }
    /// Index of the first pattern that matches.
    fn place(&self, text: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|r| r.is_match(text).unwrap_or(false))
    }
}

/// Parts of a comma-separated list; `\,` stays with its part, without the backslash.
fn split(list: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = list.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, parts.last_mut()) {
            ('\\', Some(part)) if chars.peek() == Some(&',') => {
                chars.next();
                part.push(',');
            }
            (',', _) => parts.push(String::new()),
            (c, Some(part)) => part.push(c),
            (_, None) => {}
        }
    }
    parts
        .into_iter()
        .map(|p| p.trim().to_owned())
        .filter(|p| !p.is_empty())
        .collect()
}

#[derive(Debug, Clone, Default)]
enum List {
    #[default]
    All,
    Include(Patterns),
    Exclude(Patterns),
}

impl List {
    fn new(include: Option<Patterns>, exclude: Option<Patterns>) -> Self {
        match (include, exclude) {
            (Some(p), _) => Self::Include(p),
            (None, Some(p)) => Self::Exclude(p),
            (None, None) => Self::All,
        }
    }
    fn passes(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Include(p) => p.matches(text),
            Self::Exclude(p) => !p.matches(text),
        }
    }
}

const SYSTEM_DATABASES: [&str; 4] = ["mysql", "performance_schema", "sys", "information_schema"];

/// Whether a database is one of the server's own (`BinlogConnectorConfig.BUILT_IN_DB_NAMES`).
pub(crate) fn is_system_database(name: &str) -> bool {
    SYSTEM_DATABASES
        .iter()
        .any(|s| s.eq_ignore_ascii_case(name))
}

/// Which tables are captured (`RelationalTableFilters`).
#[derive(Debug, Clone, Default)]
pub struct TableFilter {
    databases: List,
    tables: List,
    skip_system: bool,
}

impl TableFilter {
    pub(super) fn new(
        databases: (Option<Patterns>, Option<Patterns>),
        tables: (Option<Patterns>, Option<Patterns>),
        skip_system: bool,
    ) -> Self {
        Self {
            databases: List::new(databases.0, databases.1),
            tables: List::new(tables.0, tables.1),
            skip_system,
        }
    }
    /// Whether rows of this table are captured.
    pub fn captures(&self, table: &TableId) -> bool {
        self.captures_database(&table.database) && self.tables.passes(&table.to_string())
    }
    /// Whether tables of this database can be captured.
    pub fn captures_database(&self, database: &str) -> bool {
        !(self.skip_system && is_system_database(database)) && self.databases.passes(database)
    }
    /// Orders tables as the snapshot reads them: by the first pattern of `table.include.list` that matches, then by
    /// name (`RelationalSnapshotChangeEventSource.addSignalingCollectionAndSort`).
    pub fn sort(&self, tables: &mut [TableId]) {
        let place = |id: &TableId| match &self.tables {
            List::Include(p) => p.place(&id.to_string()).unwrap_or(usize::MAX),
            _ => 0,
        };
        tables.sort_by_cached_key(|id| (place(id), id.to_string()));
    }
}

/// Which columns are captured (`column.include.list`, `column.exclude.list`): patterns over `db.table.column`.
#[derive(Debug, Clone, Default)]
pub struct ColumnFilter(List);

impl ColumnFilter {
    pub(super) fn new(include: Option<Patterns>, exclude: Option<Patterns>) -> Self {
        Self(List::new(include, exclude))
    }
    /// Whether this column is captured.
    pub fn captures(&self, table: &TableId, column: &str) -> bool {
        matches!(self.0, List::All) || self.0.passes(&format!("{table}.{column}"))
    }
}

/// `message.key.columns`: `<table pattern>:<column pattern>,…;…`, each pair a pattern over `db.table.column`
/// (`Key.CustomKeyMapper`).
#[derive(Debug, Clone, Default)]
pub struct KeyColumns(Vec<Patterns>);

impl KeyColumns {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut out = Vec::new();
        for entry in text.trim_end_matches(';').split(';') {
            let (table, columns) = entry
                .split_once(':')
                .filter(|(t, c)| !t.trim().is_empty() && !c.contains(':'))
                .filter(|(_, c)| c.split(',').all(|c| !c.trim().is_empty()))
                .ok_or_else(|| {
                    format!("{entry} has an invalid format (expecting '^\\s*([^:]+):([^:,]+(,[^:,]+)*)\\s*$')")
                })?;
            for column in columns.split(',') {
                out.push(Patterns::new(&format!(
                    "{}.{}",
                    table.trim(),
                    column.trim()
                ))?);
            }
        }
        Ok(Self(out))
    }
    /// The columns chosen for a table, as indexes; none for its own key. Every pattern counts, in order, and a column
    /// once.
    pub fn of(&self, table: &Table) -> Vec<usize> {
        let mut chosen = Vec::new();
        for patterns in &self.0 {
            for (index, column) in table.columns.iter().enumerate() {
                let name = format!("{}.{}", table.id, column.name);
                if !chosen.contains(&index) && patterns.matches(&name) {
                    chosen.push(index);
                }
            }
        }
        chosen
    }
}
