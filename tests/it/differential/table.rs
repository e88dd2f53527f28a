//! Tables as the generator knows them: columns, key shape, and whether it still knows them.
//!
//! A model, not the server's truth: a statement the server refuses leaves the model ahead of it, and later statements are
//! refused too. Invariant: column names are never used twice within a table's life.

use super::column::{Column, quoted};
use super::random::Random;

/// How a table is told its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    AutoIncrement,
    Primary,
    /// UNIQUE over columns that are not nullable, and no primary key.
    Unique,
    None,
}

/// A table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) key: Key,
    /// Names of the key's columns, in the key's order.
    pub(super) key_columns: Vec<String>,
    /// Its parent, referenced by the column of this name.
    parent: Option<(String, String)>,
    extra: Vec<String>,
    options: String,
    numbers: usize,
    /// Whether the server may keep a generated invisible primary key in front.
    pub(super) may_have_generated_key: bool,
}

impl Table {
    /// A random table; `parents` are tables with an auto-increment key it may refer to.
    pub(super) fn any(random: &mut Random, name: String, parents: &[&Self]) -> Self {
        let mut table = Self {
            name,
            columns: Vec::new(),
            key: Key::None,
            key_columns: Vec::new(),
            parent: None,
            extra: Vec::new(),
            options: String::new(),
            numbers: 0,
            may_have_generated_key: false,
        };
        table.make_key(random);
        for _ in 0..random.between(1, 9) {
            let column = Column::any(random, table.number());
            table.columns.push(column);
        }
        if random.one_in(4) {
            let from = table.columns[random.below(table.columns.len())].clone();
            // MySQL refuses to compute from an auto-increment column.
            if from.writable && table.key != Key::AutoIncrement {
                let column = Column::generated(random, table.number(), &from);
                table.columns.push(column);
            }
        }
        if random.one_in(4) {
            let last = table.columns.len() - 1;
            table.columns.swap(0, random.below(last + 1));
        }
        if let Some(parent) = parents.first().filter(|_| random.one_in(2)) {
            table.refer(random, parent);
        }
        table.extras(random);
        table
    }

    /// A number no column of it has had.
    pub(super) fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    fn make_key(&mut self, random: &mut Random) {
        match random.below(10) {
            0..=3 => {
                let kind = random.of(&["INT", "BIGINT", "INT UNSIGNED", "SMALLINT UNSIGNED"]);
                let number = self.number();
                self.columns.push(Column {
                    name: "id".to_owned(),
                    domain: super::value::Domain::Integer {
                        low: 1,
                        high: 60000,
                    },
                    kind: kind.to_owned(),
                    attributes: " NOT NULL AUTO_INCREMENT".to_owned(),
                    nullable: false,
                    writable: true,
                });
                debug_assert!(number > 0);
                self.key = Key::AutoIncrement;
            }
            4..=7 => {
                for _ in 0..random.between(1, 3) {
                    let column = Column::key(random, self.number());
                    self.columns.push(column);
                }
                self.key = if random.one_in(4) {
                    Key::Unique
                } else {
                    Key::Primary
                };
            }
            _ => {}
        }
        self.key_columns = self.columns.iter().map(|c| c.name.clone()).collect();
        if random.one_in(2) {
            self.key_columns.reverse();
        }
    }

    fn refer(&mut self, random: &mut Random, parent: &Self) {
        let Some(id) = parent.columns.iter().find(|c| c.name == "id") else {
            return;
        };
        let name = format!("parent_{}", self.number());
        self.columns.push(Column {
            name: name.clone(),
            domain: id.domain.clone(),
            kind: id.kind.clone(),
            attributes: String::new(),
            nullable: true,
            writable: true,
        });
        let delete = random.of(&["CASCADE", "SET NULL", "RESTRICT"]);
        let update = random.of(&["CASCADE", "SET NULL"]);
        self.extra.push(format!(
            "FOREIGN KEY ({name}) REFERENCES {} (id) ON DELETE {delete} ON UPDATE {update}",
            quoted(&parent.name)
        ));
        self.parent = Some((name, parent.name.clone()));
    }

    fn extras(&mut self, random: &mut Random) {
        let plain: Vec<String> = self
            .columns
            .iter()
            .filter(|c| matches!(c.domain, super::value::Domain::Integer { .. }) && c.writable)
            .map(|c| quoted(&c.name))
            .collect();
        if let Some(column) = plain.last().filter(|_| random.one_in(3)) {
            self.extra.push(format!("KEY idx_a ({column})"));
        }
        if random.one_in(6) {
            self.extra.push("CONSTRAINT chk CHECK (1 = 1)".to_owned());
        }
        if random.one_in(4) {
            self.options.push_str(" ENGINE=InnoDB");
        }
        if random.one_in(4) {
            self.options.push_str(random.of(&[
                " DEFAULT CHARSET=latin1",
                " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                " DEFAULT CHARACTER SET = sjis",
                " CHARSET cp1251 COLLATE cp1251_general_ci",
            ]));
        }
        if random.one_in(5) {
            self.options.push_str(" COMMENT='a \"table\", really'");
        }
    }

    /// `CREATE TABLE …`.
    pub(super) fn create(&self, random: &mut Random) -> String {
        let mut parts: Vec<String> = Vec::new();
        let inline = self.key_columns.len() == 1 && random.one_in(3);
        for column in &self.columns {
            let mut part = column.definition();
            if inline && self.key_columns[0] == column.name {
                part.push_str(match self.key {
                    Key::Unique => " UNIQUE",
                    _ => " PRIMARY KEY",
                });
            }
            parts.push(part);
        }
        let key: Vec<String> = self.key_columns.iter().map(|c| quoted(c)).collect();
        if !inline && self.key != Key::None {
            parts.push(match self.key {
                Key::Unique => format!("UNIQUE KEY uk ({})", key.join(", ")),
                _ => format!("PRIMARY KEY ({})", key.join(",")),
            });
        }
        parts.extend(self.extra.iter().cloned());
        let (between, head) = match random.below(4) {
            0 => (",\n  ", "create table"),
            1 => (", ", "CREATE TABLE IF NOT EXISTS"),
            _ => (", ", "CREATE TABLE"),
        };
        let comment = if random.one_in(8) {
            "/* made up */ "
        } else {
            ""
        };
        format!(
            "{comment}{head} {} ({}){}",
            quoted(&self.name),
            parts.join(between),
            self.options
        )
    }

    pub(super) fn key_parts(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .filter(|c| self.key_columns.contains(&c.name))
    }

    /// Whether it or its like may lose or change this column without harm to key or references.
    pub(super) fn free(&self, column: &Column) -> bool {
        let needed = self.key_columns.contains(&column.name)
            || self
                .parent
                .as_ref()
                .is_some_and(|(name, _)| *name == column.name);
        let computed = self.columns.iter().any(|c| {
            c.attributes
                .contains(&format!("({} ", quoted(&column.name)))
                || c.attributes
                    .contains(&format!("({})", quoted(&column.name)))
        });
        !needed && !computed
    }

    /// Whether its rows can be referred to.
    pub(super) fn may_be_parent(&self) -> bool {
        self.key == Key::AutoIncrement
    }

    /// The table it refers to.
    pub(super) fn parent(&self) -> Option<&str> {
        self.parent.as_ref().map(|(_, table)| table.as_str())
    }
}
