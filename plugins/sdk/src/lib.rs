//! Write a Tidegate plugin as a plain Rust struct and one function over records.
//!
//! A [`Transform`], [`Predicate`] or [`Format`] is a struct made from its configuration and a function called for each
//! record; [`export_transform!`], [`export_predicate!`] and [`export_format!`] turn it into the component's exports.
//! The same code runs natively under [`harness`], so a plugin's tests are ordinary `cargo test`.
//! The SDK does no I/O, knows no connector, and keeps no state between batches but schemas and what the plugin keeps.
//!
//! ```
//! use tidegate_sdk::harness::{Data, Host, TestRecord, Typed};
//! use tidegate_sdk::*;
//!
//! /// Puts the configured text in the place of the field `email`.
//! struct Mask(String);
//!
//! impl Transform for Mask {
//!     fn config() -> ConfigDef {
//!         ConfigDef::new("1.0.0").key(Key::string("with").default("****").doc("Text to put."))
//!     }
//!     fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
//!         Ok(Self(config.string("with").into()))
//!     }
//!     fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
//!         let text = record.text(&self.0);
//!         record.set_field(&["email"], text)?;
//!         Ok(())
//!     }
//! }
//! export_transform!(Mask);
//!
//! let mut host = Host::new();
//! let text = host.schema(NewSchema::new(SchemaType::String));
//! let row = host.schema(NewSchema::new(SchemaType::Struct).field("email", text));
//! let mut mask = host.transform::<Mask>("acme.Mask", &[("with", "-")]).unwrap();
//! let row = Typed::new(row, Data::structure(["a@b.c".into()]));
//! let out = host.run(&mut mask, &[TestRecord::new("t", Typed::none(), row)]).unwrap();
//! assert_eq!(out[0].value.data, Data::structure(["-".into()]));
//! ```
//!
//! Invariant: a batch is only read; every change goes into the patch of `wit/LAYOUT.md`.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

mod append;
pub mod config;
pub mod driver;
pub mod error;
#[cfg(target_arch = "wasm32")]
pub mod export;
#[cfg(not(target_arch = "wasm32"))]
pub mod harness;
pub mod java;
pub mod log;
mod macros;
pub mod record;
pub mod schema;
pub mod value;

pub use append::append;
pub use config::{Config, ConfigDef, ConfigError, Context, Importance, Key, Part, Width};
pub use error::{Error, Result};
pub use record::{NewRecord, Record};
pub use schema::{Field, PerSchema, Schema, SchemaRef};
pub use tidegate_layout::{Reader, Schema as NewSchema, SchemaId, SchemaType, Slot, Tag};
pub use value::Value;

/// Changes, drops, adds or re-routes records: Connect's `Transformation`.
pub trait Transform: Sized + 'static {
    /// Its configuration keys, as `GET /connector-plugins/{p}/config` shows them.
    fn config() -> ConfigDef;
    /// Makes it from a configuration whose values have their types; says what is wrong with it otherwise.
    fn new(context: &Context, config: &Config) -> Result<Self, Vec<ConfigError>>;
    /// Changes one record, or leaves it alone.
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()>;
    /// A patch for the whole batch, written by hand; `None`, the default, has [`Transform::apply`] called for each
    /// record.
    fn answer(&mut self, _batch: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Decides which records a transform sees: Connect's `Predicate`.
pub trait Predicate: Sized + 'static {
    /// As [`Transform::config`].
    fn config() -> ConfigDef;
    /// As [`Transform::new`].
    fn new(context: &Context, config: &Config) -> Result<Self, Vec<ConfigError>>;
    /// Whether it holds for this record.
    fn test(&mut self, record: &Record<'_>) -> Result<bool>;
}

/// What a [`Format`] made of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoded {
    /// The bytes it appended.
    Bytes,
    /// Kafka's null.
    Null,
}

/// Turns keys, values and headers into bytes: Connect's `Converter` and `HeaderConverter`.
pub trait Format: Sized + 'static {
    /// As [`Transform::config`].
    fn config() -> ConfigDef;
    /// As [`Transform::new`].
    fn new(context: &Context, config: &Config) -> Result<Self, Vec<ConfigError>>;
    /// Appends the value's bytes to `out`, which already holds those of earlier values.
    fn encode(&mut self, value: Value<'_>, out: &mut Vec<u8>) -> Result<Encoded>;
}
