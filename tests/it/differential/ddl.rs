//! Changes of structure, as a schema's owner makes them.
//!
//! Left out, each with its line in docs/compatibility.md: `ALTER … DEFAULT CHARSET`, UNIQUE over a nullable column added
//! later, and FIRST where there may be a generated key. Invariant: after a statement the server accepts, the model has the server's columns.

use super::column::{Column, quoted};
use super::random::Random;
use super::table::{Key, Table};

/// Tables and what may be told about them.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) tables: Vec<Table>,
    created: usize,
    generated_keys: bool,
}

impl Schema {
    /// No tables; `generated_keys` as the session's `sql_generate_invisible_primary_key`.
    pub(super) fn new(generated_keys: bool) -> Self {
        Self {
            generated_keys,
            ..Self::default()
        }
    }

    fn table(&self, random: &mut Random, name: String, parents: &[&Table]) -> Table {
        let mut table = Table::any(random, name, parents);
        table.may_have_generated_key = self.generated_keys;
        table
    }

    /// Creates another table.
    pub(super) fn create(&mut self, random: &mut Random) -> String {
        self.created += 1;
        let n = self.created;
        let name = match random.below(12) {
            0 => format!("Mixed Case {n}"),
            1 => format!("order-{n}"),
            2 => format!("täble{n}"),
            3 => format!("t{n}.x"),
            _ => format!("t{n}"),
        };
        let parents: Vec<&Table> = self.tables.iter().filter(|t| t.may_be_parent()).collect();
        let table = self.table(random, name, &parents);
        let sql = table.create(random);
        self.tables.push(table);
        sql
    }

    /// Changes the structure of something.
    pub(super) fn change(&mut self, random: &mut Random) -> Vec<String> {
        let at = random.below(self.tables.len());
        match random.weighted(&[45, 8, 5, 4, 3, 4, 5, 3]) {
            0 => vec![alter(random, &mut self.tables[at])],
            1 => self.rename(random, at),
            2 => vec![format!(
                "TRUNCATE {}{}",
                random.of(&["TABLE ", ""]),
                quoted(&self.tables[at].name)
            )],
            3 => self.again(random, at),
            4 => self.like(at),
            5 => vec![index(random, &self.tables[at])],
            6 => vec![self.create(random)],
            _ => self.drop_last(),
        }
    }

    fn rename(&mut self, random: &mut Random, at: usize) -> Vec<String> {
        // What others refer to is followed by the server, and not by this model.
        if self.tables[at].may_be_parent() {
            return vec![index(random, &self.tables[at])];
        }
        self.created += 1;
        let to = format!("renamed{}", self.created);
        let from = std::mem::replace(&mut self.tables[at].name, to.clone());
        let (from, to) = (quoted(&from), quoted(&to));
        match random.below(3) {
            0 => vec![format!("RENAME TABLE {from} TO {to}")],
            1 => vec![format!("ALTER TABLE {from} RENAME TO {to}")],
            _ => vec![format!("ALTER TABLE {from} RENAME {to}")],
        }
    }

    /// Drops a table and creates another under its name.
    fn again(&mut self, random: &mut Random, at: usize) -> Vec<String> {
        if self.tables[at].may_be_parent() {
            return vec![index(random, &self.tables[at])];
        }
        let name = self.tables[at].name.clone();
        let drop = format!(
            "DROP TABLE {}{}",
            random.of(&["", "IF EXISTS "]),
            quoted(&name)
        );
        let table = self.table(random, name, &[]);
        let create = table.create(random);
        self.tables[at] = table;
        vec![drop, create]
    }

    /// Swaps a table for an empty copy, as migration tools do.
    fn like(&mut self, at: usize) -> Vec<String> {
        self.created += 1;
        let n = self.created;
        let name = quoted(&self.tables[at].name);
        let (copy, old) = (quoted(&format!("copy{n}")), quoted(&format!("old{n}")));
        vec![
            format!("CREATE TABLE {copy} LIKE {name}"),
            format!("INSERT INTO {copy} SELECT * FROM {name} LIMIT 0"),
            format!("RENAME TABLE {name} TO {old}, {copy} TO {name}"),
            format!("DROP TABLE {old}"),
        ]
    }

    fn drop_last(&mut self) -> Vec<String> {
        match self.tables.pop() {
            Some(last) if !self.tables.is_empty() && !last.may_be_parent() => {
                vec![format!("DROP TABLE {}", quoted(&last.name))]
            }
            Some(last) => {
                let sql = format!("ANALYZE TABLE {}", quoted(&last.name));
                self.tables.push(last);
                vec![sql]
            }
            None => Vec::new(),
        }
    }
}

fn index(random: &mut Random, table: &Table) -> String {
    let name = quoted(&table.name);
    let column = table
        .columns
        .iter()
        .find(|c| matches!(c.domain, super::value::Domain::Integer { .. }));
    let Some(column) = column else {
        return format!("ALTER TABLE {name} COMMENT 'now with a comment'");
    };
    match random.below(4) {
        0 => format!("CREATE INDEX idx_b ON {name} ({})", quoted(&column.name)),
        1 => format!("DROP INDEX idx_b ON {name}"),
        2 => format!(
            "ALTER TABLE {name} ADD INDEX idx_c ({})",
            quoted(&column.name)
        ),
        _ => format!("ALTER TABLE {name} RENAME INDEX idx_c TO idx_d"),
    }
}

