//! A guest's core module into a component, in this process.
//!
//! The module carries its WIT in a custom section (wit-bindgen puts it there). This deliberately
//! offers no WASI adapter: a guest that imports WASI is a mistake to be seen here. Invariant: a
//! component that leaves this module is valid and can call nothing but `tidegate:plugin/log`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldId, WorldItem};

const ALLOWED_IMPORT: &str = "tidegate:plugin/log@0.1.0";

/// Reads a core module and returns the component's bytes.
pub(crate) fn component(module: &Path) -> Result<Vec<u8>> {
    let core = std::fs::read(module)
        .with_context(|| format!("reading the core module {}", module.display()))?;
    from_core(&core).with_context(|| format!("encoding {}", module.display()))
}

fn from_core(core: &[u8]) -> Result<Vec<u8>> {
    let bytes = ComponentEncoder::default()
        .validate(true)
        .module(core)
        .context("reading the WIT embedded in the core module")?
        .encode()
        .context("encoding and validating the component")?;
    let DecodedWasm::Component(resolve, world) =
        wit_component::decode(&bytes).context("reading the finished component back")?
    else {
        bail!("reading the finished component back: it is a WIT package, not a component");
    };
    let foreign = foreign_imports(&resolve, world);
    if !foreign.is_empty() {
        bail!(
            "checking imports: the guest calls {}; only {ALLOWED_IMPORT} is given to guests \
             (build for wasm32-unknown-unknown, without WASI)",
            foreign.join(", ")
        );
    }
    Ok(bytes)
}

/// Imports that carry a function other than the allowed one. An interface of types alone is part
/// of how WIT spells an export's signature and gives the guest nothing to call.
fn foreign_imports(resolve: &Resolve, world: WorldId) -> Vec<String> {
    let world = &resolve.worlds[world];
    let imports = world.imports.iter().filter_map(|(key, item)| {
        let name = resolve.name_world_key(key);
        let callable = match item {
            WorldItem::Function(_) => true,
            WorldItem::Interface { id, .. } => !resolve.interfaces[*id].functions.is_empty(),
            WorldItem::Type { .. } => false,
        };
        (callable && name != ALLOWED_IMPORT).then_some(name)
    });
    imports.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports_of(wit: &str, world: &str) -> Vec<String> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        foreign_imports(&resolve, world)
    }

    #[test]
    fn only_log_and_types_may_be_imported() {
        let wit = "package tidegate:plugin@0.1.0;
            interface log { say: func(text: string); }
            interface types { record row { id: u32 } }
            interface files { open: func(); }
            interface run { use types.{row}; run: func(r: row); }
            world good { import log; export run; }
            world bad { import log; import files; import now: func() -> u64; export run; }";
        assert_eq!(imports_of(wit, "good"), Vec::<String>::new());
        assert_eq!(
            imports_of(wit, "bad"),
            ["tidegate:plugin/files@0.1.0", "now"]
        );
    }

    #[test]
    fn bytes_that_are_no_guest_are_refused() {
        assert!(from_core(b"\0asm\x01\0\0\0garbage").is_err());
        assert!(from_core(b"").is_err());
    }
}
