//! The enumerations among the keys, each with the words Debezium accepts.
//!
//! Only words and meanings; what a mode does is told where it is done.
//! Invariant: the order of words is Debezium's, because its error text lists them.

/// `database.ssl.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// No TLS.
    Disabled,
    /// TLS where the server offers it, without looking at its certificate.
    Preferred,
    /// TLS or nothing, without looking at the certificate.
    Required,
    /// TLS with a certificate of a trusted authority.
    VerifyCa,
    /// The same, for this host name.
    VerifyIdentity,
}

impl SslMode {
    pub(super) const WORDS: &'static [(&'static str, Self)] = &[
        ("verify_identity", Self::VerifyIdentity),
        ("disabled", Self::Disabled),
        ("preferred", Self::Preferred),
        ("required", Self::Required),
        ("verify_ca", Self::VerifyCa),
    ];
}

/// `snapshot.mode`, as far as it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotMode {
    /// At every start.
    Always,
    /// When there is no offset.
    Initial,
    /// When there is no offset, and nothing after it.
    InitialOnly,
    /// Structure only, when there is no offset.
    NoData,
    /// Never rows: the structure as it is goes into the schema history at every start, behind what is there, and streaming
    /// goes on from the stored offset.
    Recovery,
    /// When there is no offset, or its position has been purged.
    WhenNeeded,
}

impl SnapshotMode {
    pub(super) const WORDS: &'static [(&'static str, Option<Self>)] = &[
        ("always", Some(Self::Always)),
        ("no_data", Some(Self::NoData)),
        ("initial", Some(Self::Initial)),
        ("configuration_based", None),
        ("initial_only", Some(Self::InitialOnly)),
        ("recovery", Some(Self::Recovery)),
        ("when_needed", Some(Self::WhenNeeded)),
        ("custom", None),
        // Names of Debezium before 3.3 (DBZ-8171).
        ("schema_only", Some(Self::NoData)),
    ];
}

/// `snapshot.locking.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// The global read lock only while position and structure are read.
    Minimal,
    /// The global read lock until all rows have been read.
    Extended,
    /// No lock: the structure must not change meanwhile.
    None,
}

impl Locking {
    pub(super) const WORDS: &'static [(&'static str, Option<Self>)] = &[
        ("minimal_percona_no_table_locks", None),
        ("extended", Some(Self::Extended)),
        ("minimal_percona", None),
        ("minimal", Some(Self::Minimal)),
        ("none", Some(Self::None)),
        ("minimal_at_least_once", None),
        ("custom", None),
    ];
}

/// `snapshot.tables.order.by.row.count`, by the server's estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotOrder {
    /// By the include list, then by name.
    Disabled,
    /// Small tables first.
    Ascending,
    /// Large tables first.
    Descending,
}

impl SnapshotOrder {
    pub(super) const WORDS: &'static [(&'static str, Self)] = &[
        ("disabled", Self::Disabled),
        ("ascending", Self::Ascending),
        ("descending", Self::Descending),
    ];
}

/// `decimal.handling.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// Connect's Decimal.
    Precise,
    /// A float64.
    Double,
    /// Plain digits.
    String,
}

impl Decimal {
    pub(super) const WORDS: &'static [(&'static str, Self)] = &[
        ("string", Self::String),
        ("double", Self::Double),
        ("precise", Self::Precise),
    ];
}

/// `time.precision.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePrecision {
    /// By the column's precision, TIME always in microseconds.
    AdaptiveTimeMicroseconds,
    /// Connect's own Date, Time and Timestamp, in milliseconds.
    Connect,
    /// ISO 8601 texts.
    IsoString,
    /// Microseconds throughout.
    Microseconds,
    /// Nanoseconds throughout.
    Nanoseconds,
}

impl TimePrecision {
    pub(super) const WORDS: &'static [(&'static str, Option<Self>)] = &[
        ("isostring", Some(Self::IsoString)),
        ("microseconds", Some(Self::Microseconds)),
        ("connect", Some(Self::Connect)),
        ("nanoseconds", Some(Self::Nanoseconds)),
        (
            "adaptive_time_microseconds",
            Some(Self::AdaptiveTimeMicroseconds),
        ),
        ("adaptive", None),
    ];
}

/// `bigint.unsigned.handling.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BigintUnsigned {
    /// An int64, wrapping beyond 2^63.
    Long,
    /// Connect's Decimal.
    Precise,
}

impl BigintUnsigned {
    pub(super) const WORDS: &'static [(&'static str, Self)] =
        &[("precise", Self::Precise), ("long", Self::Long)];
}

/// `binary.handling.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// Bytes.
    Bytes,
    /// Base64 text.
    Base64,
    /// Base64 text with `-` and `_`.
    Base64UrlSafe,
    /// Hexadecimal text.
    Hex,
}

impl Binary {
    pub(super) const WORDS: &'static [(&'static str, Self)] = &[
        ("bytes", Self::Bytes),
        ("base64", Self::Base64),
        ("base64-url-safe", Self::Base64UrlSafe),
        ("hex", Self::Hex),
    ];
}

/// What is done about rows that cannot be read: `event.processing.failure.handling.mode` where their bytes cannot,
/// `inconsistent.schema.handling.mode` where their table's structure is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureHandling {
    /// Fail the task.
    Fail,
    /// Skip them with a warning.
    Warn,
    /// Skip them.
    Skip,
}

impl FailureHandling {
    pub(super) const WORDS: &'static [(&'static str, Self)] = &[
        ("warn", Self::Warn),
        ("fail", Self::Fail),
        ("ignore", Self::Skip),
        ("skip", Self::Skip),
    ];
}

/// `skipped.operations`: operations that yield no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SkippedOperations {
    /// `c`.
    pub create: bool,
    /// `u`.
    pub update: bool,
    /// `d`.
    pub delete: bool,
    /// `t`.
    pub truncate: bool,
}

/// `schema.history.internal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryStore {
    /// `KafkaSchemaHistory`: brokers and topic.
    Kafka {
        /// `…kafka.bootstrap.servers`.
        bootstrap: String,
        /// `…kafka.topic`.
        topic: String,
    },
    /// `FileSchemaHistory`: one JSON document a line.
    File(String),
    /// `MemorySchemaHistory`: forgotten at the end.
    Memory,
}
