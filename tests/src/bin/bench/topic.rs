//! A topic as the broker and a consumer see it.
//!
//! During a measurement only the end offset is asked for, so that no consumer takes CPU from the faster contender; every
//! record is read and judged afterwards. Invariant: a topic has one partition.

use crate::workload::now_us;
use ::tests::{kafka, services};
use anyhow::{Context, Result, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

const CALL: Duration = Duration::from_secs(20);
/// The longest silence while a topic is read that is known to hold more.
const SILENCE: Duration = Duration::from_secs(30);

fn config() -> Result<ClientConfig> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", services::kafka()?)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .set("queued.max.messages.kbytes", "16384");
    Ok(config)
}

/// Makes a topic, empty even if it was there before.
pub(crate) fn renew(topic: &str) -> Result<()> {
    kafka::delete_topics(&|t| t == topic)?;
    let admin: AdminClient<DefaultClientContext> =
        config()?.create().context("creating an admin client")?;
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let options = AdminOptions::new().operation_timeout(Some(CALL));
    let made = runtime
        .block_on(admin.create_topics([&new], &options))
        .with_context(|| format!("creating {topic}"))?;
    for result in made {
        result.map_err(|(name, code)| anyhow::anyhow!("creating {name}: {code}"))?;
    }
    Ok(())
}

/// Asks for the end of a topic, again and again.
pub(crate) struct End {
    consumer: BaseConsumer,
    topic: String,
}

impl End {
    pub(crate) fn of(topic: &str) -> Result<Self> {
        Ok(Self {
            consumer: config()?.create().context("creating a consumer")?,
            topic: topic.to_owned(),
        })
    }

    /// The offset after the last record.
    pub(crate) fn now(&self) -> Result<u64> {
        let (_, end) = self
            .consumer
            .fetch_watermarks(&self.topic, 0, CALL)
            .with_context(|| format!("asking for the end of {}", self.topic))?;
        Ok(end.max(0) as u64)
    }
}

/// What a topic holds, by Debezium's `op`; an unwrapped value counts as `plain`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) records: u64,
    pub(crate) reads: u64,
    pub(crate) inserts: u64,
    pub(crate) updates: u64,
    pub(crate) deletes: u64,
    pub(crate) tombstones: u64,
    pub(crate) plain: u64,
}

/// How far a row's life has come, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Unborn,
    Lives,
    Deleted,
    Buried,
}

/// What has been read of a topic.
#[derive(Debug, Default)]
struct Reading {
    count: Count,
    lives: Vec<Life>,
}

impl Reading {
    /// Counts a record; an error if it comes at the wrong time of its row's life.
    fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<()> {
        /// Far more rows than a load writes: the lives of so many take 256 MiB.
        const ID_MAX: usize = 1 << 28;
        let id = key.and_then(number_at_end).context("a key without id")? as usize;
        ensure!(id < ID_MAX, "row {id} is not one of the load");
        if self.lives.len() <= id {
            self.lives.resize(id + 1, Life::Unborn);
        }
        let (count, life) = (&mut self.count, &mut self.lives[id]);
        let (allowed, next, counted) = match value.map(op) {
            None => (Life::Deleted, Life::Buried, &mut count.tombstones),
            Some(Some(b'c')) => (Life::Unborn, Life::Lives, &mut count.inserts),
            Some(Some(b'r')) => (Life::Unborn, Life::Lives, &mut count.reads),
            Some(Some(b'u')) => (Life::Lives, Life::Lives, &mut count.updates),
            Some(Some(b'd')) => (Life::Lives, Life::Deleted, &mut count.deletes),
            // Without an envelope an insert cannot be told from an update.
            Some(_) => (*life, Life::Lives, &mut count.plain),
        };
        ensure!(
            *life == allowed,
            "row {id} is found {life:?} instead of {allowed:?}"
        );
        *life = next;
        *counted += 1;
        count.records += 1;
        Ok(())
    }
}

