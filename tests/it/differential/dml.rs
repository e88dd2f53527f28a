//! Statements on rows: one table or two, alone or in a transaction.
//!
//! Invariant: nothing depends on time, on a session's chance or on the order in which a server finds rows it was not told
//! to sort.

use super::column::{Column, quoted};
use super::random::Random;
use super::table::{Key, Table};
use super::value::Phase;

/// A change of some rows of one of these tables, as one or more statements.
pub(super) fn change(random: &mut Random, tables: &[Table], phase: Phase) -> Vec<String> {
    let table = &tables[random.below(tables.len())];
    match random.weighted(&[34, 6, 6, 22, 8, 12, 3, 3]) {
        0 => vec![insert(random, table, "INSERT INTO", phase)],
        1 => vec![insert(random, table, "REPLACE INTO", phase)],
        2 => vec![upsert(random, table, phase)],
        3 => vec![update(random, table, phase)],
        4 => vec![move_key(random, table)],
        5 => vec![delete(random, table)],
        6 => vec![insert(random, table, "INSERT IGNORE INTO", phase)],
        _ => vec![two_tables(random, tables)],
    }
}

/// Several changes that commit, or do not, together.
pub(super) fn transaction(random: &mut Random, tables: &[Table], phase: Phase) -> Vec<String> {
    let mut all = vec![random.of(&["BEGIN", "START TRANSACTION"]).to_owned()];
    for _ in 0..random.between(1, 5) {
        all.extend(change(random, tables, phase));
        if random.one_in(4) {
            all.push("SAVEPOINT s1".to_owned());
            all.extend(change(random, tables, phase));
            if random.one_in(2) {
                all.push("ROLLBACK TO SAVEPOINT s1".to_owned());
            }
        }
    }
    all.push(
        if random.one_in(6) {
            "ROLLBACK"
        } else {
            "COMMIT"
        }
        .to_owned(),
    );
    all
}

/// A literal for a column, sometimes NULL or DEFAULT.
fn value(random: &mut Random, table: &Table, column: &Column, phase: Phase) -> String {
    if table.key_columns.contains(&column.name) {
        return match table.key {
            Key::AutoIncrement if random.one_in(2) => "NULL".to_owned(),
            _ => column.domain.key_literal(random),
        };
    }
    if column.name.starts_with("parent_") {
        return if random.one_in(4) {
            "NULL".to_owned()
        } else {
            random.between(1, 6).to_string()
        };
    }
    match random.below(10) {
        0 | 1 if column.nullable => "NULL".to_owned(),
        2 => "DEFAULT".to_owned(),
        _ => column.domain.literal(random, phase),
    }
}

fn insert(random: &mut Random, table: &Table, verb: &str, phase: Phase) -> String {
    let name = quoted(&table.name);
    let writable = table.columns.iter().filter(|c| c.writable);
    let columns: Vec<&Column> = writable
        .filter(|c| table.key_columns.contains(&c.name) || !random.one_in(8))
        .collect();
    if columns.is_empty() {
        return format!("{verb} {name} () VALUES ()");
    }
    if random.one_in(8) {
        let all: Vec<String> = columns
            .iter()
            .map(|c| format!("{} = {}", quoted(&c.name), value(random, table, c, phase)))
            .collect();
        return format!("{verb} {name} SET {}", all.join(", "));
    }
    let names: Vec<String> = columns.iter().map(|c| quoted(&c.name)).collect();
    let rows: Vec<String> = (0..random.between(1, 4))
        .map(|_| {
            let all: Vec<String> = columns
                .iter()
                .map(|c| value(random, table, c, phase))
                .collect();
            format!("({})", all.join(", "))
        })
        .collect();
    format!(
        "{verb} {name} ({}) VALUES {}",
        names.join(", "),
        rows.join(", ")
    )
}

fn upsert(random: &mut Random, table: &Table, phase: Phase) -> String {
    let insert = insert(random, table, "INSERT INTO", phase);
    let set = assignments(random, table, phase);
    if insert.contains(" SET ") || set.is_empty() {
        return insert;
    }
    format!("{insert} ON DUPLICATE KEY UPDATE {set}")
}

