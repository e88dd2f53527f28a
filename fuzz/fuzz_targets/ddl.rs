//! Statements out of random text: a statement is understood, irrelevant or an error.
#![no_main]
use host_mysql::ddl::{Session, apply, is_filtered, table_names};
use host_mysql::table::Tables;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let session = Session::new("db");
    drop(apply("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10))", &session, &mut Tables::new(0)));
    drop((apply(text, &session, &mut Tables::new(0)), is_filtered(text), table_names(text, &session)));
});
