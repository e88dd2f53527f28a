//! What a record, a schema, an offset and a connector configuration are; no I/O
