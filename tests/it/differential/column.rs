//! Columns: every type family, with its charset, default, nullability, generation and visibility.
//!
//! DECIMAL … ZEROFILL is left out: it stops Debezium's snapshot. Invariant: a definition is one that MySQL 8 and 9 accept
//! under a lenient `sql_mode`.

use super::random::Random;
use super::text;
use super::value::{Domain, Phase};

/// A column as its table's model knows it.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) domain: Domain,
    /// Its type, with length, charset and signedness.
    pub(super) kind: String,
    /// What follows the type.
    pub(super) attributes: String,
    pub(super) nullable: bool,
    /// Whether statements may give it a value.
    pub(super) writable: bool,
}

impl Column {
    /// `name type attributes`.
    pub(super) fn definition(&self) -> String {
        format!("{} {}{}", quoted(&self.name), self.kind, self.attributes)
    }

    /// A random one; `number` makes its name unique in its table's life.
    pub(super) fn any(random: &mut Random, number: usize) -> Self {
        let (tag, kind, domain) = any_type(random);
        // Of JSON that rows older than their column lack, Debezium makes "null" in a snapshot and "{}" in streaming.
        // A lenient server gives a YEAR that may not be null the year 0, of which Debezium makes 1900 or 2000.
        // In two of its modes Debezium cannot write a TIME beyond a day, which it says as null, and dies where null may not be.
        let nullable =
            matches!(domain, Domain::Time(_) | Domain::Year | Domain::Json) || !random.one_in(4);
        let mut column = Self {
            name: name(random, tag, number),
            domain,
            kind,
            attributes: if nullable { "" } else { " NOT NULL" }.to_owned(),
            nullable,
            writable: true,
        };
        if nullable && random.one_in(8) {
            " NULL".clone_into(&mut column.attributes);
        }
        // Debezium pads the default of a BINARY in a snapshot only.
        if random.one_in(3) && !column.kind.starts_with("BINARY") {
            let default = column.default(random);
            column.attributes.push_str(&default);
        }
        if random.one_in(15) {
            column.attributes.push_str(" INVISIBLE");
        }
        // Debezium cannot describe a geometry or a vector that has a comment, and takes no escape out of one.
        let described = matches!(column.domain, Domain::Geometry(_) | Domain::Vector(_));
        if random.one_in(10) && !described {
            column
                .attributes
                .push_str(" COMMENT 'it is, a \"comment\"'");
        }
        column
    }

    /// One that can be (part of) a key.
    pub(super) fn key(random: &mut Random, number: usize) -> Self {
        let (tag, kind, domain) = match random.below(10) {
            0..=2 => ("int", "INT".to_owned(), integer(32, false)),
            3 => ("ubig", "BIGINT UNSIGNED".to_owned(), integer(64, true)),
            4 => ("small", "SMALLINT".to_owned(), integer(16, false)),
            5 | 6 => {
                let charset = text::charset(random);
                let kind = format!("VARCHAR(12) CHARACTER SET {charset}");
                (
                    "vc",
                    kind,
                    Domain::Text {
                        charset: charset.to_owned(),
                        characters_max: 12,
                    },
                )
            }
            7 => {
                let domain = Domain::Decimal {
                    digits: 10,
                    scale: 2,
                    unsigned: false,
                };
                ("dec", "DECIMAL(10,2)".to_owned(), domain)
            }
            8 => [
                ("bin", "BINARY(4)".to_owned(), Domain::Bytes(4)),
                ("vb", "VARBINARY(8)".to_owned(), Domain::Bytes(8)),
                // Not BIT: a snapshot of Debezium reverses its bytes where they are used twice.
                ("bin", "BINARY(16)".to_owned(), Domain::Bytes(16)),
                ("year", "YEAR".to_owned(), Domain::Year),
            ][random.below(4)]
            .clone(),
            _ => [
                ("date", "DATE".to_owned(), Domain::Date),
                ("dt", "DATETIME(3)".to_owned(), Domain::DateTime(3)),
                ("ts", "TIMESTAMP(6)".to_owned(), Domain::Timestamp(6)),
                ("time", "TIME".to_owned(), Domain::Time(0)),
                (
                    "en",
                    "ENUM('k1','k2','k3')".to_owned(),
                    Domain::Enum(words(&["k1", "k2", "k3"])),
                ),
            ][random.below(5)]
            .clone(),
        };
        Self {
            name: name(random, tag, number),
            domain,
            kind,
            attributes: " NOT NULL".to_owned(),
            nullable: false,
            writable: true,
        }
    }

