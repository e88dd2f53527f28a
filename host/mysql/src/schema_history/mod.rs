//! Schema history: the records from which table definitions are rebuilt after a restart.
//!
//! Here is the records' form and their replay, pure; storing them is the source's.

pub mod record;
