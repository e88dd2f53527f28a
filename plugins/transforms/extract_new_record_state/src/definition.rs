//! The configuration of Debezium 3.6's ExtractNewRecordState, key by key.
//!
//! Texts, order and widths are Debezium's. Invariant: `replace.null.with.default` is not among them, as in Debezium.

use tidegate_sdk::{ConfigDef, Importance, Key, Width};

use crate::Mode;

/// The key that decides about deletes.
pub(crate) const MODE: &str = "delete.tombstone.handling.mode";

const MODES: [(&str, Mode); 5] = [
    ("drop", Mode::Drop),
    ("tombstone", Mode::Tombstone),
    ("rewrite", Mode::Rewrite),
    ("rewrite-with-tombstone", Mode::RewriteWithTombstone),
    ("delete-to-tombstone", Mode::DeleteToTombstone),
];

/// The mode of this name, in any case.
pub(crate) fn mode(name: &str) -> Option<Mode> {
    let found = MODES.iter().find(|m| m.0.eq_ignore_ascii_case(name.trim()));
    found.map(|m| m.1)
}

fn known_mode(value: &str) -> Result<(), String> {
    let names: Vec<&str> = MODES.iter().map(|m| m.0).collect();
    let wrong = || format!("Value must be one of {}", names.join(", "));
    mode(value).map(|_| ()).ok_or_else(wrong)
}

/// All keys.
pub(crate) fn definition() -> ConfigDef {
    let key = |key: Key, display: &'static str, width: Width, doc: &'static str| {
        key.display(display, width).doc(doc).group(None, 1)
    };
    ConfigDef::new("3.6.1.Final")
        .key(
            key(
                Key::string(MODE).default("tombstone"),
                "Handle delete and tombstone records",
                Width::Medium,
                "How to handle delete records. Options are: drop - Remove the delete event and tombstone from the stream.tombstone (default) - For each delete event, leave only a tombstone in the stream.rewrite - Remove tombstone from the record, and add a `__deleted` field with the value `true`.rewrite-with-tombstone - Retain tombstone in record and add a `__deleted` field with the value `true`.delete-to-tombstone - Convert delete events to tombstone events and drop tombstone events.",
            )
            .importance(Importance::Medium)
            .validate(known_mode),
        )
        .key(key(
            Key::string("route.by.field").default(""),
            "Route by field name",
            Width::Long,
            "The column which determines how the events will be routed, the value will replace the topic name.",
        ))
        .key(key(
            Key::string("add.fields.prefix").default("__"),
            "Field prefix to be added to each field.",
            Width::Short,
            "Adds this prefix to each field listed.",
        ))
        .key(key(
            Key::list("add.fields").default(""),
            "Adds the specified field(s) to the message if they exist.",
            Width::Long,
            "Adds each field listed, prefixed with __ (or __<struct>_ if the struct is specified). Example: 'version,connector,source.ts_ms' would add __version, __connector and __source_ts_ms fields. Optionally one can also map new field name like version:VERSION,connector:CONNECTOR,source.ts_ms:EVENT_TIMESTAMP.Please note that the new field name is case-sensitive.",
        ))
        .key(key(
            Key::string("add.headers.prefix").default("__"),
            "Header prefix to be added to each header.",
            Width::Short,
            "Adds this prefix listed to each header.",
        ))
        .key(key(
            Key::list("add.headers").default(""),
            "Adds the specified fields to the header if they exist.",
            Width::Long,
            "Adds each field listed to the header,  __ (or __<struct>_ if the struct is specified). Example: 'version,connector,source.ts_ms' would add __version, __connector and __source_ts_ms fields. Optionally one can also map new field name like version:VERSION,connector:CONNECTOR,source.ts_ms:EVENT_TIMESTAMP.Please note that the new field name is case-sensitive.",
        ))
        .key(key(
            Key::string("drop.fields.header.name").optional(),
            "Specifies a header that contains a list of field names to be removed",
            Width::Short,
            "Specifies the name of a header that contains a list of fields to be removed from the event value.",
        ))
        .key(key(
            Key::boolean("drop.fields.from.key").default("false"),
            "Specifies whether the fields to be dropped should also be omitted from the key",
            Width::Short,
            "Specifies whether to apply the drop fields behavior to the event key as well as the value. Default behavior is to only remove fields from the event value, not the key.",
        ))
        .key(key(
            Key::boolean("drop.fields.keep.schema.compatible").default("true"),
            "Specifies if fields are dropped, will the event's schemas be compatible",
            Width::Short,
            "Controls the output event's schema compatibility when using the drop fields feature. `true`: dropped fields are removed if the schema indicates its optional leaving the schemas unchanged, `false`: dropped fields are removed from the key/value schemas, regardless of optionality.",
        ))
}
