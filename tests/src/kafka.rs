//! Reading and writing the real Kafka.
//!
//! Records are taken as they are: bytes, headers, partition, offset. Invariant: every call ends within its limit.

use crate::services;
use anyhow::{Context, Result, bail};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Limit of one call to the broker.
const CALL: Duration = Duration::from_secs(20);

/// One record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Key bytes.
    pub key: Option<Vec<u8>>,
    /// Value bytes; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Header names and values.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    fn of(m: &rdkafka::message::BorrowedMessage<'_>) -> Self {
        let headers = m.headers().map(|h| {
            h.iter()
                .map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec)))
                .collect()
        });
        Self {
            partition: m.partition(),
            offset: m.offset(),
            key: m.key().map(<[u8]>::to_vec),
            value: m.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        }
    }
    /// The value as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        let value = self.value.as_deref().context("a tombstone has no JSON")?;
        serde_json::from_slice(value).with_context(|| String::from_utf8_lossy(value).into_owned())
    }
}

fn config() -> Result<ClientConfig> {
    let mut c = ClientConfig::new();
    c.set("bootstrap.servers", services::kafka()?);
    Ok(c)
}

fn consumer() -> Result<BaseConsumer> {
    let mut c = config()?;
    c.set("group.id", format!("tests-{}", std::process::id()))
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", "50")
        .set("enable.partition.eof", "true");
    c.create().context("creating a consumer")
}

/// Topics and their partitions.
pub fn topics() -> Result<BTreeMap<String, Vec<i32>>> {
    let metadata = consumer()?
        .fetch_metadata(None, CALL)
        .context("listing topics")?;
    let parts =
        |t: &rdkafka::metadata::MetadataTopic| t.partitions().iter().map(|p| p.id()).collect();
    Ok(metadata
        .topics()
        .iter()
        .map(|t| (t.name().to_owned(), parts(t)))
        .collect())
}

/// End offsets of all partitions of these topics.
pub fn ends(matching: &dyn Fn(&str) -> bool) -> Result<BTreeMap<(String, i32), i64>> {
    let mut asked = TopicPartitionList::new();
    for (topic, partitions) in topics()?.into_iter().filter(|(t, _)| matching(t)) {
        for p in partitions {
            asked.add_partition_offset(&topic, p, Offset::End)?;
        }
    }
    if asked.count() == 0 {
        return Ok(BTreeMap::new());
    }
    // One question for all; in place of a time stands what is asked for.
    let found = consumer()?
        .offsets_for_times(asked, CALL)
        .context("asking for the ends of topics")?;
    let end = |e: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        let place = (e.topic().to_owned(), e.partition());
        e.error()
            .with_context(|| format!("end of {}-{}", place.0, place.1))?;
        let offset = e.offset().to_raw().context("an end is a number")?;
        Ok((place, offset))
    };
    found.elements().iter().map(end).collect()
}

/// All records a topic holds now, partition by partition; none for a topic that does not exist.
pub fn read(topic: &str) -> Result<Vec<Record>> {
    Ok(read_all(&|t| t == topic)?.remove(topic).unwrap_or_default())
}

/// All records these topics hold now, by topic; what is written meanwhile is not waited for.
pub fn read_all(matching: &dyn Fn(&str) -> bool) -> Result<BTreeMap<String, Vec<Record>>> {
    let mut left = ends(matching)?;
    let mut out: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    let mut list = TopicPartitionList::new();
    for (topic, partition) in left.keys() {
        out.entry(topic.clone()).or_default();
        list.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    let consumer = consumer()?;
    consumer.assign(&list).context("reading topics")?;
    // The last offset of a partition is a record's: nothing here writes transactions, and compaction keeps the last.
    left.retain(|_, end| *end > 0);
    let mut heard = Instant::now();
    while !left.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(m)) => {
                heard = Instant::now();
                let place = (m.topic().to_owned(), m.partition());
                let Some(end) = left.get(&place).copied() else {
                    continue;
                };
                if m.offset() + 1 >= end {
                    left.remove(&place);
                }
                if m.offset() < end {
                    out.entry(place.0).or_default().push(Record::of(&m));
                }
            }
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(e)) => return Err(e).context("reading topics"),
        }
        if heard.elapsed() > CALL {
            bail!("reading topics: nothing came within {CALL:?} of {left:?}");
        }
    }
    for records in out.values_mut() {
        records.sort_by_key(|r| (r.partition, r.offset));
    }
    Ok(out)
}

