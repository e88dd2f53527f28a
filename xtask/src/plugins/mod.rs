//! `cargo x plugins`: guests from source to components, rebuilt only when something changed.
//!
//! Output is `target/plugins/<package>.wasm` and `target/plugins/manifest.json`, which
//! `host/wasm` embeds. This deliberately does not judge what a guest does; tests do. Invariant:
//! the manifest is written last, so a manifest always describes components that are complete.

mod componentize;
mod guest;
mod manifest;
mod sources;
mod toolchain;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::root::Root;
use crate::step;

pub(crate) use manifest::Manifest;

const MANIFEST: &str = "manifest.json";

/// Builds what changed and returns the manifest; under a second when nothing did.
pub(crate) fn build(root: &Root) -> Result<Manifest> {
    let out = &root.components();
    let started = Instant::now();
    let workspace = root.plugins();
    if !workspace.join("Cargo.toml").is_file() {
        bail!(
            "building plugins: no guest workspace at {}; is this a full checkout?",
            workspace.display()
        );
    }
    let folders = [workspace.clone(), root.join("wit")];
    let mut sources = sources::hash(&folders)?;
    if let Some(present) = toolchain::present(root)? {
        let hash = sources::with_toolchain(&sources, &present.version);
        if let Some(manifest) = Manifest::read_current(&out.join(MANIFEST), &hash)? {
            println!(
                "plugins: {} components are up to date ({} ms)",
                manifest.components.len(),
                started.elapsed().as_millis()
            );
            return Ok(manifest);
        }
    }
    let guests = guest::discover(root)?;
    let toolchain = toolchain::get(root)?;
    println!(
        "plugins: building {} guests with {}",
        guests.len(),
        toolchain.version
    );
    let target = root.join("target/guests");
    let log = root.join("target/guests/build.log");
    let mut command = toolchain.cargo(&workspace, &target);
    for guest in &guests {
        command.args(["--package", &guest.name]);
    }
    let lock = || std::fs::read(workspace.join("Cargo.lock")).ok();
    let before = lock();
    step::logged("compiling the guests", &log, &mut command)?;
    if lock() != before {
        // Cargo brought the lock file up to date; it is a source too.
        sources = sources::hash(&folders)?;
    }
    let hash = sources::with_toolchain(&sources, &toolchain.version);
    let manifest = finish(&guests, &target, out, hash)?;
    println!(
        "plugins: {} components in {} ({} s)",
        manifest.components.len(),
        out.display(),
        started.elapsed().as_secs()
    );
    Ok(manifest)
}

/// Turns every core module into a component, removes components whose guest is gone, and writes
/// the manifest last.
fn finish(guests: &[guest::Guest], target: &Path, out: &Path, hash: String) -> Result<Manifest> {
    std::fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
    let modules = target.join("wasm32-unknown-unknown/release");
    let mut components = Vec::with_capacity(guests.len());
    for guest in guests {
        let module = modules.join(format!("{}.wasm", guest.library));
        let bytes = componentize::component(&module)
            .with_context(|| format!("componentizing the guest {}", guest.name))?;
        let component = manifest::Component::of(guest, &bytes);
        manifest::write_if_changed(&out.join(&component.file), &bytes)?;
        components.push(component);
    }
    let manifest = Manifest { hash, components };
    remove_strangers(out, &manifest)?;
    manifest::write_if_changed(&out.join(MANIFEST), manifest.to_json().as_bytes())?;
    Ok(manifest)
}

/// A renamed guest must not leave its old component behind to be embedded or uploaded by mistake.
fn remove_strangers(out: &Path, manifest: &Manifest) -> Result<()> {
    let reading = || format!("reading {}", out.display());
    for entry in std::fs::read_dir(out).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        let known = path
            .file_name()
            .is_some_and(|name| manifest.components.iter().any(|c| name == c.file.as_str()));
        if !known && path.extension().is_some_and(|e| e == "wasm") {
            std::fs::remove_file(&path)
                .with_context(|| format!("removing the stale component {}", path.display()))?;
        }
    }
    Ok(())
}
