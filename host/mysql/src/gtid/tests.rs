//! GTID sets against MySQL's text forms and a naive set of numbers.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const A: &str = "3da89d6b-e5b5-11f1-9f9e-02fc00000001";
const B: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";

fn set(text: &str) -> GtidSet {
    text.parse().unwrap()
}

#[test]
fn prints_as_mysql_does() {
    for (text, printed) in [
        ("", ""),
        (" , ,", ""),
        (&format!("{A}:1-8"), format!("{A}:1-8").as_str()),
        (
            &format!("{}:5:1-3:4", A.to_uppercase()),
            &format!("{A}:1-5"),
        ),
        (&format!("{B}:1,\n{A}:7"), &format!("{A}:7,{B}:1")),
        (
            &format!("{A}:TAG:1-3:2:tag2:9, {A}:4"),
            &format!("{A}:4:tag:1-3:tag2:9"),
        ),
        (&format!("{A}:9-3:1"), &format!("{A}:1")),
        (&format!("{A} : 1 - 3"), &format!("{A}:1-3")),
    ] {
        assert_eq!(set(text).to_string(), printed, "{text:?}");
    }
}

#[test]
fn refuses_what_mysql_refuses() {
    for bad in [
        "x",
        A,
        &format!("{A}:"),
        &format!("{A}:0"),
        &format!("{A}:1-"),
        &format!("{A}:-1"),
        &format!("{A}:1:tag"),
        &format!("{A}:9tag:1"),
        &format!("{A}:+1"),
        &format!("{A}:1-2-3"),
        &format!("{A}:9223372036854775807"),
        &format!("{A}:99999999999999999999"),
        &format!("{A}:{}:1", "t".repeat(33)),
        "3da89d6b-e5b5-11f1-9f9e:1",
    ] {
        assert!(bad.parse::<GtidSet>().is_err(), "{bad:?}");
    }
    let error = format!("{A}:1,{B}:x y")
        .parse::<GtidSet>()
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "reading a gtid set: expected an interval or a tag at byte 76, found \"x y\""
    );
}

#[test]
fn one_gtid_reads_and_prints() {
    for text in [format!("{A}:1"), format!("{A}:tag_1:9223372036854775806")] {
        assert_eq!(text.parse::<Gtid>().unwrap().to_string(), text);
    }
    for bad in [format!("{A}:1-2"), format!("{A}:1,{B}:1"), String::new()] {
        assert!(bad.parse::<Gtid>().is_err(), "{bad}");
    }
    assert!(set(&format!("{A}:1-3")).contains(&format!("{A}:3").parse().unwrap()));
    assert!(!set(&format!("{A}:1-3")).contains(&format!("{A}:t:3").parse().unwrap()));
}

#[test]
fn filters_by_server() {
    let mut both = set(&format!("{A}:1:tag:1,{B}:1"));
    let includes = SourceFilter::includes(&format!("{}, c.*", A.to_uppercase())).unwrap();
    both.retain(|uuid| includes.passes(uuid));
    assert_eq!(both.to_string(), format!("{A}:1:tag:1"));
    let excludes = SourceFilter::excludes("3da8.*").unwrap();
    both.retain(|uuid| excludes.passes(uuid));
    assert!(both.is_empty());
    assert!(SourceFilter::includes("(").is_err());
}

#[test]
fn mariadb_lists() {
    let list: MariaDbGtidSet = "0-1-100, 1-2-5,0-3-7,0-1-50".parse().unwrap();
    assert_eq!(list.to_string(), "0-1-100,0-3-7,1-2-5");
    assert!(list.contains(&"0-1-99".parse().unwrap()));
    assert!(!list.contains(&"0-2-1".parse().unwrap()));
    let mut more = list.clone();
    more.add("1-2-6".parse().unwrap());
    assert!(list.is_subset(&more) && !more.is_subset(&list));
    for bad in [
        "0-1",
        "0-1-2-3",
        "0--1",
        "x-1-1",
        "0-1-",
        "4294967296-1-1",
        "+0-1-1",
    ] {
        assert!(bad.parse::<MariaDbGtidSet>().is_err(), "{bad}");
    }
}

type Numbers = BTreeSet<(u8, u64)>;

fn build(numbers: &Numbers) -> GtidSet {
    let mut set = GtidSet::default();
    for &(source, number) in numbers {
        let tag = if source == 2 { ":t" } else { "" };
        let uuid = if source == 1 { B } else { A };
        set.add(&format!("{uuid}{tag}:{number}").parse().unwrap());
    }
    set
}

fn numbers() -> impl Strategy<Value = Numbers> {
    prop::collection::btree_set((0u8..3, 1u64..40), 0..60)
}

proptest! {
    #[test]
    fn algebra_is_that_of_sets(a in numbers(), b in numbers()) {
        let (x, y) = (build(&a), build(&b));
        let mut union = x.clone();
        union.union(&y);
        prop_assert_eq!(&union, &build(&a.union(&b).copied().collect()));
        let mut rest = x.clone();
        rest.subtract(&y);
        prop_assert_eq!(&rest, &build(&a.difference(&b).copied().collect()));
        prop_assert_eq!(x.is_subset(&y), a.is_subset(&b));
        prop_assert!(rest.is_subset(&x) && x.is_subset(&union));
        for source in 0..3 {
            for number in 1..40 {
                let one = build(&[(source, number)].into());
                prop_assert_eq!(one.is_subset(&x), a.contains(&(source, number)));
            }
        }
        prop_assert_eq!(&set(&x.to_string()), &x);
    }

    #[test]
    fn no_text_panics(text in "[0-9a-f:,\\- \ntT_é]{0,120}") {
        if let Ok(set) = text.parse::<GtidSet>() {
            prop_assert_eq!(&set.to_string().parse::<GtidSet>().unwrap(), &set);
        }
        let _unused = text.parse::<MariaDbGtidSet>().map(|set| set.to_string());
    }
}
