//! Embeds the built-in plugins: the components that `cargo x plugins` left in `target/plugins`.
//!
//! It builds nothing itself. Hostile components and examples stay out of the binary.
//! Invariant: without a manifest the build stops with the one command to run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(serde::Deserialize)]
struct Manifest {
    components: Vec<Component>,
}

#[derive(serde::Deserialize)]
struct Component {
    name: String,
    file: String,
    classes: Vec<String>,
    world: String,
    #[serde(default)]
    hostile: bool,
}

fn main() {
    println!("cargo::rerun-if-env-changed=TIDEGATE_PLUGINS_DIR");
    if let Err(message) = embed() {
        println!("cargo::error={message}");
        std::process::exit(1);
    }
}

fn embed() -> Result<(), String> {
    let root = std::env::var("CARGO_MANIFEST_DIR").map_err(|e| e.to_string())?;
    let dir = std::env::var_os("TIDEGATE_PLUGINS_DIR").map_or_else(
        || Path::new(&root).join("../../target/plugins"),
        PathBuf::from,
    );
    let manifest = dir.join("manifest.json");
    println!("cargo::rerun-if-changed={}", manifest.display());
    let text = std::fs::read_to_string(&manifest)
        .map_err(|_| "built-in plugins are not built: run `cargo x plugins`".to_owned())?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|e| {
        format!("reading the manifest of the built-in plugins: {e}; run `cargo x plugins`")
    })?;
    let mut code = String::from("&[\n");
    for c in manifest.components.iter().filter(|c| is_builtin(c)) {
        let file = dir.join(&c.file);
        let file = file.canonicalize().map_err(|_| {
            format!(
                "built-in plugin {} is missing: run `cargo x plugins`",
                c.name
            )
        })?;
        println!("cargo::rerun-if-changed={}", file.display());
        let world = match c.world.as_str() {
            "transform" => "Transform",
            "predicate" => "Predicate",
            "format" => "Format",
            other => {
                return Err(format!(
                    "built-in plugin {} has unknown world {other}",
                    c.name
                ));
            }
        };
        writeln!(
            code,
            "    Builtin {{ name: {:?}, classes: &{:?}, world: World::{world}, bytes: include_bytes!({:?}) }},",
            c.name, c.classes, file.to_string_lossy()
        )
        .map_err(|e| e.to_string())?;
    }
    code.push(']');
    let out = std::env::var("OUT_DIR").map_err(|e| e.to_string())?;
    std::fs::write(Path::new(&out).join("builtins.rs"), code).map_err(|e| e.to_string())
}

/// Built-ins bear the names of the classes they stand for; examples and hostile components do not.
fn is_builtin(c: &Component) -> bool {
    let sealed = |class: &String| {
        class.starts_with("org.apache.kafka.") || class.starts_with("io.debezium.")
    };
    !c.hostile && !c.classes.is_empty() && c.classes.iter().all(sealed)
}
