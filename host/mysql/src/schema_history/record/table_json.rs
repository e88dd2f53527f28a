//! `tableChanges` of a history record and the definitions in them (`JsonTableChangeSerializer`).
//!
//! Reading fills in what the record does not hold (stored type, UNSIGNED) from the type's words;
//! indexes, collations, generated and invisible columns stay unknown, but for a generated
//! invisible primary key, which is known by its name and shape: where FIRST puts a column hangs on it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::RecordError;
use crate::ddl;
use crate::table::{Attribute, Column, ColumnType, DefaultValue, Table, TableId};

/// Debezium's `TableChangeType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableChangeKind {
    /// CREATE
    Create,
    /// ALTER
    Alter,
    /// DROP
    Drop,
}

impl TableChangeKind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Alter => "ALTER",
            Self::Drop => "DROP",
        }
    }
}

/// One entry of `tableChanges`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableChange {
    /// Kind.
    pub kind: TableChangeKind,
    /// The table.
    pub id: TableId,
    /// Its name before RENAME TABLE.
    pub previous_id: Option<TableId>,
    /// Its definition, absent for a drop.
    pub table: Option<Arc<Table>>,
}

pub(super) fn field(field: &str, expected: &'static str) -> RecordError {
    RecordError::Field {
        field: field.to_owned(),
        expected,
    }
}

impl TableChange {
    /// The entry as JSON.
    pub fn to_json(&self, comments: bool) -> Value {
        let mut doc = Map::new();
        doc.insert("type".into(), self.kind.as_str().into());
        doc.insert("id".into(), self.id.to_double_quoted().into());
        if let Some(previous) = &self.previous_id {
            doc.insert("previousId".into(), previous.to_double_quoted().into());
        }
        if let Some(table) = &self.table {
            doc.insert("table".into(), table_json(table, comments));
            doc.insert(
                "comment".into(),
                comment(table.comment.as_deref(), comments),
            );
        }
        Value::Object(doc)
    }

    /// Reads an entry.
    pub fn parse(value: &Value) -> Result<Self, RecordError> {
        let kind = match value.get("type").and_then(Value::as_str) {
            Some("CREATE") => TableChangeKind::Create,
            Some("ALTER") => TableChangeKind::Alter,
            Some("DROP") => TableChangeKind::Drop,
            _ => return Err(field("tableChanges.type", "CREATE, ALTER or DROP")),
        };
        let id = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .and_then(TableId::parse)
        };
        let own = id("id").ok_or_else(|| field("tableChanges.id", "a quoted table name"))?;
        let table = match (kind, value.get("table")) {
            (TableChangeKind::Drop, _) => None,
            (_, Some(table)) => {
                let mut table = parse_table(own.clone(), table)?;
                table.comment = string(value, "comment");
                Some(Arc::new(table))
            }
            (_, None) => return Err(field("tableChanges.table", "an object")),
        };
        Ok(Self {
            kind,
            id: own,
            previous_id: id("previousId"),
            table,
        })
    }
}

fn comment(text: Option<&str>, comments: bool) -> Value {
    text.filter(|_| comments).map_or(Value::Null, Into::into)
}

fn table_json(table: &Table, comments: bool) -> Value {
    let columns: Vec<Value> = table
        .columns
        .iter()
        .map(|column| column_json(column, comments))
        .collect();
    let attributes: Vec<Value> = table
        .attributes
        .iter()
        .map(|attribute| json!({"name": attribute.name, "value": attribute.value}))
        .collect();
    json!({
        "defaultCharsetName": table.default_charset,
        "primaryKeyColumnNames": table.key_columns(),
        "columns": columns,
        "attributes": attributes,
    })
}

pub(super) fn column_json(column: &Column, comments: bool) -> Value {
    let mut doc = Map::new();
    let mut put = |key: &str, value: Value| doc.insert(key.to_owned(), value);
    put("name", column.name.as_str().into());
    put("jdbcType", column.jdbc_type.into());
    if let Some(native) = column.native_type {
        put("nativeType", native.into());
    }
    put("typeName", column.type_name.as_str().into());
    put("typeExpression", column.type_expression.as_str().into());
    put("charsetName", column.charset.clone().into());
    if let Some(length) = column.length {
        put("length", length.into());
    }
    if let Some(scale) = column.scale {
        put("scale", scale.into());
    }
    put("position", column.position.into());
    put("optional", column.optional.into());
    put("autoIncremented", column.auto_incremented.into());
    put("generated", column.generated.into());
    put("comment", comment(column.comment.as_deref(), comments));
    put("hasDefaultValue", column.default.is_set().into());
    if let Some(expression) = column.default.expression() {
        put("defaultValueExpression", expression.into());
    }
    put("enumValues", column.enum_values.clone().into());
    Value::Object(doc)
}

fn string(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(|items| {
            items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default()
}

fn parse_table(id: TableId, value: &Value) -> Result<Table, RecordError> {
    let mut table = Table::new(id);
    table.default_charset = string(value, "defaultCharsetName");
    table.primary_key = strings(value, "primaryKeyColumnNames");
    let columns = value
        .get("columns")
        .and_then(Value::as_array)
        .ok_or_else(|| field("tableChanges.table.columns", "an array"))?;
    table.columns = columns
        .iter()
        .map(|column| parse_column(&table.id, column))
        .collect::<Result<_, _>>()?;
    let attributes = value.get("attributes").and_then(Value::as_array);
    table.attributes = attributes
        .into_iter()
        .flatten()
        .filter_map(|attribute| {
            Some(Attribute {
                name: string(attribute, "name")?,
                value: string(attribute, "value"),
            })
        })
        .collect();
    table.normalise();
    if table.begins_with_generated_key()
        && let Some(key) = table.columns.first_mut()
    {
        key.invisible = true;
    }
    Ok(table)
}

fn parse_column(table: &TableId, value: &Value) -> Result<Column, RecordError> {
    let number = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_i64)
            .and_then(|number| i32::try_from(number).ok())
    };
    let truth = |key: &str| value.get(key).and_then(Value::as_bool);
    let name = string(value, "name")
        .ok_or_else(|| field("tableChanges.table.columns.name", "a string"))?;
    let type_name = string(value, "typeName")
        .ok_or_else(|| field("tableChanges.table.columns.typeName", "a string"))?;
    let jdbc = number("jdbcType")
        .ok_or_else(|| field("tableChanges.table.columns.jdbcType", "a number"))?;
    let mut column = Column::new(name, ColumnType::Int, &type_name, jdbc);
    column.type_expression = string(value, "typeExpression").unwrap_or(type_name);
    column.native_type = number("nativeType");
    column.charset = string(value, "charsetName");
    column.length = number("length");
    column.scale = number("scale");
    column.optional = truth("optional").unwrap_or(true);
    column.auto_incremented = truth("autoIncremented").unwrap_or(false);
    column.generated = truth("generated").unwrap_or(false);
    column.comment = string(value, "comment");
    column.default = match (
        string(value, "defaultValueExpression"),
        truth("hasDefaultValue"),
    ) {
        (Some(expression), _) => DefaultValue::Expression(expression),
        (None, Some(true)) => DefaultValue::Null,
        (None, _) => DefaultValue::None,
    };
    column.enum_values = strings(value, "enumValues");
    let stored = ddl::stored_type(&column).ok_or_else(|| RecordError::UnknownType {
        table: table.to_string(),
        column: column.name.clone(),
        name: column.type_name.clone(),
    })?;
    (column.ty, column.unsigned, column.zerofill) = stored;
    Ok(column)
}
