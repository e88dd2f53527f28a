//! A miniature host for tests: hands records to plugins and applies what they answer.
//!
//! Records are written from friendly [`Data`], run through the same driver as in a component, and read back as
//! [`Data`]. [`Host`] holds the schemas, so that several plugins can be chained as a connector chains them; recorded
//! Kafka messages become records through [`recorded`]. It checks answers only as far as reading them needs: the real
//! host's limits are tested with the real host.
//!
//! Invariant: what a test sees is what the patch says, nothing is taken from the plugin's own memory.

mod data;
pub mod recorded;

use tidegate_layout::read::batch_header;
use tidegate_layout::schema::GUEST_SCHEMA_BASE;
use tidegate_layout::{
    Arena, BATCH_HEADER_BYTES, BatchView, HeaderEntry, Op, Patch, Reader, RecordEntry, Schema,
    SchemaId, Schemas, Slot,
};

pub use data::Data;

use crate::config::{ConfigError, Context, Part};
use crate::driver::{BatchError, Driver, EncodedBatch, NULL_END};
use crate::{Format, Predicate, Transform};

/// A value with its schema, `SchemaId::NONE` for none.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    /// Its schema, by the host's id.
    pub schema: SchemaId,
    /// The value.
    pub data: Data,
}

impl Typed {
    /// A value of this schema.
    pub fn new(schema: SchemaId, data: Data) -> Self {
        Self { schema, data }
    }
    /// No value and no schema: the value of a tombstone.
    pub fn none() -> Self {
        Self::new(SchemaId::NONE, Data::Null)
    }
}

/// A record outside of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct TestRecord {
    /// Its topic.
    pub topic: String,
    /// Its key.
    pub key: Typed,
    /// Its value.
    pub value: Typed,
    /// Its headers.
    pub headers: Vec<(String, Typed)>,
    /// Its Kafka partition.
    pub partition: Option<u32>,
    /// Its timestamp in milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
}

impl TestRecord {
    /// A record without headers.
    pub fn new(topic: &str, key: Typed, value: Typed) -> Self {
        Self {
            topic: topic.into(),
            key,
            value,
            headers: Vec::new(),
            partition: None,
            timestamp_ms: None,
        }
    }
}

/// A plugin under test, and how many of the host's schemas it has been sent.
#[derive(Debug)]
pub struct Plugin<P> {
    driver: Driver<P>,
    defined: u32,
    /// Host ids of the plugin's own schemas, by order of creation.
    own: Vec<SchemaId>,
}

/// The schemas of a task.
#[derive(Debug)]
pub struct Host {
    /// All schemas; tests add theirs with `intern`.
    pub schemas: Schemas,
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

fn entries(config: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    config.iter().map(pair).collect()
}

fn context(class: &str, part: Option<Part>) -> Context {
    Context {
        class: class.into(),
        part,
    }
}

impl Host {
    /// A host that knows no schema.
    pub fn new() -> Self {
        Self {
            schemas: Schemas::new(64 << 20),
        }
    }
    /// Makes a schema known.
    pub fn schema(&mut self, schema: Schema) -> SchemaId {
        self.schemas
            .intern(schema)
            .unwrap_or_else(|e| panic!("a test's schema: {e}"))
    }
    /// A configured transform.
    pub fn transform<T: Transform>(
        &self,
        class: &str,
        config: &[(&str, &str)],
    ) -> Result<Plugin<T>, Vec<ConfigError>> {
        Driver::transform(&context(class, None), &entries(config)).map(Plugin::around)
    }
    /// A configured predicate.
    pub fn predicate<P: Predicate>(
        &self,
        class: &str,
        config: &[(&str, &str)],
    ) -> Result<Plugin<P>, Vec<ConfigError>> {
        Driver::predicate(&context(class, None), &entries(config)).map(Plugin::around)
    }
    /// A format configured for a part.
    pub fn format<F: Format>(
        &self,
        class: &str,
        part: Part,
        config: &[(&str, &str)],
    ) -> Result<Plugin<F>, Vec<ConfigError>> {
        Driver::format(&context(class, Some(part)), &entries(config)).map(Plugin::around)
    }

    /// Runs a transform over one batch.
    pub fn run<T: Transform>(
        &mut self,
        plugin: &mut Plugin<T>,
        records: &[TestRecord],
    ) -> Result<Vec<TestRecord>, BatchError> {
        plugin.define(&self.schemas);
        let batch = self.batch(records);
        let patch = plugin.driver.run(&batch)?;
        for node in plugin.driver.take_new_schemas() {
            let own = &plugin.own;
            let host = |id: SchemaId| translate(id, own);
            let mut schema = node.plain.clone();
            for f in &mut schema.fields {
                f.schema = host(f.schema);
            }
            (schema.key, schema.value) = (host(schema.key), host(schema.value));
            let id = self.schema(schema);
            plugin.own.push(id);
        }
        Ok(Self::apply(&batch, &patch, &plugin.own))
    }
    /// Asks a predicate about one batch.
    pub fn test<P: Predicate>(
        &mut self,
        plugin: &mut Plugin<P>,
        records: &[TestRecord],
    ) -> Result<Vec<bool>, BatchError> {
        plugin.define(&self.schemas);
        let answer = plugin.driver.test(&self.batch(records))?;
        Ok(answer.into_iter().map(|b| b != 0).collect())
    }
    /// Encodes one part of every record; headers one after the other.
    pub fn encode<F: Format>(
        &mut self,
        plugin: &mut Plugin<F>,
        part: Part,
        records: &[TestRecord],
    ) -> Result<Vec<Option<Vec<u8>>>, BatchError> {
        plugin.define(&self.schemas);
        Ok(split(&plugin.driver.encode(&self.batch(records), part)?))
    }