    /// One computed from another.
    pub(super) fn generated(random: &mut Random, number: usize, from: &Self) -> Self {
        let source = quoted(&from.name);
        let (kind, expression) = match from.domain {
            Domain::Integer { .. } => ("DECIMAL(25,1)", format!("{source} + 0.5")),
            Domain::Text { .. } => ("INT", format!("CHAR_LENGTH({source})")),
            _ => ("TINYINT(1)", format!("{source} IS NULL")),
        };
        let stored = random.of(&[" STORED", " VIRTUAL", ""]);
        let invisible = if random.one_in(4) { " INVISIBLE" } else { "" };
        Self {
            name: name(random, "gen", number),
            domain: integer(8, false),
            kind: kind.to_owned(),
            attributes: format!(" GENERATED ALWAYS AS ({expression}){stored}{invisible}"),
            nullable: true,
            writable: false,
        }
    }

    /// ` DEFAULT …`.
    fn default(&self, random: &mut Random) -> String {
        let now = match self.domain {
            Domain::DateTime(n) | Domain::Timestamp(n) if random.one_in(2) => Some(n),
            _ => None,
        };
        if let Some(n) = now {
            let n = if n == 0 {
                String::new()
            } else {
                format!("({n})")
            };
            let update = if random.one_in(2) {
                format!(" ON UPDATE CURRENT_TIMESTAMP{n}")
            } else {
                String::new()
            };
            return format!(" DEFAULT CURRENT_TIMESTAMP{n}{update}");
        }
        let literal = match &self.domain {
            Domain::Enum(values) => format!("'{}'", values[random.below(values.len())]),
            // The server shows others as 0x…, of which Debezium cuts off the last digit.
            Domain::Bytes(_) => random.of(&["'a'", "''", "'bc'"]).to_owned(),
            // Debezium takes whole numbers through a double.
            Domain::Integer { .. } => random.of(&["0", "1", "7", "100"]).to_owned(),
            // A default must be valid whatever the server's mode.
            Domain::Time(_) => self.domain.key_literal(random),
            Domain::Date | Domain::DateTime(_) | Domain::Timestamp(_) if !random.one_in(6) => {
                self.domain.key_literal(random)
            }
            domain => domain.literal(random, Phase::Snapshot),
        };
        let expression = matches!(
            self.domain,
            Domain::Json | Domain::Geometry(_) | Domain::Vector(_)
        ) || ["TEXT", "BLOB"].iter().any(|t| self.kind.contains(t))
            || literal.starts_with("REPEAT");
        if expression {
            format!(" DEFAULT ({literal})")
        } else if self.nullable && random.one_in(6) {
            " DEFAULT NULL".to_owned()
        } else {
            format!(" DEFAULT {literal}")
        }
    }

    /// Another width of the same family, where there is one: kind and domain.
    pub(super) fn wider(&self, random: &mut Random) -> Option<(String, Domain)> {
        match &self.domain {
            Domain::Integer { low, .. } if *low < 0 => Some(
                [
                    ("BIGINT".to_owned(), integer(64, false)),
                    ("INT".to_owned(), integer(32, false)),
                ][random.below(2)]
                .clone(),
            ),
            Domain::Integer { .. } => Some(("BIGINT UNSIGNED".to_owned(), integer(64, true))),
            Domain::Text { .. } => {
                let charset = text::charset(random);
                let length = random.between(1, 60) as usize;
                let kind = format!("VARCHAR({length}) CHARACTER SET {charset}");
                Some((
                    kind,
                    Domain::Text {
                        charset: charset.to_owned(),
                        characters_max: length,
                    },
                ))
            }
            Domain::Decimal { .. } => Some((
                "DECIMAL(40,10)".to_owned(),
                Domain::Decimal {
                    digits: 40,
                    scale: 10,
                    unsigned: false,
                },
            )),
            Domain::DateTime(_) => Some(("DATETIME(6)".to_owned(), Domain::DateTime(6))),
            Domain::Time(_) => Some(("TIME(3)".to_owned(), Domain::Time(3))),
            Domain::Bytes(_) => Some(("VARBINARY(300)".to_owned(), Domain::Bytes(300))),
            _ => None,
        }
    }
}

