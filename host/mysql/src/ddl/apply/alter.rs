//! ALTER TABLE in the order MySQL works (`prepare_fields_and_keys` in sql_table.cc): existing
//! columns first, each dropped, changed or renamed in place; then new columns and moves in the
//! order of the clauses, naming columns by their new names; then keys.

use super::super::error::DdlErrorKind;
use super::super::statement::{AlterAction, ColumnDef, KeyDef, Place, TableName};
use super::super::{Session, charset_of_collation};
use super::{
    Applied, Event, SchemaChangeKind, build, convert, create, keys, resolve, resolve_charset,
};
use crate::table::{Column, DefaultValue, Table, TableId, Tables, same_name};

pub(super) fn alter_table(
    name: &TableName,
    actions: &[AlterAction],
    text: &str,
    session: &Session,
    tables: &mut Tables,
) -> Applied {
    let id = resolve(name, session, tables);
    let Some(known) = tables.get(&id) else {
        return Ok(Vec::new());
    };
    let mut altered = Altered {
        table: Table::clone(known),
        session,
        keys: Vec::new(),
        stays_first: generated_key(known),
    };
    altered.defaults(actions, tables);
    altered.existing_columns(actions)?;
    altered.new_columns(actions)?;
    altered.change_keys(actions);
    let mut table = altered.table;
    let mut new_id: TableId = id.clone();
    for action in actions {
        if let AlterAction::RenameTable(to) = action {
            new_id = resolve(to, session, tables);
        }
    }
    table.id = new_id.clone();
    table.normalise();
    tables.put(table)?;
    if new_id != id {
        tables.remove(&id);
    }
    Ok(vec![Event::table(SchemaChangeKind::Alter, new_id, text)])
}

/// The first column if it is a generated invisible primary key: nothing is placed before it, whatever the session's
/// `sql_generate_invisible_primary_key` and whether the same statement makes it visible (seen on MySQL 9.7).
fn generated_key(table: &Table) -> Option<String> {
    let first = table.columns.first()?;
    (first.invisible && table.begins_with_generated_key()).then(|| first.name.clone())
}

struct Altered<'a> {
    table: Table,
    session: &'a Session,
    /// Keys to add, in order.
    keys: Vec<KeyDef>,
    /// Name of a column that FIRST is second to, while it is there.
    stays_first: Option<String>,
}

