//! The plugins inside the binary: Connect's and Debezium's own classes, built from `plugins/`.
//!
//! `build.rs` embeds them. They are compiled in this process, since they are part of it, and cached like uploads.
//! Invariant: all of them are loaded before the first connector, or the worker does not start.

use super::UploadError;
use crate::compile::Compiler;
use crate::instance::describe;
use crate::limits::Limits;
use crate::plugin::{Origin, Plugin, World};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Builtin {
    name: &'static str,
    classes: &'static [&'static str],
    world: World,
    bytes: &'static [u8],
}

const BUILTINS: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// Loads all of them, on all processors: after an update none is in the cache, and compiling one takes up to seconds.
pub(super) fn load(compiler: &Compiler, limits: &Limits) -> Result<Vec<Arc<Plugin>>, UploadError> {
    // The largest first, so that no thread is left alone with it at the end.
    let mut order: Vec<usize> = (0..BUILTINS.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(BUILTINS.get(*i).map_or(0, |b| b.bytes.len())));
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(i) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(b) = BUILTINS.get(*i) {
                done.push((*i, load_one(b, compiler, limits).map(Arc::new)));
            }
        }
        done
    };
    let mut all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(BUILTINS.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let mut all = work();
        for other in others {
            // A panic there is one here.
            all.extend(
                other
                    .join()
                    .unwrap_or_else(|e| std::panic::resume_unwind(e)),
            );
        }
        all
    });
    all.sort_by_key(|(i, _)| *i);
    all.into_iter().map(|(_, plugin)| plugin).collect()
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
    let linked = Plugin::link(compiler.engine(), &compiled.component, origin);
    linked
        .and_then(|p| describe(p, limits))
        .map_err(|fault| UploadError::Describe {
            name,
            version,
            fault,
        })
}