/// A name in backquotes.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|w| (*w).to_owned()).collect()
}

fn name(random: &mut Random, tag: &str, number: usize) -> String {
    match random.below(25) {
        0 => format!("{tag} {number}"),
        1 => format!("{}_{number}", tag.to_uppercase()),
        2 => format!("{tag}é{number}"),
        3 => format!("{tag}-{number}.x"),
        4 => format!("{number}_{tag}"),
        _ => format!("{tag}_{number}"),
    }
}

fn integer(bits: u32, unsigned: bool) -> Domain {
    let half = 1i128 << (bits - 1);
    if unsigned {
        Domain::Integer {
            low: 0,
            high: half * 2 - 1,
        }
    } else {
        Domain::Integer {
            low: -half,
            high: half - 1,
        }
    }
}

/// A name's beginning, a type, its values.
fn any_type(random: &mut Random) -> (&'static str, String, Domain) {
    match random.weighted(&[22, 10, 8, 5, 25, 10, 22, 3, 8, 7, 6, 3]) {
        0 => integers(random),
        1 => {
            let digits = random.of(&[&5usize, &10, &18, &20, &38, &65]);
            let scale = *random.of(&[&0usize, &1, &2, &5, &30]).min(digits);
            let unsigned = random.one_in(5);
            let word = random.of(&["DECIMAL", "NUMERIC", "DEC"]);
            let sign = if unsigned { " UNSIGNED" } else { "" };
            let kind = format!("{word}({digits},{scale}){sign}");
            (
                "dec",
                kind,
                Domain::Decimal {
                    digits: *digits,
                    scale,
                    unsigned,
                },
            )
        }
        2 => {
            let unsigned = random.one_in(5);
            let sign = if unsigned { " UNSIGNED" } else { "" };
            match random.below(4) {
                0 => ("fl", format!("FLOAT{sign}"), Domain::Float { unsigned }),
                1 => ("fl", format!("FLOAT(20){sign}"), Domain::Float { unsigned }),
                _ => ("db", format!("DOUBLE{sign}"), Domain::Double { unsigned }),
            }
        }
        3 => {
            let bits = *random.of(&[&1usize, &2, &7, &8, &9, &16, &31, &33, &64]);
            ("bit", format!("BIT({bits})"), Domain::Bit(bits))
        }
        4 => texts(random),
        5 => binaries(random),
        6 => times(random),
        7 => ("year", "YEAR".to_owned(), Domain::Year),
        8 => enums(random),
        9 => ("json", "JSON".to_owned(), Domain::Json),
        10 => {
            let kind = random.of(&[
                "GEOMETRY",
                "POINT",
                "LINESTRING",
                "POLYGON",
                "MULTIPOINT",
                "MULTILINESTRING",
                "MULTIPOLYGON",
                "GEOMETRYCOLLECTION",
            ]);
            ("geo", kind.to_owned(), Domain::Geometry(kind))
        }
        _ => {
            let most = random.between(1, 4) as usize;
            ("vec", format!("VECTOR({most})"), Domain::Vector(most))
        }
    }
}