/// Reads a topic from its beginning to its end and checks the order of every key: inserted, updated, deleted, tombstone.
pub(crate) fn count(topic: &str) -> Result<Count> {
    let end = End::of(topic)?.now()?;
    let consumer = from(topic, Offset::Beginning)?;
    let mut reading = Reading::default();
    let mut heard = Instant::now();
    while reading.count.records < end {
        let Some(message) = consumer.poll(Duration::from_millis(200)) else {
            let have = reading.count.records;
            ensure!(
                heard.elapsed() < SILENCE,
                "reading {topic}: {have} of {end} records came"
            );
            continue;
        };
        heard = Instant::now();
        let message = message.with_context(|| format!("reading {topic}"))?;
        reading
            .take(message.key(), message.payload())
            .with_context(|| format!("reading {topic} at {}", message.offset()))?;
    }
    Ok(reading.count)
}

fn from(topic: &str, offset: Offset) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = config()?.create().context("creating a consumer")?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, offset)?;
    consumer
        .assign(&list)
        .with_context(|| format!("reading {topic}"))?;
    Ok(consumer)
}

/// The number that ends a JSON key: `{"id":5}`, with a schema before it or not.
fn number_at_end(key: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(key).ok()?.trim_end_matches('}');
    text.rsplit_once(':')?.1.parse().ok()
}

/// An envelope's `op`: after the images, which are the rest of it, so look from the end.
fn op(value: &[u8]) -> Option<u8> {
    const NAME: &[u8] = b"\"op\":\"";
    let at = value.windows(NAME.len()).rposition(|w| w == NAME)?;
    value.get(at + NAME.len()).copied()
}

/// Latencies, in µs, of the records that come after now.
pub(crate) struct Arrivals {
    consumer: BaseConsumer,
}

impl Arrivals {
    pub(crate) fn of(topic: &str) -> Result<Self> {
        let end = End::of(topic)?.now()?;
        let consumer = from(topic, Offset::Offset(end as i64))?;
        Ok(Self { consumer })
    }

    /// Takes this many records whose row tells when it was placed: this time and how long after it the record came.
    pub(crate) fn take(&self, records: u64) -> Result<Vec<(u64, u64)>> {
        const NAME: &[u8] = b"\"placed_us\":";
        let mut all = Vec::new();
        let mut heard = Instant::now();
        while (all.len() as u64) < records {
            let Some(message) = self.consumer.poll(Duration::from_millis(200)) else {
                ensure!(
                    heard.elapsed() < SILENCE,
                    "measuring latency: {} of {records} records came",
                    all.len()
                );
                continue;
            };
            heard = Instant::now();
            let now = now_us();
            let message = message.context("measuring latency")?;
            let value = message.payload().unwrap_or_default();
            let at = value.windows(NAME.len()).rposition(|w| w == NAME);
            let rest = at.and_then(|at| value.get(at + NAME.len()..));
            let digits: Vec<u8> = rest
                .unwrap_or_default()
                .iter()
                .copied()
                .take_while(u8::is_ascii_digit)
                .collect();
            let placed: u64 = String::from_utf8(digits)?
                .parse()
                .context("measuring latency: a record without placed_us")?;
            if placed > 0 {
                all.push((placed, now.saturating_sub(placed)));
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_operations_are_found_with_and_without_schema() {
        assert_eq!(number_at_end(br#"{"id":51}"#), Some(51));
        let with = br#"{"schema":{"type":"struct"},"payload":{"id":7}}"#;
        assert_eq!(number_at_end(with), Some(7));
        assert_eq!(number_at_end(b"default"), None);
        let value = br#"{"before":null,"after":{"note":"\"op\":\"x"},"op":"c","ts_ms":1}"#;
        assert_eq!(op(value), Some(b'c'));
        assert_eq!(op(br#"{"id":1}"#), None);
    }

    #[test]
    fn a_row_is_inserted_changed_deleted_and_buried_in_this_order() {
        let read = |ops: &str| {
            let mut reading = Reading::default();
            for op in ops.chars() {
                let value = format!(r#"{{"op":"{op}"}}"#);
                let value = (op != '0').then_some(value.as_bytes());
                reading.take(Some(br#"{"id":3}"#), value).ok()?;
            }
            Some(reading.count)
        };
        let whole = Count {
            records: 5,
            inserts: 1,
            updates: 2,
            deletes: 1,
            tombstones: 1,
            ..Count::default()
        };
        assert_eq!(read("cuud0"), Some(whole));
        for wrong in ["u", "cc", "cdu", "c0", "cd00", "cd0c", "d"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(Reading::default().take(None, None).is_err());
    }
}
