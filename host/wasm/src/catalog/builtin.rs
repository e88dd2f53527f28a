//! The plugins inside the binary: Connect's and Debezium's own classes, built from `plugins/`.
//!
//! `build.rs` embeds them. They are compiled in this process, since they are part of it, and cached like uploads.
//! Invariant: all of them are loaded before the first connector, or the worker does not start.

use super::UploadError;
use crate::compile::Compiler;
use crate::limits::Limits;
use crate::plugin::{Origin, Plugin, World};
use std::sync::Arc;

struct Builtin {
    name: &'static str,
    classes: &'static [&'static str],
    world: World,
    bytes: &'static [u8],
}

const BUILTINS: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

pub(super) fn load(compiler: &Compiler, limits: &Limits) -> Result<Vec<Arc<Plugin>>, UploadError> {
    BUILTINS
        .iter()
        .map(|b| load_one(b, compiler, limits).map(Arc::new))
        .collect()
}

fn load_one(b: &Builtin, compiler: &Compiler, limits: &Limits) -> Result<Plugin, UploadError> {
    let (name, version) = (b.name.to_owned(), "(built in)".to_owned());
    let compiled = match compiler.compile_builtin(b.bytes) {
        Ok(compiled) => compiled,
        Err(error) => {
            return Err(UploadError::Compile {
                name,
                version,
                error,
            });
        }
    };
    let origin = Origin {
        classes: b.classes.iter().map(|c| Arc::from(*c)).collect(),
        version: None,
        world: b.world,
        digest: compiled.digest,
        size_bytes: b.bytes.len(),
        memory_bytes: 0,
    };
    Plugin::new(compiler.engine(), &compiled.component, origin, limits).map_err(|fault| {
        UploadError::Describe {
            name,
            version,
            fault,
        }
    })
}
