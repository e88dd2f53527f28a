//! The other end of the compile process: `tidegate compile`.
//!
//! It limits itself, reads a plugin from stdin, checks and compiles it, and writes one byte for the world and the
//! compiled code to stdout. It opens no file, knows no key and has an empty environment.
//! Invariant: the limits are in force before the first byte is read.

use super::{CompileError, check_and_compile};
use crate::engine::Engine;
use crate::plugin::World;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::process::ExitCode;

/// CPU time of one compilation (17 s were measured for a JavaScript component).
pub(crate) const CPU_SECONDS_MAX: u64 = 60;
/// Memory of one compilation beyond what the process has mapped at its start (305 MiB were measured for JavaScript).
/// Address space is what can be limited; the compiler reserves none that it does not use.
pub(crate) const MEMORY_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Exit code for bytes that are not a plugin; the reason is on stderr.
pub(crate) const EXIT_REJECTED: i32 = 3;
/// Exit code for everything else.
const EXIT_FAILED: u8 = 4;
/// Most bytes that are read; the parent has checked its own limit before.
const INPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Runs `tidegate compile`: a plugin on stdin, compiled code on stdout, reasons on stderr.
pub fn run_child() -> ExitCode {
    match compile_stdin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(CompileError::Rejected(why)) => {
            say(&why);
            ExitCode::from(EXIT_REJECTED as u8)
        }
        Err(e) => {
            say(&e.to_string());
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn say(text: &str) {
    // Nobody is left to tell when stderr is gone.
    drop(writeln!(std::io::stderr(), "{text}"));
}

fn compile_stdin() -> Result<(), CompileError> {
    let host = |e: std::io::Error| CompileError::Host(e.to_string());
    limit_self().map_err(host)?;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(INPUT_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(host)?;
    let engine = Engine::for_compiling().map_err(|e| CompileError::Host(e.to_string()))?;
    let (world, code) = check_and_compile(&engine, &bytes)?;
    let mut out = std::io::stdout().lock();
    out.write_all(&[byte_of_world(world)]).map_err(host)?;
    out.write_all(&code).map_err(host)?;
    out.flush().map_err(host)
}

fn limit_self() -> std::io::Result<()> {
    let mapped_pages: u64 = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|s| s.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    let mapped = mapped_pages.saturating_mul(rustix::param::page_size() as u64);
    let limits = [
        (Resource::Cpu, CPU_SECONDS_MAX),
        (Resource::As, mapped.saturating_add(MEMORY_BYTES_MAX)),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ];
    for (resource, wanted) in limits {
        // A limit that is lower already (a container's) stays.
        let most = getrlimit(resource)
            .maximum
            .map_or(wanted, |m| m.min(wanted));
        setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        )?;
    }
    Ok(())
}

pub(crate) fn byte_of_world(world: World) -> u8 {
    match world {
        World::Transform => 1,
        World::Predicate => 2,
        World::Format => 3,
    }
}

pub(crate) fn world_from_byte(b: u8) -> Option<World> {
    World::ALL.into_iter().find(|w| byte_of_world(*w) == b)
}
