//! What the tests share: the catalog, configured plugins, batches.
//!
//! It holds no assertions about plugins. Invariant: a missing component fails the test with the command to run.

use host_core::batch::{Batch, BatchBuilder};
use host_core::config::Config;
use host_core::id::TenantId;
use host_core::layout::Slot;
use host_core::offset::{Offset, OffsetTable, SourcePartition};
use host_core::schema::{Schema, SchemaId, SchemaType, SharedSchemas};
use host_wasm::compile::{Compiler, Settings};
use host_wasm::{
    Catalog, Context, Engine, Limits, LogSink, Owner, Pace, Part, Setup, Transform, Upload,
    UploadError, Uploaded, World,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

#[derive(Debug)]
struct NoOffsets;
impl OffsetTable for NoOffsets {
    fn offset(&self, _: u32) -> Option<(SourcePartition, Offset)> {
        None
    }
}

/// The program that compiles.
pub(crate) const CHILD: &str = env!("CARGO_BIN_EXE_tidegate-compile");

/// The bytes of a component from `cargo x plugins`.
pub(crate) fn guest(file: &str) -> Vec<u8> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/plugins");
    let dir = std::env::var_os("TIDEGATE_PLUGINS_DIR").map_or(PathBuf::from(own), PathBuf::from);
    std::fs::read(dir.join(file))
        .unwrap_or_else(|e| panic!("{file}: {e}; guests are not built: run `cargo x plugins`"))
}

/// The same component as other bytes: with a custom section that nothing reads.
pub(crate) fn stamped(mut component: Vec<u8>, stamp: u8) -> Vec<u8> {
    component.extend_from_slice(&[0, 3, 1, b's', stamp]);
    component
}

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

pub(crate) fn settings(cache: &Path) -> Settings {
    Settings {
        command: Some((PathBuf::from(CHILD), Vec::new())),
        ..Settings::new(cache)
    }
}

fn open(settings: Settings) -> Catalog {
    let compiler = Compiler::new(Engine::new().unwrap(), settings).unwrap();
    Catalog::open(Arc::new(compiler), Limits::default()).unwrap()
}

/// One catalog for all tests, with the hostile guests uploaded by the default tenant.
pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        let catalog = open(settings(&directory("wasm-cache")));
        for (file, name) in [
            ("spin", "Spin"),
            ("trap", "Trap"),
            ("memory", "Memory"),
            ("output", "Output"),
            ("recursion", "Recursion"),
            ("malformed", "Malformed"),
            ("echo", "Echo"),
            ("log-flood", "LogFlood"),
        ] {
            let bytes = guest(&format!("hostile-{file}.wasm"));
            upload(&catalog, &format!("hostile.{name}"), "1.0.0", &bytes).unwrap();
        }
        catalog
    })
}

/// A catalog of a test's own, whose cache begins as a copy of the shared one; the directory comes with it.
pub(crate) fn own_catalog(
    name: &str,
    change: impl FnOnce(Settings) -> Settings,
) -> (Catalog, PathBuf) {
    catalog();
    let dir = directory(name);
    drop(std::fs::remove_dir_all(&dir));
    std::fs::create_dir_all(&dir).unwrap();
    for file in std::fs::read_dir(directory("wasm-cache")).unwrap() {
        let file = file.unwrap();
        // Another test process may be writing.
        if !file.file_name().to_string_lossy().ends_with(".tmp") {
            std::fs::copy(file.path(), dir.join(file.file_name())).unwrap();
        }
    }
    (open(change(settings(&dir))), dir)
}

pub(crate) fn upload(
    c: &Catalog,
    name: &str,
    version: &str,
    bytes: &[u8],
) -> Result<Uploaded, UploadError> {
    c.upload(Upload {
        tenant: &TenantId::default(),
        name,
        version,
        bytes,
        memory_bytes: 0,
    })
}

/// All that a plugin of this class starts from; log lines are dropped.
pub(crate) fn setup(
    class: &str,
    world: World,
    part: Option<Part>,
    config: &[(&str, &str)],
    schemas: &SharedSchemas,
) -> Setup {
    let (plugin, class) = catalog()
        .resolve(&TenantId::default(), class, None, world)
        .unwrap();
    Setup {
        plugin,
        owner: Owner {
            tenant: TenantId::default(),
            connector: "c".into(),
            role: "transforms.t".into(),
            class: class.as_str().into(),
        },
        context: Context { class, part },
        config: config.iter().copied().collect::<Config>(),
        limits: Limits::default(),
        schemas: schemas.clone(),
        sink: Arc::new(|_| {}),
        pace: Pace::default(),
    }
}

pub(crate) fn transform(
    class: &str,
    config: &[(&str, &str)],
    limits: Limits,
    schemas: &SharedSchemas,
) -> Transform {
    let setup = setup(class, World::Transform, None, config, schemas);
    Transform::new(Setup { limits, ..setup }).unwrap()
}

pub(crate) fn logging(setup: Setup, sink: LogSink) -> Setup {
    Setup { sink, ..setup }
}

/// Records `{id: …, text: …}` of topic `t`, key and value alike, without headers.
pub(crate) fn batch_of(rows: &[(i32, &str)], schemas: &SharedSchemas) -> Batch {
    let schema = |s| schemas.intern(s).unwrap();
    let int = schema(Schema::new(SchemaType::Int32));
    let text = schema(Schema::new(SchemaType::String));
    let row = Schema::new(SchemaType::Struct);
    let row = schema(row.field("id", int).field("text", text));
    let mut b = BatchBuilder::new(schemas.clone());
    for (id, text) in rows {
        let text = b.arena.string(text);
        let v = b.arena.structure(&[Slot::int32(*id), text]);
        b.push("t", (row, v), (row, v), &[]);
    }
    b.finish(0, Arc::new(NoOffsets)).unwrap()
}

/// Records with the ids 0, 1, 2 …
pub(crate) fn batch(n: i32, schemas: &SharedSchemas) -> Batch {
    let rows: Vec<(i32, &str)> = (0..n).map(|i| (i, "x")).collect();
    batch_of(&rows, schemas)
}

/// A tombstone, and a record of a text with these headers.
pub(crate) fn batch_with_headers(headers: &[(&str, &str)], schemas: &SharedSchemas) -> Batch {
    let text = schemas.intern(Schema::new(SchemaType::String)).unwrap();
    let none = (SchemaId::NONE, Slot::NULL);
    let mut b = BatchBuilder::new(schemas.clone());
    b.push("t", none, none, &[]);
    let value = b.arena.string("text");
    let headers: Vec<(&str, SchemaId, Slot)> = headers
        .iter()
        .map(|(name, value)| (*name, text, b.arena.string(value)))
        .collect();
    b.push("t", none, (text, value), &headers);
    b.finish(0, Arc::new(NoOffsets)).unwrap()
}

/// All bytes of a batch.
pub(crate) fn bytes(batch: &mut Batch) -> Vec<u8> {
    batch.with_wire(None, <[u8]>::to_vec)
}