fn integers(random: &mut Random) -> (&'static str, String, Domain) {
    let (tag, word, bits) = [
        ("tiny", "TINYINT", 8),
        ("small", "SMALLINT", 16),
        ("medium", "MEDIUMINT", 24),
        ("int", "INT", 32),
        ("int", "INTEGER", 32),
        ("big", "BIGINT", 64),
    ][random.below(6)];
    match random.below(8) {
        // Not BOOL, which Debezium reads otherwise in a statement than in a snapshot.
        0 => ("bool", "TINYINT(1)".to_owned(), integer(8, false)),
        1 => (
            tag,
            format!("{word}({}) ZEROFILL", random.between(2, 20)),
            integer(bits, true),
        ),
        2 | 3 => (tag, format!("{word} UNSIGNED"), integer(bits, true)),
        4 => (
            tag,
            format!("{word}({})", random.between(2, 20)),
            integer(bits, false),
        ),
        _ => (tag, word.to_owned(), integer(bits, false)),
    }
}

fn texts(random: &mut Random) -> (&'static str, String, Domain) {
    let charset = text::charset(random);
    let (tag, mut kind, characters_max) = match random.below(8) {
        0 => ("ch", "CHAR(5)".to_owned(), 5),
        1 => ("tx", "TINYTEXT".to_owned(), 60),
        2 => ("tx", "TEXT".to_owned(), 700),
        3 => ("tx", random.of(&["MEDIUMTEXT", "LONGTEXT"]).to_owned(), 700),
        4 => ("vc", "VARCHAR(300)".to_owned(), 300),
        n => {
            let length = random.between(1, 40) as usize;
            (
                "vc",
                format!("VARCHAR({length})"),
                if n == 5 { length } else { length.min(8) },
            )
        }
    };
    // Some take the table's charset, which any literal here fits under a lenient mode.
    let charset = if random.one_in(3) {
        "ascii"
    } else {
        kind = format!("{kind} CHARACTER SET {charset}");
        if random.one_in(6) {
            kind = format!("{kind} COLLATE {charset}_bin");
        }
        charset
    };
    (
        tag,
        kind,
        Domain::Text {
            charset: charset.to_owned(),
            characters_max,
        },
    )
}

fn binaries(random: &mut Random) -> (&'static str, String, Domain) {
    match random.below(6) {
        0 => ("bin", "BINARY(4)".to_owned(), Domain::Bytes(4)),
        1 => ("bin", "BINARY(16)".to_owned(), Domain::Bytes(16)),
        2 => ("vb", "VARBINARY(16)".to_owned(), Domain::Bytes(16)),
        3 => ("vb", "VARBINARY(300)".to_owned(), Domain::Bytes(300)),
        _ => (
            "bl",
            random
                .of(&["TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"])
                .to_owned(),
            Domain::Bytes(100),
        ),
    }
}

fn times(random: &mut Random) -> (&'static str, String, Domain) {
    let n = random.below(7);
    let digits = if n == 0 {
        String::new()
    } else {
        format!("({n})")
    };
    match random.below(7) {
        0 => ("date", "DATE".to_owned(), Domain::Date),
        1 | 2 => ("time", format!("TIME{digits}"), Domain::Time(n)),
        3 | 4 => ("dt", format!("DATETIME{digits}"), Domain::DateTime(n)),
        // Said explicitly, whatever explicit_defaults_for_timestamp is.
        _ => ("ts", format!("TIMESTAMP{digits}"), Domain::Timestamp(n)),
    }
}

fn enums(random: &mut Random) -> (&'static str, String, Domain) {
    let (charset, values) = [
        ("", words(&["small", "medium", "large"])),
        ("", words(&["it''s", "q\"q", "sp ace"])),
        (" CHARACTER SET latin1", words(&["é", "ü", "plain"])),
        (" CHARACTER SET gbk", words(&["中", "文"])),
        (" CHARACTER SET utf8mb4", words(&["日本", "x"])),
    ][random.below(5)]
    .clone();
    let list: Vec<String> = values.iter().map(|v| format!("'{v}'")).collect();
    if random.one_in(2) {
        (
            "en",
            format!("ENUM({}){charset}", list.join(",")),
            Domain::Enum(values),
        )
    } else {
        (
            "set",
            format!("SET({}){charset}", list.join(",")),
            Domain::Set(values),
        )
    }
}
