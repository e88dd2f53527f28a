//! What may be uploaded, under which name, and who sees it.
//!
//! Invariant of these tests: a refusal says what to do instead.

use crate::world::{catalog, guest, own_catalog, setup, stamped, transform, upload};
use host_core::id::TenantId;
use host_core::schema::SharedSchemas;
use host_wasm::{DeleteError, Limits, Transform, UploadError, World};
use wasmparser::{Parser, Payload};

/// The main core module of a component, with its WIT embedded again: what `wit-bindgen` leaves before it is componentized.
fn core_module(component: &[u8]) -> Vec<u8> {
    let module = Parser::new(0)
        .parse_all(component)
        .find_map(|p| match p.unwrap() {
            Payload::ModuleSection {
                unchecked_range: r, ..
            } => component.get(r.start..r.end).map(<[u8]>::to_vec),
            _ => None,
        });
    let mut module = module.unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some("transform")).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    module
}

#[test]
fn a_core_module_with_embedded_wit_becomes_a_component() {
    let c = catalog();
    let module = core_module(&guest("hostile-echo.wasm"));
    assert!(Parser::is_core_wasm(&module));
    let done = upload(c, "acme.FromCore", "1.0.0", &module).unwrap();
    assert_eq!(done.plugin.world(), World::Transform);
    assert_eq!(done.plugin.size_bytes(), module.len());
    let schemas = SharedSchemas::default();
    let mut t = transform("wasm.acme.FromCore", &[], Limits::default(), &schemas);
    let done = t
        .apply(&mut crate::world::batch(3, &schemas), None)
        .unwrap();
    assert_eq!((done.errors.len(), done.applied.changed), (0, 3));
}

#[test]
fn what_is_no_plugin_is_refused_with_the_way_to_make_one() {
    let c = catalog();
    let wasi = include_str!("../../../../plugins/hostile/wasi_import.wat");
    let cases = [
        (b"garbage".to_vec(), "not a webassembly file"),
        (wat::parse_str(wasi).unwrap(), "wasm32-unknown-unknown"),
        (
            wat::parse_str(wasi).unwrap(),
            "imports wasi_snapshot_preview1",
        ),
        (wat::parse_str("(module)").unwrap(), "without embedded wit"),
        (wat::parse_str("(component)").unwrap(), "exports nothing"),
    ];
    for (bytes, why) in cases {
        let e = upload(c, "acme.No", "1.0.0", &bytes)
            .unwrap_err()
            .to_string();
        assert!(e.contains(why) && e.contains("acme.No 1.0.0"), "{e}");
    }
    let half = guest("hostile-echo.wasm");
    let e = upload(c, "acme.No", "1.0.0", &half[..half.len() / 2]).unwrap_err();
    assert!(matches!(e, UploadError::Compile { .. }), "{e}");
    let gone = c.resolve(&TenantId::default(), "wasm.acme.No", None, World::Transform);
    assert!(gone.is_err(), "nothing is left of a refused upload");
}

#[test]
fn a_large_upload_is_refused_before_it_is_looked_at() {
    let (c, _) = own_catalog("wasm-large", |s| host_wasm::compile::Settings {
        upload_bytes_max: 1000,
        ..s
    });
    let e = upload(&c, "acme.Large", "1.0.0", &[0; 1001])
        .unwrap_err()
        .to_string();
    assert!(e.contains("1001 bytes and may be 1000"), "{e}");
}

#[test]
fn names_and_versions_have_a_form() {
    let c = catalog();
    let echo = guest("hostile-echo.wasm");
    for name in [
        "Echo",
        "org.apache.kafka.Echo",
        "io.debezium.X",
        "acme.",
        "acme.a/b",
        "",
    ] {
        let e = upload(c, name, "1.0.0", &echo).unwrap_err();
        assert!(matches!(e, UploadError::Name(_)), "{name}: {e}");
    }
    for version in ["", "1", "latest", "1.0.0.0"] {
        let e = upload(c, "acme.Echo", version, &echo).unwrap_err();
        assert!(matches!(e, UploadError::Version(_)), "{version}: {e}");
    }
}

#[test]
fn versions_are_immutable_and_used_ones_stay() {
    let c = catalog();
    let tenant = TenantId::default();
    let echo = guest("hostile-echo.wasm");
    assert!(upload(c, "acme.E", "1.0.0", &echo).unwrap().created);
    assert!(!upload(c, "acme.E", "1.0.0", &echo).unwrap().created);
    let other = stamped(echo.clone(), 1);
    let e = upload(c, "acme.E", "1.0.0", &other).unwrap_err();
    assert!(matches!(e, UploadError::Conflict { .. }), "{e}");
    assert!(upload(c, "acme.E", "1.1.0", &other).unwrap().created);
    let of = |version| {
        let found = c.resolve(&tenant, "wasm.acme.E", version, World::Transform);
        found.map(|(plugin, _)| plugin.version().to_owned())
    };
    assert_eq!(of(None).unwrap(), "1.1.0", "the newest");
    assert_eq!(of(Some("[1.0.0]")).unwrap(), "1.0.0");
    let e = of(Some("2.0.0")).unwrap_err();
    assert!(
        e.is_about_version() && e.to_string().contains("1.0.0, 1.1.0"),
        "{e}"
    );

    let schemas = SharedSchemas::default();
    let setup = setup("wasm.acme.E", World::Transform, None, &[], &schemas);
    let running = Transform::new(setup).unwrap();
    let delete = |users: &[String]| c.delete(&tenant, "acme.E", "1.1.0", users).map(drop);
    assert!(matches!(delete(&[]), Err(DeleteError::InUse { .. })));
    drop(running);
    let e = delete(&["inventory".into()]).unwrap_err().to_string();
    assert!(e.contains("in use by inventory"), "{e}");
    delete(&[]).unwrap();
    assert_eq!(of(None).unwrap(), "1.0.0");
    assert!(matches!(delete(&[]), Err(DeleteError::NotFound { .. })));
}

#[test]
fn tenants_see_the_builtins_and_their_own() {
    let c = catalog();
    let stranger = TenantId::new("stranger").unwrap();
    let find = |class: &str, world| c.resolve(&stranger, class, None, world);
    assert!(find("wasm.hostile.Echo", World::Transform).is_err());
    assert!(find("JsonConverter", World::Format).is_ok());
    assert!(c.uploads(&stranger).is_empty());
    assert!(c.delete(&stranger, "hostile.Echo", "1.0.0", &[]).is_err());
    // The same name and version is free to the other, with bytes of its own.
    let mine = c.upload(host_wasm::Upload {
        tenant: &stranger,
        name: "hostile.Echo",
        version: "1.0.0",
        bytes: &guest("hostile-trap.wasm"),
        memory_bytes: 0,
    });
    assert!(mine.unwrap().created);
    let (theirs, _) = find("wasm.hostile.Echo", World::Transform).unwrap();
    let default = TenantId::default();
    let (ours, _) = c
        .resolve(&default, "wasm.hostile.Echo", None, World::Transform)
        .unwrap();
    assert_ne!(theirs.digest(), ours.digest());
}
