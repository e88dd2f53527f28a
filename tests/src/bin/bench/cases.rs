//! What is measured: the cases, and what each yields.
//!
//! Deliberately only a table; how a case is run is `run`'s work. Invariant: a case's name is unique.

use anyhow::{Context, Result};

/// How a case is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Catching up on the changes written before.
    Backlog,
    /// The first copy of a table.
    Snapshot,
    /// Changes at an even pace.
    Latency,
    /// From the process's start until its REST interface answers.
    Start,
}

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Name on the command line and in the document.
    pub(crate) name: &'static str,
    /// What a reader needs to know.
    pub(crate) title: &'static str,
    /// How it is run.
    pub(crate) kind: Kind,
    /// Whether messages carry their schema.
    pub(crate) schemas: bool,
    /// Whether ExtractNewRecordState, MaskField and Filter are on the way.
    pub(crate) transforms: bool,
    /// A case that differs from this one only in that both producers keep their own defaults: the peer's default is no
    /// compression, so that its measurement there counts here too.
    pub(crate) own_defaults_of: Option<&'static str>,
}

const JSON: Case = Case {
    name: "json",
    title: "backlog, JSON without schema, no compression (the peer's default)",
    kind: Kind::Backlog,
    schemas: false,
    transforms: false,
    own_defaults_of: None,
};

/// All cases, in the order they are run.
pub(crate) const ALL: &[Case] = &[
    JSON,
    Case {
        name: "json-defaults",
        title: "the same, each with its default producer (Tidegate: lz4)",
        own_defaults_of: Some("json"),
        ..JSON
    },
    Case {
        name: "schemas",
        title: "backlog, JSON with schema in every message, no compression",
        schemas: true,
        ..JSON
    },
    Case {
        name: "schemas-defaults",
        title: "the same, each with its default producer",
        schemas: true,
        own_defaults_of: Some("schemas"),
        ..JSON
    },
    Case {
        name: "transforms",
        title: "backlog, ExtractNewRecordState + MaskField + Filter, no compression",
        transforms: true,
        ..JSON
    },
    Case {
        name: "transforms-defaults",
        title: "the same, each with its default producer",
        transforms: true,
        own_defaults_of: Some("transforms"),
        ..JSON
    },
    Case {
        name: "snapshot",
        title: "snapshot of one table, JSON without schema, no compression",
        kind: Kind::Snapshot,
        ..JSON
    },
    Case {
        name: "latency",
        title: "500 changes/s in 50 transactions/s, from before the INSERT is sent to the consumer",
        kind: Kind::Latency,
        ..JSON
    },
    Case {
        name: "start",
        title: "worker start until REST answers, started before on this machine",
        kind: Kind::Start,
        ..JSON
    },
];

/// The cases of these names in the table's order; all of them for no name.
pub(crate) fn named(names: &[&str]) -> Result<Vec<&'static Case>> {
    for name in names {
        ALL.iter().find(|c| c.name == *name).with_context(|| {
            let known: Vec<_> = ALL.iter().map(|c| c.name).collect();
            format!(
                "reading the command line: no case {name}; there are {}",
                known.join(", ")
            )
        })?;
    }
    let wanted = |c: &&Case| names.is_empty() || names.contains(&c.name);
    Ok(ALL.iter().filter(wanted).collect())
}

/// A figure of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Records a second from the order to run until the last one is in the topic.
    Rate,
    /// CPU of the worker's process for a record, user and system, µs.
    Cpu,
    /// Highest resident memory of the worker's process, MiB.
    Memory,
    /// From the order to run until the first record is in the topic, ms.
    First,
    /// Half the records are faster, ms.
    Median,
    /// 99 of 100 records are faster, ms.
    Slowest,
    /// From the process's start, ms.
    Ready,
}

impl Measure {
    /// All, in the table's order.
    pub(crate) const ALL: [Self; 7] = [
        Self::Rate,
        Self::Cpu,
        Self::Memory,
        Self::First,
        Self::Median,
        Self::Slowest,
        Self::Ready,
    ];

    /// Its name with its unit.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rate => "records/s",
            Self::Cpu => "worker CPU, µs/record",
            Self::Memory => "peak resident memory, MiB",
            Self::First => "resume to first record, ms",
            Self::Median => "p50, ms",
            Self::Slowest => "p99, ms",
            Self::Ready => "ready after, ms",
        }
    }

    /// How many times better the second is.
    pub(crate) fn gain(self, from: f64, to: f64) -> f64 {
        if self == Self::Rate {
            to / from
        } else {
            from / to
        }
    }
}
