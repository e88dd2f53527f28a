//! A source that counts: record `n` has the key and value `n`, offset `{"position": n + 1}` after it.
//!
//! A real implementation of `SourceKind`, small enough to foresee; it can be slow, fail once, or make one large record.

#![allow(dead_code, reason = "each test program uses a part of it")]

use futures_util::future::BoxFuture;
use host_core::access::Access;
use host_core::batch::{Batch, BatchBuilder};
use host_core::config::{Config, ConfigDef, ConfigKey, Finding, Type};
use host_core::error::TaskError;
use host_core::offset::{JsonMap, Offset, OffsetTable, SourcePartition};
use host_core::schema::{Schema, SchemaType};
use host_core::source::{Source, SourceKind, TaskContext};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const BATCH: u64 = 100;

#[derive(Clone)]
pub(crate) struct Counting {
    to: u64,
    pause: Duration,
    fail: Option<(u64, TaskError, Arc<AtomicBool>)>,
    large: Option<(u64, usize)>,
    partition: Option<(u64, u32)>,
}

impl Counting {
    pub(crate) fn to(to: u64) -> Self {
        Self {
            to,
            pause: Duration::ZERO,
            fail: None,
            large: None,
            partition: None,
        }
    }
    /// Pauses between batches, so that there is a middle to act in.
    pub(crate) fn slow(to: u64) -> Self {
        Self {
            pause: Duration::from_millis(2),
            ..Self::to(to)
        }
    }
    /// Fails once before record `n`.
    pub(crate) fn failing_at(self, n: u64, e: TaskError) -> Self {
        Self {
            fail: Some((n, e, Arc::new(AtomicBool::new(false)))),
            ..self
        }
    }
    /// Sends record `n` to this partition.
    pub(crate) fn partition_at(self, n: u64, partition: u32) -> Self {
        Self {
            partition: Some((n, partition)),
            ..self
        }
    }
    /// Makes the value of record `n` this long.
    pub(crate) fn large_at(self, n: u64, bytes: usize) -> Self {
        Self {
            large: Some((n, bytes)),
            ..self
        }
    }
}

#[derive(Debug)]
struct Table {
    first: u64,
}

pub(crate) fn partition() -> SourcePartition {
    let mut p = JsonMap::new();
    p.insert("counter".into(), "it".into());
    SourcePartition(p)
}

impl OffsetTable for Table {
    fn offset(&self, index: u32) -> Option<(SourcePartition, Offset)> {
        let mut o = JsonMap::new();
        o.insert(
            "position".into(),
            (self.first + u64::from(index) + 1).into(),
        );
        Some((partition(), Offset(o)))
    }
}

struct Open {
    kind: Counting,
    topic: String,
    context: TaskContext,
    next: u64,
    sequence: u64,
}

impl Source for Open {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Option<Batch>, TaskError>> {
        Box::pin(async move {
            if !self.kind.pause.is_zero() {
                tokio::time::sleep(self.kind.pause).await;
            }
            if self.next >= self.kind.to {
                return Ok(None);
            }
            if let Some((at, e, done)) = &self.kind.fail
                && self.next + BATCH > *at
                && !done.swap(true, Ordering::AcqRel)
            {
                return Err(e.clone());
            }
            let text = self
                .context
                .schemas
                .intern(Schema::new(SchemaType::String))
                .unwrap();
            let first = self.next;
            let mut b = BatchBuilder::new(self.context.schemas.clone());
            while self.next < (first + BATCH).min(self.kind.to) {
                let value = match self.kind.large {
                    Some((n, bytes)) if n == self.next => "x".repeat(bytes),
                    _ => self.next.to_string(),
                };
                let slot = b.arena.string(&value);
                b.push(
                    &self.topic,
                    (text, slot),
                    (text, slot),
                    &[("counter", text, slot)],
                );
                self.next += 1;
            }
            self.sequence += 1;
            let mut batch = b.finish(self.sequence - 1, Arc::new(Table { first }))?;
            if let Some((n, partition)) = self.kind.partition
                && (first..self.next).contains(&n)
            {
                let mut records = batch.records().to_vec();
                records[(n - first) as usize].entry.partition = Some(partition);
                batch.replace_records(records);
            }
            Ok(Some(batch))
        })
    }
    fn committed<'a>(&'a mut self, offset: &'a Offset) -> BoxFuture<'a, Result<(), TaskError>> {
        Box::pin(async move {
            let stored = offset.0.get("position").and_then(|p| p.as_u64()).unwrap();
            assert!(stored <= self.next, "an offset that was never handed out");
            Ok(())
        })
    }
}

impl SourceKind for Counting {
    fn class(&self) -> &'static str {
        "test.CountingSource"
    }
    fn version(&self) -> &'static str {
        "1.0.0"
    }
    fn definition(&self) -> &ConfigDef {
        static DEF: OnceLock<ConfigDef> = OnceLock::new();
        DEF.get_or_init(|| {
            ConfigDef::new(vec![ConfigKey::new("topic", Type::String, "").required()])
        })
    }
    fn validate(&self, _: &Config, _: &Access, _: bool) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
    fn understands(&self, _: &str) -> bool {
        false
    }
    fn task_configs(&self, config: &Config, _: u32) -> Vec<Config> {
        vec![config.clone()]
    }
    fn open(
        &self,
        context: TaskContext,
        config: Config,
    ) -> BoxFuture<'_, Result<Box<dyn Source>, TaskError>> {
        Box::pin(async move {
            let stored = context.offsets.iter().find(|(p, _)| *p == partition());
            let next = stored
                .and_then(|(_, o)| o.0.get("position")?.as_u64())
                .unwrap_or(0);
            let open = Open {
                kind: self.clone(),
                topic: config.get("topic").unwrap().to_owned(),
                context,
                next,
                sequence: 0,
            };
            Ok(Box::new(open) as Box<dyn Source>)
        })
    }
    fn check_offset(&self, _: &JsonMap, _: Option<&JsonMap>) -> Result<(), String> {
        Ok(())
    }
}
