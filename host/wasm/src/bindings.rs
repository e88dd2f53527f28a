//! Rust forms of the three worlds of `wit/`, made by wasmtime's macro.
//!
//! The worlds share one copy of `types` and `log`, so that conversions are written once. Nothing outside this crate
//! sees these types. Invariant: there is no hand-written ABI anywhere.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated code"
)]

pub(crate) mod transform {
    wasmtime::component::bindgen!({ path: "../../wit", world: "transform" });
}
pub(crate) mod predicate {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "predicate",
        with: {
            "tidegate:plugin/types": super::transform::tidegate::plugin::types,
            "tidegate:plugin/log": super::transform::tidegate::plugin::log,
        },
    });
}
pub(crate) mod format {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "format",
        with: {
            "tidegate:plugin/types": super::transform::tidegate::plugin::types,
            "tidegate:plugin/log": super::transform::tidegate::plugin::log,
        },
    });
}
pub(crate) use transform::tidegate::plugin::{log, types};
