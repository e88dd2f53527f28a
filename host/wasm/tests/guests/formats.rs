//! The built-in formats and predicates, called through the host: parts, nulls, limits, their configuration.
//!
//! What they write is tested beside them, against recorded bytes; here it is that it arrives.

use crate::world::{batch_of, batch_with_headers, catalog, setup};
use host_core::config::Config;
use host_core::id::TenantId;
use host_core::schema::SharedSchemas;
use host_wasm::{
    Context, Format, Limits, Pace, Part, Predicate, Setup, StartError, World, validate_config,
};

fn json(part: Part, schemas: &SharedSchemas) -> Setup {
    let config = [("schemas.enable", "false")];
    setup("JsonConverter", World::Format, Some(part), &config, schemas)
}

#[test]
fn values_come_out_in_order_and_a_selection_is_kept_to() {
    let schemas = SharedSchemas::default();
    let mut f = Format::new(json(Part::Value, &schemas)).unwrap();
    let mut b = batch_of(&[(1, "a"), (2, "b"), (3, "c")], &schemas);
    for (selection, want) in [
        (
            None,
            &[
                r#"{"id":1,"text":"a"}"#,
                r#"{"id":2,"text":"b"}"#,
                r#"{"id":3,"text":"c"}"#,
            ][..],
        ),
        (
            Some(&[0, 2][..]),
            &[r#"{"id":1,"text":"a"}"#, r#"{"id":3,"text":"c"}"#],
        ),
    ] {
        let out = f.encode(&mut b, selection).unwrap();
        let parts: Vec<&str> = out
            .iter()
            .map(|p| std::str::from_utf8(p.unwrap()).unwrap())
            .collect();
        assert_eq!(parts, want);
        assert_eq!(out.errors, []);
    }
}

#[test]
fn a_part_over_the_limit_is_null_and_reported() {
    let schemas = SharedSchemas::default();
    let limits = Limits {
        record_bytes_max: 50,
        ..Limits::default()
    };
    let setup = Setup {
        limits,
        ..json(Part::Value, &schemas)
    };
    let mut f = Format::new(setup).unwrap();
    let long = "x".repeat(100);
    let mut b = batch_of(&[(1, "a"), (2, &long), (3, "c")], &schemas);
    let out = f.encode(&mut b, None).unwrap();
    let parts: Vec<Option<usize>> = out.iter().map(|p| p.map(<[u8]>::len)).collect();
    assert_eq!(parts, [Some(19), None, Some(19)]);
    assert_eq!((out.errors.len(), out.errors[0].record), (1, 1));
    assert!(
        out.errors[0]
            .message
            .contains("takes 118 bytes and may take 50"),
        "{:?}",
        out.errors
    );
    assert_eq!(f.stats().snapshot().calls, 1, "nothing is called again");
}

#[test]
fn headers_are_encoded_together_and_tombstones_stay_null() {
    let schemas = SharedSchemas::default();
    let mut b = batch_with_headers(&[("a", "1"), ("b", "x")], &schemas);
    let class = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
    let setup = setup(class, World::Format, Some(Part::Header), &[], &schemas);
    let out = Format::new(setup).unwrap().encode(&mut b, None).unwrap();
    assert_eq!((out.len(), out.parts_of(0), out.parts_of(1)), (2, 0, 2));
    assert_eq!(out.data(), b"1x");
    let values = Format::new(json(Part::Value, &schemas))
        .unwrap()
        .encode(&mut b, None)
        .unwrap();
    assert_eq!(
        values.iter().collect::<Vec<_>>(),
        [None, Some(&b"\"text\""[..])]
    );
}

#[test]
fn predicates_answer_for_each_record() {
    let schemas = SharedSchemas::default();
    let mut b = batch_with_headers(&[("a", "1")], &schemas);
    for (class, config, want) in [
        ("RecordIsTombstone", &[][..], [true, false]),
        ("HasHeaderKey", &[("name", "a")], [false, true]),
        ("TopicNameMatches", &[("pattern", "t|u")], [true, true]),
        ("TopicNameMatches", &[("pattern", "u+")], [false, false]),
    ] {
        let class = format!("org.apache.kafka.connect.transforms.predicates.{class}");
        let setup = setup(&class, World::Predicate, None, config, &schemas);
        let tested = Predicate::new(setup).unwrap().test(&mut b).unwrap();
        assert_eq!(
            (tested.holds, tested.errors.len()),
            (want.to_vec(), 0),
            "{class}"
        );
    }
}

/// Connect's worker sets `converter.type` itself; users neither give it nor can they change it.
#[test]
fn a_converter_learns_its_part_from_its_place() {
    for (class, part) in [
        ("org.apache.kafka.connect.json.JsonConverter", Part::Key),
        (
            "org.apache.kafka.connect.storage.StringConverter",
            Part::Value,
        ),
        (
            "org.apache.kafka.connect.converters.ByteArrayConverter",
            Part::Header,
        ),
    ] {
        let found = catalog().resolve(&TenantId::default(), class, None, World::Format);
        let (plugin, class) = found.unwrap();
        let context = Context {
            class,
            part: Some(part),
        };
        for config in [&[][..], &[("converter.type", "nonsense")]] {
            let config: Config = config.iter().copied().collect();
            let found = validate_config(
                &plugin,
                &context,
                &config,
                &Limits::default(),
                &Pace::default(),
            );
            assert_eq!(found, [], "{context:?}");
            let schemas = SharedSchemas::default();
            let setup = setup(&context.class, World::Format, Some(part), &[], &schemas);
            Format::new(Setup { config, ..setup }).unwrap();
        }
    }
}

#[test]
fn a_wrong_configuration_is_found_before_and_at_the_start() {
    let schemas = SharedSchemas::default();
    let class = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches";
    // A missing key and a wrong type are the host's findings, a pattern that does not parse is the guest's.
    for (config, at_start) in [(&[][..], "pattern"), (&[("pattern", "(")], "pattern")] {
        let setup = setup(class, World::Predicate, None, config, &schemas);
        let found = validate_config(
            &setup.plugin,
            &setup.context,
            &setup.config,
            &setup.limits,
            &setup.pace,
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].key, at_start);
        let asked = !setup.pace.share.used().is_zero();
        assert_eq!(asked, !config.is_empty(), "a guest's time is its tenant's");
        match Predicate::new(setup).map(drop) {
            Err(StartError::Config { findings, .. }) => assert_eq!(findings[0].key, at_start),
            other => panic!("{other:?}"),
        }
    }
    let setup = json(Part::Value, &schemas);
    let config: Config = [("schemas.enable", "maybe")].into_iter().collect();
    let found = validate_config(
        &setup.plugin,
        &setup.context,
        &config,
        &setup.limits,
        &setup.pace,
    );
    assert_eq!(found[0].key, "schemas.enable", "{found:?}");
}
