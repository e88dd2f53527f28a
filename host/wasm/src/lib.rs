//! WebAssembly components: check, compile, limit and call transforms, predicates and formats.
//!
//! The sandbox. A [`Catalog`] holds the plugins of all tenants and the built-ins; [`Transform`], [`Predicate`] and
//! [`Format`] are instances of them within one task. Calls are synchronous, on the caller's thread (which needs 2 MiB
//! of stack). It does not store uploads, know topics, or decide what becomes of a record that failed.
//! Invariant (promise 7): a guest can only compute, within its [`Limits`]; after any fault its instance is dropped, and
//! nothing of the failed call is kept.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

mod bindings;
mod catalog;
mod check;
mod clock;
pub mod compile;
mod context;
mod convert;
mod cpu;
mod engine;
mod fault;
mod format;
mod guest_schemas;
mod host_log;
mod instance;
mod isolate;
mod limits;
mod plugin;
mod predicate;
mod stats;
mod store;
mod text;
mod transform;
mod validate;
mod wire;

pub use catalog::{
    Catalog, DeleteError, Entry, PluginName, ResolveError, Upload, UploadError, Uploaded,
    VersionSpec,
};
pub use check::CheckError;
pub use clock::EPOCH_TICK_MS;
pub use context::{Context, Part};
pub use cpu::{CpuShare, Pace};
pub use engine::{Engine, EngineError, WASM_STACK_BYTES};
pub use fault::PluginFault;
pub use format::{Encoded, Format, NULL_END};
pub use host_log::{LogLevel, LogLine, LogSink, Owner, tracing_sink};
pub use instance::{Setup, StartError};
pub use isolate::CallError;
pub use limits::Limits;
pub use plugin::{Digest, Plugin, World};
pub use predicate::{Predicate, Tested};
pub use stats::{PluginStats, StatsSnapshot};
pub use transform::{Transform, Transformed};
pub use validate::validate_config;
