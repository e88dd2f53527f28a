//! What calls of plugins cost, and how long the catalog takes to open: the numbers of `docs/benchmarks/wasm-calls.md`.
//!
//! A measurement, not a test: it asserts nothing about time. Its native counterpart is
//! `plugins/sdk/examples/native_calls.rs`. Invariant: only the call is timed, not the making of its batch.
//! Usage: `cargo run --release -p host-wasm --example calls`, after `cargo x plugins`.

mod notebook;

use host_core::batch::{Batch, BatchBuilder};
use host_core::id::TenantId;
use host_core::offset::{Offset, OffsetTable, SourcePartition};
use host_core::schema::{SchemaId, SharedSchemas};
use host_wasm::compile::{Compiler, Settings, run_child};
use host_wasm::{
    Catalog, Context, Engine, Format, Limits, Owner, Pace, Part, PluginStats, Predicate, Setup,
    Transform, Upload, World,
};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Fallible<T> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 500;
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const TOMBSTONE: &str = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone";

#[derive(Debug)]
struct NoOffsets;
impl OffsetTable for NoOffsets {
    fn offset(&self, _: u32) -> Option<(SourcePartition, Offset)> {
        None
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("compile") {
        return run_child();
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("measuring plugin calls: {e}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Fallible<()> {
    let cache = std::env::temp_dir().join(format!("tidegate-calls-{}", std::process::id()));
    println!(
        "load average: {}",
        std::fs::read_to_string("/proc/loadavg")?.trim()
    );
    let open = |label: &str| -> Fallible<Catalog> {
        let began = Instant::now();
        let compiler = Compiler::new(Engine::new()?, Settings::new(&cache))?;
        let catalog = Catalog::open(Arc::new(compiler), Limits::default())?;
        println!("open the catalog, {label}: {:.0?}", began.elapsed());
        Ok(catalog)
    };
    open("cold")?;
    open("warm")?;
    let catalog = open("warm again")?;
    let result = calls(&catalog);
    std::fs::remove_dir_all(&cache)?;
    result
}

fn calls(catalog: &Catalog) -> Fallible<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins");
    let bytes = std::fs::read(dir.join("mask-pii.wasm"))
        .map_err(|e| format!("mask-pii.wasm: {e}; run `cargo x plugins`"))?;
    let began = Instant::now();
    catalog.upload(Upload {
        tenant: &TenantId::default(),
        name: "acme.MaskPii",
        version: "1.0.0",
        bytes: &bytes,
        memory_bytes: 0,
    })?;
    println!(
        "upload mask_pii ({} bytes): {:.0?}\n",
        bytes.len(),
        began.elapsed()
    );
    println!(
        "{:<34}{:>8}{:>12}{:>12}{:>14}",
        "call", "records", "min ns/rec", "median", "guest CPU"
    );
    let schemas = SharedSchemas::default();
    let envelope = intern(&schemas);
    for n in [1, 16, 128] {
        let mut p = Predicate::new(setup(catalog, TOMBSTONE, World::Predicate, &[], &schemas)?)?;
        let stats = Arc::clone(p.stats());
        run(
            "predicate RecordIsTombstone",
            n,
            &stats,
            &schemas,
            envelope,
            |b| p.test(b).map(drop).map_err(Into::into),
        )?;
        let mut t = Transform::new(setup(
            catalog,
            "wasm.acme.MaskPii",
            World::Transform,
            &[],
            &schemas,
        )?)?;
        let stats = Arc::clone(t.stats());
        run("transform mask_pii", n, &stats, &schemas, envelope, |b| {
            t.apply(b, None).map(drop).map_err(Into::into)
        })?;
        for enable in ["false", "true"] {
            let config = [("schemas.enable", enable)];
            let mut f = Format::new(setup(catalog, JSON, World::Format, &config, &schemas)?)?;
            let stats = Arc::clone(f.stats());
            let name = format!("JsonConverter schemas.enable={enable}");
            run(&name, n, &stats, &schemas, envelope, |b| {
                f.encode(b, None).map(drop).map_err(Into::into)
            })?;
        }
    }
    Ok(())
}

fn intern(schemas: &SharedSchemas) -> SchemaId {
    notebook::envelope(&mut |s| schemas.intern(s).unwrap_or(SchemaId::NONE))
}

fn setup(
    catalog: &Catalog,
    class: &str,
    world: World,
    config: &[(&str, &str)],
    schemas: &SharedSchemas,
) -> Fallible<Setup> {
    let tenant = TenantId::default();
    let (plugin, class) = catalog.resolve(&tenant, class, None, world)?;
    Ok(Setup {
        plugin,
        owner: Owner {
            tenant,
            connector: "calls".into(),
            role: "measured".into(),
            class: class.as_str().into(),
        },
        context: Context {
            class,
            part: (world == World::Format).then_some(Part::Value),
        },
        config: config.iter().copied().collect(),
        limits: Limits::default(),
        schemas: schemas.clone(),
        sink: Arc::new(|_| {}),
        pace: Pace::default(),
    })
}

fn batch(records: i32, schemas: &SharedSchemas, envelope: SchemaId) -> Fallible<Batch> {
    let mut b = BatchBuilder::new(schemas.clone());
    for entry in notebook::updates(&mut b.arena, envelope, records) {
        b.push_entry(entry);
    }
    Ok(b.finish(0, Arc::new(NoOffsets))?)
}

/// Times many calls, each on a fresh batch, and prints the least and the median time of a record.
fn run(
    name: &str,
    records: i32,
    stats: &PluginStats,
    schemas: &SharedSchemas,
    envelope: SchemaId,
    mut call: impl FnMut(&mut Batch) -> Fallible<()>,
) -> Fallible<()> {
    let mut times: Vec<Duration> = Vec::with_capacity(ROUNDS);
    let mut guest: Vec<u64> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let mut b = batch(records, schemas, envelope)?;
        let (cpu, began) = (stats.cpu_ns(), Instant::now());
        call(&mut b)?;
        times.push(began.elapsed());
        guest.push(stats.cpu_ns() - cpu);
    }
    times.sort_unstable();
    guest.sort_unstable();
    let per = |d: Duration| d.as_nanos() as f64 / f64::from(records);
    let (least, median) = (times.first(), times.get(ROUNDS / 2));
    println!(
        "{name:<34}{records:>8}{:>12.0}{:>12.0}{:>14.0}",
        least.map_or(0.0, |d| per(*d)),
        median.map_or(0.0, |d| per(*d)),
        guest
            .first()
            .map_or(0.0, |ns| *ns as f64 / f64::from(records)),
    );
    Ok(())
}