/// `ALTER TABLE` with one or two changes.
fn alter(random: &mut Random, table: &mut Table) -> String {
    let name = quoted(&table.name);
    let mut parts = vec![part(random, table)];
    // A second change that speaks of a column the first one changed would be refused; an added one never does.
    if random.one_in(3) {
        parts.push(add(random, table, false));
    }
    let head = random.of(&[
        "ALTER TABLE",
        "ALTER TABLE",
        "alter table",
        "/* why */ ALTER TABLE",
        "ALTER  TABLE\n",
    ]);
    let tail = if random.one_in(8) {
        ", ALGORITHM=COPY"
    } else {
        ""
    };
    format!(
        "{head} {name} {}{tail}",
        parts.join(random.of(&[", ", ",\n  "]))
    )
}

fn add(random: &mut Random, table: &mut Table, placed: bool) -> String {
    let column = Column::any(random, table.number());
    let definition = column.definition();
    let word = random.of(&["ADD COLUMN", "ADD"]);
    let place = if placed { random.below(4) } else { 3 };
    match place {
        0 if !table.may_have_generated_key => {
            table.columns.insert(0, column);
            format!("{word} {definition} FIRST")
        }
        1 => {
            let after = random.below(table.columns.len());
            let sql = format!(
                "{word} {definition} AFTER {}",
                quoted(&table.columns[after].name)
            );
            table.columns.insert(after + 1, column);
            sql
        }
        _ => {
            table.columns.push(column);
            format!("{word} {definition}")
        }
    }
}

fn part(random: &mut Random, table: &mut Table) -> String {
    let free: Vec<usize> = (0..table.columns.len())
        .filter(|i| table.free(&table.columns[*i]))
        .collect();
    let Some(at) = free.get(random.below(free.len())).copied() else {
        return add(random, table, true);
    };
    match random.weighted(&[30, 14, 14, 14, 10, 5, 4, 3, 4]) {
        1 if table.columns.len() > 2 => {
            let gone = table.columns.remove(at);
            format!("DROP {}{}", random.of(&["COLUMN ", ""]), quoted(&gone.name))
        }
        2 => modify(random, table, at),
        3 => {
            let number = table.number();
            let column = &mut table.columns[at];
            let from = quoted(&column.name);
            column.name = format!("{}_r{number}", column.name);
            if random.one_in(2) && column.writable {
                format!("CHANGE COLUMN {from} {}", column.definition())
            } else {
                format!("RENAME COLUMN {from} TO {}", quoted(&column.name))
            }
        }
        4 => {
            let column = &table.columns[at];
            let name = quoted(&column.name);
            match random.below(4) {
                0 => format!("ALTER COLUMN {name} DROP DEFAULT"),
                1 => format!("ALTER COLUMN {name} SET INVISIBLE"),
                2 => format!("ALTER COLUMN {name} SET VISIBLE"),
                _ if matches!(column.domain, super::value::Domain::Integer { .. })
                    && column.writable =>
                {
                    format!("ALTER {name} SET DEFAULT 7")
                }
                _ => format!("ALTER COLUMN {name} DROP DEFAULT"),
            }
        }
        5 => format!("COMMENT = 'changed {}'", random.below(100)),
        // The server makes some a size larger, which Debezium does not follow.
        6 if !table.columns.iter().any(|c| c.kind.contains("TEXT")) => {
            "CONVERT TO CHARACTER SET utf8mb4".to_owned()
        }
        7 if table.key == Key::Primary => {
            table.key = Key::None;
            table.key_columns.clear();
            "DROP PRIMARY KEY".to_owned()
        }
        8 if table.key == Key::None => {
            let column = Column {
                attributes: " NOT NULL AUTO_INCREMENT PRIMARY KEY".to_owned(),
                ..serial(table.number())
            };
            let sql = format!("ADD COLUMN {}", column.definition());
            table.key = Key::AutoIncrement;
            table.key_columns = vec![column.name.clone()];
            table.columns.push(column);
            sql
        }
        _ => add(random, table, true),
    }
}

fn serial(number: usize) -> Column {
    Column {
        name: format!("key_{number}"),
        domain: super::value::Domain::Integer {
            low: 1,
            high: 60000,
        },
        kind: "INT".to_owned(),
        attributes: String::new(),
        nullable: false,
        writable: true,
    }
}

fn modify(random: &mut Random, table: &mut Table, at: usize) -> String {
    let others: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != at)
        .map(|(_, c)| quoted(&c.name))
        .collect();
    let column = &mut table.columns[at];
    if !column.writable {
        return "COMMENT = 'computed'".to_owned();
    }
    if let Some((kind, domain)) = column.wider(random) {
        (column.kind, column.domain) = (kind, domain);
        column.attributes.clear();
        column.nullable = true;
    }
    let mut sql = format!(
        "MODIFY {}{}",
        random.of(&["COLUMN ", ""]),
        column.definition()
    );
    if !others.is_empty() && random.one_in(3) {
        let after = random.below(others.len());
        sql = format!("{sql} AFTER {}", others[after]);
        let moved = table.columns.remove(at);
        table.columns.insert(after + 1, moved);
    }
    sql
}