/// The newest record of a topic with one partition.
pub fn last(topic: &str) -> Result<Option<Record>> {
    let end = ends(&|t| t == topic)?.into_values().max().unwrap_or(0);
    if end == 0 {
        return Ok(None);
    }
    let mut reader = Reader::new(topic)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(end - 1))?;
    reader.consumer.assign(&list)?;
    reader.poll(CALL)
}

/// Follows a topic from its beginning.
pub struct Reader {
    consumer: BaseConsumer,
    topic: String,
    ended: BTreeMap<i32, bool>,
}

impl Reader {
    /// Begins at the first record of every partition that exists now.
    pub fn new(topic: &str) -> Result<Self> {
        let consumer = consumer()?;
        let partitions = topics()?.remove(topic).unwrap_or_default();
        let mut list = TopicPartitionList::new();
        for p in &partitions {
            list.add_partition_offset(topic, *p, Offset::Beginning)?;
        }
        consumer
            .assign(&list)
            .with_context(|| format!("reading {topic}"))?;
        Ok(Self {
            consumer,
            topic: topic.to_owned(),
            ended: partitions.into_iter().map(|p| (p, false)).collect(),
        })
    }
    /// The next record, or `None` when all partitions have been read to their end.
    pub fn next_before_end(&mut self) -> Result<Option<Record>> {
        let start = Instant::now();
        while self.ended.values().any(|e| !e) {
            if let Some(r) = self.poll(Duration::from_millis(200))? {
                return Ok(Some(r));
            }
            if start.elapsed() > CALL {
                bail!("reading {}: no end within {CALL:?}", self.topic);
            }
        }
        Ok(None)
    }
    /// The next record if one comes within `limit`.
    pub fn poll(&mut self, limit: Duration) -> Result<Option<Record>> {
        match self.consumer.poll(limit) {
            None => Ok(None),
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(p))) => {
                self.ended.insert(p, true);
                Ok(None)
            }
            Some(Err(e)) => Err(e).with_context(|| format!("reading {}", self.topic)),
            Some(Ok(m)) => {
                self.ended.insert(m.partition(), false);
                Ok(Some(Record::of(&m)))
            }
        }
    }
}

fn admin() -> Result<AdminClient<DefaultClientContext>> {
    config()?.create().context("creating an admin client")
}

/// Members of a group of consumers or workers.
pub fn members(group: &str) -> Result<usize> {
    let groups = consumer()?
        .fetch_group_list(Some(group), CALL)
        .with_context(|| format!("asking for the members of group {group}"))?;
    Ok(groups.groups().iter().map(|g| g.members().len()).sum())
}

/// Deletes these topics and waits until they are gone.
pub fn delete_topics(matching: &dyn Fn(&str) -> bool) -> Result<()> {
    let names: Vec<String> = topics()?.into_keys().filter(|t| matching(t)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let options = AdminOptions::new().operation_timeout(Some(CALL));
    runtime
        .block_on(admin()?.delete_topics(&all, &options))
        .context("deleting topics")?;
    crate::until::until("topics to be gone", CALL, || {
        Ok((!topics()?.keys().any(|t| names.contains(t))).then_some(()))
    })
}

/// Writes one record where the Java client would put it, and waits for its acknowledgement.
pub fn produce(topic: &str, key: &str, value: Option<&str>) -> Result<()> {
    let mut c = config()?;
    c.set("partitioner", "murmur2_random").set("acks", "all");
    let producer: BaseProducer = c.create().context("creating a producer")?;
    let mut record = BaseRecord::to(topic).key(key);
    if let Some(v) = value {
        record = record.payload(v);
    }
    producer
        .send(record)
        .map_err(|(e, _)| e)
        .with_context(|| format!("writing to {topic}"))?;
    producer
        .flush(CALL)
        .with_context(|| format!("writing to {topic}"))
}
