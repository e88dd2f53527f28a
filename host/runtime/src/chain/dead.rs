//! Dead letters: records that failed, with the reason in Connect's `__connect.errors.*` headers.
//!
//! Connect has them for sinks (`DeadLetterQueueReporter`); for sources they are our extension. The record goes out as it
//! was before the stage that failed, as far as it could be encoded. Invariant: a dead letter carries its source record's
//! ticket, so no offset passes it before it is delivered.

use host_core::batch::Batch;
use host_core::error::RecordError;
use host_core::id::TaskId;
use host_core::offset::JsonMap;
use rdkafka::message::{Header, OwnedHeaders};

/// A failed record on its way to the dead letter topic.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Index of the source record in its batch.
    pub origin: u32,
    /// Topic it was meant for.
    pub topic: String,
    /// Encoded key, where it could be encoded.
    pub key: Option<Vec<u8>>,
    /// Encoded value, where it could be encoded.
    pub value: Option<Vec<u8>>,
    /// Where and why it failed.
    pub error: RecordError,
    /// Source partition and offset, where the source gives one.
    pub source: Option<(JsonMap, JsonMap)>,
}

impl DeadLetter {
    /// The dead letter of the record `error` names; `None` for an index the batch does not have.
    pub fn new(
        batch: &Batch,
        error: &RecordError,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Option<Self> {
        let record = batch.records().get(error.record as usize)?;
        let source = batch.offsets().offset(record.origin);
        Some(Self {
            origin: record.origin,
            topic: batch
                .reader()
                .topic(&record.entry)
                .unwrap_or("?")
                .to_owned(),
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            error: error.clone(),
            source: source.map(|(p, o)| (p.0, o.0)),
        })
    }

    /// Connect's context headers, as text; source partition and offset take the place of topic partition and offset.
    pub fn headers(&self, task: &TaskId) -> OwnedHeaders {
        let partition = self
            .source
            .as_ref()
            .and_then(|(p, _)| serde_json::to_string(p).ok());
        let offset = self
            .source
            .as_ref()
            .and_then(|(_, o)| serde_json::to_string(o).ok());
        let all: [(&str, Option<String>); 9] = [
            ("topic", Some(self.topic.clone())),
            ("partition", partition),
            ("offset", offset),
            ("connector.name", Some(task.connector.name.to_string())),
            ("task.id", Some(task.task.to_string())),
            ("stage", Some(self.error.stage.to_string())),
            ("class.name", Some(self.error.class.clone())),
            (
                "exception.class.name",
                Some("org.apache.kafka.connect.errors.DataException".to_owned()),
            ),
            ("exception.message", Some(self.error.message.clone())),
        ];
        let mut headers = OwnedHeaders::new_with_capacity(all.len());
        for (name, value) in all {
            headers = headers.insert(Header {
                key: &format!("__connect.errors.{name}"),
                value: value.as_deref(),
            });
        }
        headers
    }
}
