//! DDL against the history Debezium recorded for the same statements, and against hostile text.

mod golden;
mod hostile;
mod statements;