    /// The wire form of a batch.
    pub fn batch(&self, records: &[TestRecord]) -> Vec<u8> {
        let mut arena = Arena::from_bytes(vec![0; BATCH_HEADER_BYTES]);
        let entries: Vec<RecordEntry> = records.iter().map(|r| entry(r, &mut arena)).collect();
        let header = batch_header(entries.len() as u32, arena.end());
        for e in &entries {
            arena.raw(&e.to_bytes());
        }
        let mut bytes = arena.into_bytes();
        bytes[..BATCH_HEADER_BYTES].copy_from_slice(&header);
        bytes
    }

    /// What is left of a batch after a patch.
    fn apply(batch: &[u8], patch: &[u8], own: &[SchemaId]) -> Vec<TestRecord> {
        let must = "a plugin's patch follows the layout";
        let view = BatchView::new(batch).expect(must);
        let patch = Patch::parse(patch).expect(must);
        let bytes = [&batch[..view.arena_len() as usize], patch.data].concat();
        let reader = Reader::new(&bytes);
        let mut ops = patch.ops().map(|op| op.expect(must)).peekable();
        let mut out = Vec::new();
        for index in 0..view.len() {
            let mut entry = Some(view.record(index).expect(must));
            let mut inserts = Vec::new();
            while let Some((_, op)) = ops.next_if(|(record, _)| *record == index) {
                change(&mut entry, &mut inserts, op, reader);
            }
            for e in entry.into_iter().chain(inserts) {
                out.push(Self::read(&e, reader, own));
            }
        }
        assert!(
            ops.next().is_none(),
            "an operation on a record outside of the batch"
        );
        out
    }

    fn read(e: &RecordEntry, reader: Reader<'_>, own: &[SchemaId]) -> TestRecord {
        let must = "a plugin's patch follows the layout";
        let typed = |slot: Slot, schema: u32| {
            let schema = translate(SchemaId(schema), own);
            Typed::new(schema, Data::read(reader, slot).expect(must))
        };
        let header = |i| {
            let h: HeaderEntry = reader.header(e, i).expect(must);
            let name = reader.name_at(h.name, h.name_len).expect(must);
            (name.to_owned(), typed(h.value, h.schema))
        };
        TestRecord {
            topic: reader.topic(e).expect(must).into(),
            key: typed(e.key, e.key_schema),
            value: typed(e.value, e.value_schema),
            headers: (0..e.headers_len).map(header).collect(),
            partition: e.partition,
            timestamp_ms: e.timestamp_ms,
        }
    }
}

impl<P> Plugin<P> {
    fn around(driver: Driver<P>) -> Self {
        Self {
            driver,
            defined: 0,
            own: Vec::new(),
        }
    }
    /// The driver itself, for tests of raw answers and for measurements.
    pub fn driver(&mut self, host: &Host) -> &mut Driver<P> {
        self.define(&host.schemas);
        &mut self.driver
    }
    fn define(&mut self, schemas: &Schemas) {
        let news = (self.defined + 1..=schemas.len()).filter_map(|id| {
            let schema = schemas.get(SchemaId(id))?;
            Some((id, (**schema).clone()))
        });
        let done = self.driver.define(news);
        assert_eq!(done, Ok(()), "the host's schemas are well-formed");
        self.defined = schemas.len();
    }
}

fn translate(id: SchemaId, own: &[SchemaId]) -> SchemaId {
    match id.0.checked_sub(GUEST_SCHEMA_BASE) {
        Some(at) => own[at as usize],
        None => id,
    }
}

fn change(entry: &mut Option<RecordEntry>, inserts: &mut Vec<RecordEntry>, op: Op, r: Reader<'_>) {
    if let Op::Insert(at) = op {
        inserts.push(r.record(u64::from(at)).expect("an inserted record"));
        return;
    }
    let Some(e) = entry else { return };
    match op {
        Op::Drop => *entry = None,
        Op::SetTopic(at, len) => (e.topic, e.topic_len) = (at, len),
        Op::SetKey(schema, slot) => (e.key_schema, e.key) = (schema, slot),
        Op::SetValue(schema, slot) => (e.value_schema, e.value) = (schema, slot),
        Op::SetHeaders(at, n) => (e.headers, e.headers_len) = (at, n),
        Op::SetPartition(p) => e.partition = p,
        Op::SetTimestamp(t) => e.timestamp_ms = t,
        Op::Insert(_) => {}
    }
}

fn entry(r: &TestRecord, arena: &mut Arena) -> RecordEntry {
    let topic = arena.raw(r.topic.as_bytes());
    let (key, value) = (r.key.data.write(arena), r.value.data.write(arena));
    let headers: Vec<HeaderEntry> = r
        .headers
        .iter()
        .map(|(name, v)| HeaderEntry {
            name: arena.raw(name.as_bytes()),
            name_len: name.len() as u32,
            schema: v.schema.0,
            value: v.data.write(arena),
        })
        .collect();
    let at = arena.end();
    for h in &headers {
        arena.raw(&h.to_bytes());
    }
    RecordEntry {
        topic,
        topic_len: r.topic.len() as u32,
        partition: r.partition,
        timestamp_ms: r.timestamp_ms,
        key_schema: r.key.schema.0,
        value_schema: r.value.schema.0,
        key,
        value,
        headers: at,
        headers_len: headers.len() as u32,
    }
}

/// The parts of an answer, one by one.
fn split(encoded: &EncodedBatch) -> Vec<Option<Vec<u8>>> {
    let mut from = 0;
    let part = |end: &u32| {
        (*end != NULL_END).then(|| {
            let bytes = encoded.data[from..*end as usize].to_vec();
            from = *end as usize;
            bytes
        })
    };
    encoded.ends.iter().map(part).collect()
}