/// `a = 1, b = 2` over columns that are not key; empty where there is none.
fn assignments(random: &mut Random, table: &Table, phase: Phase) -> String {
    let other: Vec<&Column> = table
        .columns
        .iter()
        .filter(|c| c.writable && !table.key_columns.contains(&c.name))
        .collect();
    if other.is_empty() {
        return String::new();
    }
    let all: Vec<String> = (0..random.between(1, 3))
        .map(|_| {
            let column = other[random.below(other.len())];
            format!(
                "{} = {}",
                quoted(&column.name),
                value(random, table, column, phase)
            )
        })
        .collect();
    all.join(", ")
}

/// Some rows, in an order of their own.
fn where_(random: &mut Random, table: &Table) -> String {
    let parts: Vec<&Column> = table.key_parts().collect();
    if parts.is_empty() {
        return if random.one_in(3) {
            " LIMIT 1".to_owned()
        } else {
            String::new()
        };
    }
    let part = parts[random.below(parts.len())];
    let literal = part.domain.key_literal(random);
    match random.below(5) {
        0 => {
            let order: Vec<String> = table.key_columns.iter().map(|c| quoted(c)).collect();
            format!(
                " ORDER BY {} LIMIT {}",
                order.join(", "),
                random.between(1, 4)
            )
        }
        1 => format!(" WHERE {} >= {literal}", quoted(&part.name)),
        2 if random.one_in(3) => String::new(),
        _ => format!(" WHERE {} = {literal}", quoted(&part.name)),
    }
}

fn update(random: &mut Random, table: &Table, phase: Phase) -> String {
    let set = assignments(random, table, phase);
    if set.is_empty() {
        return delete(random, table);
    }
    format!(
        "UPDATE {} SET {set}{}",
        quoted(&table.name),
        where_(random, table)
    )
}

/// Gives a row another key.
fn move_key(random: &mut Random, table: &Table) -> String {
    let parts: Vec<&Column> = table.key_parts().collect();
    let Some(part) = parts.get(random.below(parts.len())) else {
        return delete(random, table);
    };
    let (to, from) = (
        part.domain.key_literal(random),
        part.domain.key_literal(random),
    );
    let name = quoted(&part.name);
    let to = match part.domain {
        super::value::Domain::Integer { .. } if random.one_in(2) => format!("{name} + 1000"),
        _ => to,
    };
    format!(
        "UPDATE {} SET {name} = {to} WHERE {name} = {from} LIMIT 1",
        quoted(&table.name)
    )
}

fn delete(random: &mut Random, table: &Table) -> String {
    format!(
        "DELETE FROM {}{}",
        quoted(&table.name),
        where_(random, table)
    )
}

/// A statement that changes rows of two tables, or fills one from itself.
fn two_tables(random: &mut Random, tables: &[Table]) -> String {
    let child = tables.iter().find(|t| t.parent().is_some());
    match child.and_then(|c| Some((c, c.parent()?))) {
        Some((child, parent)) if random.one_in(2) => {
            let (c, p) = (quoted(&child.name), quoted(parent));
            let id = random.between(1, 6);
            match random.below(2) {
                0 => format!("DELETE {p} FROM {p} JOIN {c} WHERE {p}.id = {id}"),
                _ => format!("UPDATE {p} SET id = id + 500 WHERE id = {id}"),
            }
        }
        _ => {
            let table = &tables[random.below(tables.len())];
            let columns: Vec<String> = table
                .columns
                .iter()
                .filter(|c| {
                    c.writable
                        && !(table.key == Key::AutoIncrement && table.key_columns.contains(&c.name))
                })
                .map(|c| quoted(&c.name))
                .collect();
            let (name, columns) = (quoted(&table.name), columns.join(", "));
            format!(
                "INSERT IGNORE INTO {name} ({columns}) SELECT {columns} FROM {name} ORDER BY 1 LIMIT 2"
            )
        }
    }
}
