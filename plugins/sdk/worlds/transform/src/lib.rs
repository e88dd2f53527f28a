//! Bindings of the WIT world `transform`: generated, nothing else, and nothing at all natively.
//!
//! A crate of its own because wit-bindgen's export macros are named by interface and `lifecycle` is in every world.
//! Invariant: `wit/` is the only source of what is here.
#![cfg(target_arch = "wasm32")]

wit_bindgen::generate!({
    path: "../../../../wit",
    world: "transform",
    pub_export_macro: true,
});
