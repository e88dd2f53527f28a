//! What a column can hold, and literals of it: boundaries first.
//!
//! Values on which Debezium's snapshot and streaming disagree, or which it garbles, are left out where that happens; each
//! is a line of docs/compatibility.md. Invariant: a literal is valid SQL, whether or not a strict server accepts it.

use super::random::Random;
use super::text;

/// In which part of a workload a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Snapshot,
    Streaming,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Domain {
    Integer {
        low: i128,
        high: i128,
    },
    /// Digits in all, digits after the point.
    Decimal {
        digits: usize,
        scale: usize,
        unsigned: bool,
    },
    Float {
        unsigned: bool,
    },
    Double {
        unsigned: bool,
    },
    Bit(usize),
    Text {
        charset: String,
        characters_max: usize,
    },
    Bytes(usize),
    Date,
    /// Digits of the fraction, here and below.
    Time(usize),
    DateTime(usize),
    Timestamp(usize),
    Year,
    /// One of these literals' texts.
    Enum(Vec<String>),
    Set(Vec<String>),
    Json,
    Geometry(&'static str),
    Vector(usize),
}

impl Domain {
    /// A literal, never NULL.
    pub(super) fn literal(&self, random: &mut Random, phase: Phase) -> String {
        match self {
            Self::Integer { low, high } => integer(random, *low, *high),
            Self::Decimal {
                digits,
                scale,
                unsigned,
            } => decimal(random, *digits, *scale, *unsigned),
            Self::Float { unsigned } => float(random, *unsigned, phase),
            Self::Double { unsigned } => double(random, *unsigned),
            Self::Bit(bits) => bits_literal(random, *bits),
            Self::Text {
                charset,
                characters_max,
            } => text::literal(random, charset, *characters_max),
            Self::Bytes(most) => bytes(random, *most),
            Self::Date => format!("'{}'", date(random)),
            Self::Time(fraction) => format!("'{}{}'", time(random), part(random, *fraction, false)),
            Self::DateTime(fraction) => {
                format!(
                    "'{} {}{}'",
                    date(random),
                    clock(random),
                    part(random, *fraction, false)
                )
            }
            Self::Timestamp(fraction) => timestamp(random, *fraction, phase),
            Self::Year => random
                .of(&[
                    "1901", "1970", "1999", "2000", "2024", "2155", "'69'", "'70'",
                ])
                .to_owned(),
            Self::Enum(values) => match random.below(8) {
                0 => (random.below(values.len()) + 1).to_string(),
                _ => format!("'{}'", values[random.below(values.len())]),
            },
            Self::Set(values) => format!("'{}'", random.some(values).join(",")),
            Self::Json => json(random, phase),
            Self::Geometry(kind) => geometry(random, kind),
            Self::Vector(most) => {
                let all: Vec<&str> = (0..*most)
                    .map(|_| random.of(&["0", "1", "-1.5", "0.25", "1e10", "3.5"]))
                    .collect();
                format!("STRING_TO_VECTOR('[{}]')", all.join(","))
            }
        }
    }

    /// A literal out of few, so that keys meet.
    pub(super) fn key_literal(&self, random: &mut Random) -> String {
        let n = random.between(1, 9);
        match self {
            Self::Integer { low, high } => {
                let boundary = [*low, *high][random.below(2)];
                if random.one_in(10) {
                    boundary.to_string()
                } else {
                    n.to_string()
                }
            }
            Self::Decimal { scale, .. } if *scale > 0 => format!("{}.{}", n % 3, n),
            Self::Decimal { .. } | Self::Float { .. } | Self::Double { .. } => n.to_string(),
            Self::Bit(_) => (n % 2).to_string(),
            Self::Text { charset, .. } if random.one_in(3) => text::literal(random, charset, 3),
            Self::Text { .. } => format!("'k{n}'"),
            Self::Bytes(_) => format!("x'0{n}'"),
            Self::Date => format!("'2024-02-0{n}'"),
            Self::Time(_) => format!("'0{n}:00:00'"),
            Self::DateTime(_) => format!("'2024-02-0{n} 10:00:00'"),
            // Its fraction is not zero, for the snapshot's sake.
            Self::Timestamp(0) => format!("'2024-02-0{n} 10:00:00'"),
            Self::Timestamp(fraction) => {
                format!("'2024-02-0{n} 10:00:00.{}'", "1".repeat(*fraction))
            }
            Self::Year => format!("200{n}"),
            other => other.literal(random, Phase::Snapshot),
        }
    }
}

fn integer(random: &mut Random, low: i128, high: i128) -> String {
    let n = match random.below(6) {
        0 => low,
        1 => high,
        2 => high / 2,
        3 => 0,
        _ => i128::from(random.between(-100, 120)),
    };
    n.clamp(low, high).to_string()
}

fn decimal(random: &mut Random, digits: usize, scale: usize, unsigned: bool) -> String {
    let sign = if !unsigned && random.one_in(2) {
        "-"
    } else {
        ""
    };
    let whole = digits - scale;
    match random.below(5) {
        0 if scale == 0 => format!("{sign}{}", "9".repeat(whole)),
        0 if whole == 0 => format!("{sign}0.{}", "9".repeat(scale)),
        0 => format!("{sign}{}.{}", "9".repeat(whole), "9".repeat(scale)),
        1 => "0".to_owned(),
        2 if scale > 0 => format!("{sign}0.{}1", "0".repeat(scale - 1)),
        3 if scale > 0 => format!("{sign}0.5"),
        _ => format!(
            "{sign}{}",
            if whole == 0 { 0 } else { random.between(0, 9) }
        ),
    }
}

/// In a snapshot Debezium reads a FLOAT as the server prints it, with six digits.
fn float(random: &mut Random, unsigned: bool, phase: Phase) -> String {
    let few = [
        "0", "1", "1.5", "0.25", "1024.5", "100", "65536", "0.5", "99999",
    ];
    let many = [
        "16777216",
        "3.402823466E38",
        "123456.789",
        "0.1",
        "1e-5",
        "1e10",
        "1234567",
    ];
    let text = match phase {
        Phase::Streaming if random.one_in(2) => random.of(&many),
        _ => random.of(&few),
    };
    let sign = if !unsigned && random.one_in(3) {
        "-"
    } else {
        ""
    };
    format!("{sign}{text}")
}

fn double(random: &mut Random, unsigned: bool) -> String {
    let text = random.of(&[
        "0",
        "1",
        "1.5",
        "0.1",
        "123456789.125",
        "1.7976931348623157E308",
        "2.2250738585072014E-308",
        "1e21",
        "1e-7",
        "9007199254740993",
        "3.141592653589793",
        "1e15",
        "1e16",
        "1234567",
        "12345678",
        "0.001",
        "0.0001",
    ]);
    let sign = if !unsigned && random.one_in(3) {
        "-"
    } else {
        ""
    };
    format!("{sign}{text}")
}

fn bits_literal(random: &mut Random, bits: usize) -> String {
    match random.below(4) {
        0 => "b'0'".to_owned(),
        1 => format!("b'{}'", "1".repeat(bits)),
        2 => format!("b'1{}'", "0".repeat(bits - 1)),
        _ => "b'1'".to_owned(),
    }
}

fn bytes(random: &mut Random, most: usize) -> String {
    let count = [0, 1, 2, 5, most.min(40)][random.below(5)].min(most);
    // Debezium's DDL parser does not know x''.
    if count == 0 {
        return "''".to_owned();
    }
    let digits: String = (0..count)
        .map(|_| match random.below(4) {
            0 => "00".to_owned(),
            1 => "ff".to_owned(),
            _ => format!("{:02x}", random.below(256)),
        })
        .collect();
    format!("x'{digits}'")
}

/// Dates before 1582-10-15 are read by two calendars.
fn date(random: &mut Random) -> String {
    let fixed = [
        "1970-01-01",
        "1969-12-31",
        "2000-02-29",
        "1582-10-16",
        "9999-12-31",
        "2038-01-19",
        "1900-03-01",
    ];
    match random.below(3) {
        0 => random.of(&fixed).to_owned(),
        1 if random.one_in(3) => random
            .of(&["0000-00-00", "2020-00-00", "2020-02-00", "2020-00-15"])
            .to_owned(),
        _ => format!(
            "{:04}-{:02}-{:02}",
            random.between(1950, 2050),
            random.between(1, 12),
            random.between(1, 28)
        ),
    }
}

fn clock(random: &mut Random) -> String {
    match random.below(4) {
        0 => "00:00:00".to_owned(),
        1 => "23:59:59".to_owned(),
        _ => format!(
            "{:02}:{:02}:{:02}",
            random.below(24),
            random.below(60),
            random.below(60)
        ),
    }
}

fn time(random: &mut Random) -> String {
    match random.below(6) {
        0 => "-838:59:59".to_owned(),
        1 => "838:59:59".to_owned(),
        2 => format!("-{}", clock(random)),
        3 => format!(
            "{}:{:02}:{:02}",
            random.between(24, 800),
            random.below(60),
            random.below(60)
        ),
        _ => clock(random),
    }
}

/// A fraction with its point; sometimes none, unless one is needed.
fn part(random: &mut Random, digits: usize, needed: bool) -> String {
    if digits == 0 || !needed && random.one_in(3) {
        return String::new();
    }
    let last = random.between(1, 9).to_string();
    let first = |random: &mut Random| random.of(&["0", "9", "5", "1"]);
    let rest: String = (1..digits).map(|_| first(random)).collect();
    if needed || random.one_in(2) {
        format!(".{rest}{last}")
    } else {
        format!(".{last}{rest}")
    }
}

/// A snapshot prints as few digits of a fraction as will do, streaming as many as the column has.
fn timestamp(random: &mut Random, fraction: usize, phase: Phase) -> String {
    if fraction == 0 && random.one_in(6) {
        return "'0000-00-00 00:00:00'".to_owned();
    }
    let day = match random.below(4) {
        0 => "1970-01-02 00:00:01".to_owned(),
        1 => "2038-01-18 03:14:07".to_owned(),
        _ => format!(
            "2024-{:02}-{:02} {}",
            random.between(4, 9),
            random.between(1, 28),
            clock(random)
        ),
    };
    let part = part(random, fraction, phase == Phase::Snapshot);
    format!("'{day}{part}'")
}

/// In a snapshot Debezium gives the server's text, with spaces; in streaming it spells doubles and opaque values its own way.
fn json(random: &mut Random, phase: Phase) -> String {
    let bare = [
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "1",
        "-1",
        "65536",
        "9223372036854775807",
        "18446744073709551615",
        "\"text\"",
        "[1]",
        "\"日本 é\"",
        "[[[]]]",
        "\"a\\\\\"b\"",
    ];
    let more = [
        "{\"a\": 1, \"b\": [1, 2, {\"c\": null}], \"z\": \"é😀\"}",
        "{\"k with space\": \"v\", \"\": \"empty key\"}",
        "[1, -1, 127, 128, 32767, 32768, -32769, 4294967296]",
        "{\"nested\": {\"deep\": {\"deeper\": [[[1]], {\"x\": [true, false, null]}]}}}",
        "[1.5, 0.25, -2.5]",
        "\"tab\\\\t newline\\\\n slash/ \\\\u0001\"",
    ];
    let text = match phase {
        Phase::Streaming if random.one_in(2) => random.of(&more),
        _ => random.of(&bare),
    };
    format!("'{text}'")
}

fn geometry(random: &mut Random, kind: &str) -> String {
    let (x, y) = (random.between(-90, 90), random.between(-9, 9));
    let kind = match kind {
        "GEOMETRY" => random.of(&["POINT", "LINESTRING", "POLYGON", "MULTIPOINT"]),
        other => other,
    };
    let text = match kind {
        "POINT" => format!("POINT({x} {y}.5)"),
        "LINESTRING" => format!("LINESTRING(0 0, {x} {y}, 1 1)"),
        "POLYGON" => "POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 1))".to_owned(),
        "MULTIPOINT" => format!("MULTIPOINT(0 0, {x} {y})"),
        "MULTILINESTRING" => format!("MULTILINESTRING((0 0, 1 1), ({x} {y}, 2 2))"),
        "MULTIPOLYGON" => "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))".to_owned(),
        _ => format!("GEOMETRYCOLLECTION(POINT({x} {y}), LINESTRING(0 0, 1 1))"),
    };
    let srid = if random.one_in(4) { ", 3857" } else { "" };
    format!("ST_GeomFromText('{text}'{srid})")
}