impl Altered<'_> {
    /// Table options and CONVERT come first: new columns take the new default.
    fn defaults(&mut self, actions: &[AlterAction], tables: &Tables) {
        for action in actions {
            match action {
                AlterAction::Options(options) => {
                    if options.comment.is_some() {
                        self.table.comment.clone_from(&options.comment);
                    }
                    if !options.charset.is_empty() {
                        let around = match options.charset.charset {
                            Some(_) => tables.charset_of(&self.table.id.database),
                            None => self.table.default_charset.as_deref(),
                        };
                        self.table.default_charset =
                            resolve_charset(&options.charset, around).map(str::to_owned);
                    }
                }
                AlterAction::Convert(charset) => {
                    let around = tables.charset_of(&self.table.id.database);
                    let collation = charset.collation.as_deref();
                    let to = match charset.charset.as_deref() {
                        Some("default") => around.or(collation.and_then(charset_of_collation)),
                        _ => resolve_charset(charset, around),
                    };
                    if let Some(to) = to.map(str::to_owned) {
                        convert::convert(&mut self.table, &to, collation);
                    }
                }
                _ => {}
            }
        }
    }

    fn build(&self, def: &ColumnDef) -> Column {
        let first = build::is_first_timestamp(&self.table.columns);
        build::column(
            def,
            self.table.default_charset.as_deref(),
            self.session,
            first,
        )
    }

    fn no_column(&self, column: &str) -> DdlErrorKind {
        DdlErrorKind::NoColumn {
            table: self.table.id.clone(),
            column: column.to_owned(),
        }
    }

    fn existing_columns(&mut self, actions: &[AlterAction]) -> Result<(), DdlErrorKind> {
        for action in actions {
            match action {
                AlterAction::ChangeColumn {
                    from: column,
                    if_exists: false,
                    ..
                }
                | AlterAction::RenameColumn {
                    from: column,
                    if_exists: false,
                    ..
                } if self.table.column(column).is_none() => {
                    return Err(self.no_column(column));
                }
                _ => {}
            }
        }
        let mut columns = Vec::with_capacity(self.table.columns.len());
        let mut renamed: Vec<(String, Option<String>)> = Vec::new();
        for old in self.table.columns.clone() {
            let name = old.name.clone();
            let new = self.existing_column(old, actions);
            if new.as_ref().is_none_or(|column| column.name != name) {
                renamed.push((name, new.as_ref().map(|column| column.name.clone())));
            }
            columns.extend(new);
        }
        self.table.columns = columns;
        keys::rename_columns(&mut self.table, |name| {
            match renamed.iter().find(|(old, _)| same_name(old, name)) {
                Some((_, new)) => new.clone(),
                None => Some(name.to_owned()),
            }
        });
        // A column of the primary key stays NOT NULL whatever its new definition says.
        if actions.contains(&AlterAction::DropPrimaryKey) {
            return Ok(());
        }
        for name in self.table.primary_key.clone() {
            if let Some(at) = self.table.index_of(&name)
                && let Some(column) = self.table.columns.get_mut(at)
            {
                column.forbid_null();
            }
        }
        Ok(())
    }

    /// What the clauses make of one existing column; `None` when dropped.
    fn existing_column(&mut self, mut column: Column, actions: &[AlterAction]) -> Option<Column> {
        let name = column.name.clone();
        for action in actions {
            match action {
                AlterAction::DropColumn(dropped) if same_name(dropped, &name) => return None,
                AlterAction::ChangeColumn {
                    from, column: def, ..
                } if same_name(from, &name) => {
                    column = self.build(def);
                    create::column_keys(def, &mut self.keys);
                }
                AlterAction::RenameColumn { from, to, .. } if same_name(from, &name) => {
                    column.name.clone_from(to);
                }
                AlterAction::SetDefault {
                    column: set,
                    default,
                    radix,
                } if same_name(set, &name) => {
                    column.default = build::plain_default(column.ty, default.clone(), *radix);
                }
                AlterAction::DropDefault(dropped) if same_name(dropped, &name) => {
                    column.default = if column.optional {
                        DefaultValue::Null
                    } else {
                        DefaultValue::None
                    };
                }
                AlterAction::SetInvisible {
                    column: set,
                    invisible,
                } if same_name(set, &name) => {
                    column.invisible = *invisible;
                }
                _ => {}
            }
        }
        Some(column)
    }

    fn new_columns(&mut self, actions: &[AlterAction]) -> Result<(), DdlErrorKind> {
        for action in actions {
            match action {
                AlterAction::AddColumn {
                    column: def,
                    place,
                    if_not_exists,
                } => {
                    if *if_not_exists && self.table.column(&def.name).is_some() {
                        continue;
                    }
                    let column = self.build(def);
                    create::column_keys(def, &mut self.keys);
                    self.table
                        .columns
                        .retain(|old| !same_name(&old.name, &def.name));
                    self.insert(column, place.as_ref())?;
                }
                AlterAction::Add(elements) => {
                    let defined = create::add_elements(&mut self.table, elements, self.session)?;
                    self.keys.extend(defined);
                }
                AlterAction::ChangeColumn {
                    column: def,
                    place: Some(place),
                    ..
                } => {
                    if let Some(at) = self.table.index_of(&def.name) {
                        let column = self.table.columns.remove(at);
                        self.insert(column, Some(place))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn insert(&mut self, column: Column, place: Option<&Place>) -> Result<(), DdlErrorKind> {
        if self.table.columns.len() >= create::MAX_COLUMNS {
            return Err(DdlErrorKind::TooMany {
                limit: create::MAX_COLUMNS,
                unit: "columns",
            });
        }
        let at = match place {
            None => self.table.columns.len(),
            Some(Place::First) => usize::from(self.keeps_first()),
            Some(Place::After(name)) => match self.table.index_of(name) {
                Some(at) => at + 1,
                None => return Err(self.no_column(name)),
            },
        };
        self.table
            .columns
            .insert(at.min(self.table.columns.len()), column);
        Ok(())
    }

    fn keeps_first(&self) -> bool {
        let first = self.table.columns.first();
        first.is_some_and(|first| self.stays_first.as_deref() == Some(&*first.name))
    }

    fn change_keys(&mut self, actions: &[AlterAction]) {
        for action in actions {
            match action {
                AlterAction::DropPrimaryKey => self.table.primary_key.clear(),
                AlterAction::DropKey(name) | AlterAction::DropConstraint(name) => {
                    keys::drop_key(&mut self.table, name);
                }
                AlterAction::RenameKey { from, to } => {
                    keys::rename_key(&mut self.table, from, to);
                }
                _ => {}
            }
        }
        let added = std::mem::take(&mut self.keys);
        for key in &added {
            keys::add_key(&mut self.table, key);
        }
        keys::add_foreign(&mut self.table, &added);
    }
}
