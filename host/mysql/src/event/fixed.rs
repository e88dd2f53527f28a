//! Schemas that do not depend on a table.
//!
//! Only shapes; values are written elsewhere. Source: `SchemaFactory`, `AbstractSourceInfo`, and the recorded topics.
//! Invariant: field positions are the constants beside each schema.

use host_core::layout::Slot;
use host_core::layout::schema::default_value;
use host_core::schema::{Schema, SchemaError, SchemaId, SchemaType, SharedSchemas};

/// Fields of the source block.
pub(super) const SOURCE_FIELDS: usize = 17;

/// All of them.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// A required string.
    pub string: SchemaId,
    /// A required int64.
    pub int64: SchemaId,
    /// An optional int64.
    pub int64_optional: SchemaId,
    /// `io.debezium.connector.mysql.Source`.
    pub source: SchemaId,
    /// `event.block`.
    pub block: SchemaId,
    /// `…SchemaChangeKey`.
    pub change_key: SchemaId,
    /// `…SchemaChangeValue`.
    pub change_value: SchemaId,
    /// `…TransactionMetadataKey`.
    pub transaction_key: SchemaId,
    /// `…TransactionMetadataValue`.
    pub transaction_value: SchemaId,
    /// `…ServerNameKey`.
    pub heartbeat_key: SchemaId,
    /// `…Heartbeat`.
    pub heartbeat_value: SchemaId,
}

impl Fixed {
    /// Registers them.
    pub fn new(schemas: &SharedSchemas) -> Result<Self, SchemaError> {
        let add = |s: Schema| schemas.intern(s);
        let of = |ty| Schema::new(ty);
        let string = add(of(SchemaType::String))?;
        let text = add(of(SchemaType::String).optional())?;
        let int32 = add(of(SchemaType::Int32))?;
        let int64 = add(of(SchemaType::Int64))?;
        let long = add(of(SchemaType::Int64).optional())?;
        let source = add(source(schemas, [string, text, int32, int64, long])?)?;
        let block = structure(
            "event.block",
            &[
                ("id", string),
                ("total_order", int64),
                ("data_collection_order", int64),
            ],
        );
        let change_key = structure(
            "io.debezium.connector.mysql.SchemaChangeKey",
            &[("databaseName", string)],
        );
        let changes = add(Schema::array(change(schemas, string, text, int32)?))?;
        let change_value = structure(
            "io.debezium.connector.mysql.SchemaChangeValue",
            &[
                ("source", source),
                ("ts_ms", int64),
                ("databaseName", text),
                ("schemaName", text),
                ("ddl", text),
                ("tableChanges", changes),
            ],
        );
        let collection = structure(
            "event.collection",
            &[("data_collection", string), ("event_count", int64)],
        );
        let collections = add(Schema::array(add(collection.optional())?).optional())?;
        let transaction_value = structure(
            "io.debezium.connector.common.TransactionMetadataValue",
            &[
                ("status", string),
                ("id", string),
                ("event_count", long),
                ("data_collections", collections),
                ("ts_ms", int64),
            ],
        );
        Ok(Self {
            string,
            int64,
            int64_optional: long,
            source,
            block: add(block.optional())?,
            change_key: add(change_key)?,
            change_value: add(change_value)?,
            transaction_key: add(structure(
                "io.debezium.connector.common.TransactionMetadataKey",
                &[("id", string)],
            ))?,
            transaction_value: add(transaction_value)?,
            heartbeat_key: add(structure(
                "io.debezium.connector.common.ServerNameKey",
                &[("serverName", string)],
            ))?,
            heartbeat_value: add(structure(
                "io.debezium.connector.common.Heartbeat",
                &[("ts_ms", int64)],
            ))?,
        })
    }
}

fn structure(name: &str, fields: &[(&str, SchemaId)]) -> Schema {
    let empty = Schema::new(SchemaType::Struct).named(name).version(1);
    fields
        .iter()
        .fold(empty, |s, (name, id)| s.field(*name, *id))
}

fn source(
    schemas: &SharedSchemas,
    [string, text, int32, int64, long]: [SchemaId; 5],
) -> Result<Schema, SchemaError> {
    let snapshot = Schema::new(SchemaType::String)
        .optional()
        .named("io.debezium.data.Enum")
        .version(1)
        .parameter(
            "allowed",
            "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental",
        )
        .default_bytes(default_value(|a| a.string("false")));
    let snapshot = schemas.intern(snapshot)?;
    Ok(structure(
        "io.debezium.connector.mysql.Source",
        &[
            ("version", string),
            ("connector", string),
            ("name", string),
            ("ts_ms", int64),
            ("snapshot", snapshot),
            ("db", string),
            ("sequence", text),
            ("ts_us", long),
            ("ts_ns", long),
            ("table", text),
            ("server_id", int64),
            ("gtid", text),
            ("file", string),
            ("pos", int64),
            ("row", int32),
            ("thread", long),
            ("query", text),
        ],
    ))
}

/// `io.debezium.connector.schema.Change` with its table and columns.
fn change(
    schemas: &SharedSchemas,
    string: SchemaId,
    text: SchemaId,
    int32: SchemaId,
) -> Result<SchemaId, SchemaError> {
    let int = schemas.intern(Schema::new(SchemaType::Int32).optional())?;
    let flag = schemas.intern(Schema::new(SchemaType::Boolean).optional())?;
    let strings = schemas.intern(Schema::array(string).optional())?;
    let column = structure(
        "io.debezium.connector.schema.Column",
        &[
            ("name", string),
            ("jdbcType", int32),
            ("nativeType", int),
            ("typeName", string),
            ("typeExpression", text),
            ("charsetName", text),
            ("length", int),
            ("scale", int),
            ("position", int32),
            ("optional", flag),
            ("autoIncremented", flag),
            ("generated", flag),
            ("comment", text),
            ("defaultValueExpression", text),
            ("enumValues", strings),
        ],
    );
    let columns = schemas.intern(Schema::array(schemas.intern(column)?))?;
    let table = structure(
        "io.debezium.connector.schema.Table",
        &[
            ("defaultCharsetName", text),
            ("primaryKeyColumnNames", strings),
            ("columns", columns),
            ("comment", text),
        ],
    );
    let table = schemas.intern(table.optional())?;
    schemas.intern(structure(
        "io.debezium.connector.schema.Change",
        &[("type", string), ("id", string), ("table", table)],
    ))
}

/// A string slot of a name written before.
pub(super) fn name_slot((address, len): (u32, u32)) -> Slot {
    Slot {
        tag: host_core::layout::Tag::String,
        scale: 0,
        len,
        payload: u64::from(address),
    }
}
