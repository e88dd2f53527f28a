//! The task's own thread: chain, tickets, send.
//!
//! Plain and blocking, as Connect's is: the operating system gives fairness between tenants, guests are called
//! synchronously, and a full producer queue simply blocks. It opens a batch in `Inflight` before the first of its
//! records is sent, in order. Invariant: a chain is exchanged only between two batches, so each batch goes through
//! exactly one chain.

use super::budget::Room;
use super::lease::Lease;
use super::producer::{Deliveries, Producer, Rejected, Send, SendError};
use super::signals::Signals;
use crate::chain::{Chain, DeadLetter, Prepared};
use crate::inflight::Ticket;
use crate::kafka::ClientProps;
use crate::metrics::TaskMetrics;
use crate::store::StatusStore;
use crate::tenant::Meter;
use crate::topic_creation::TopicGate;
use host_core::batch::Batch;
use host_core::error::{RecordError, Stage, TaskError};
use host_core::id::TaskId;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Stack of a task's thread: guests may use 1 MiB, and wasmtime wants as much again.
pub(super) const THREAD_STACK_BYTES: usize = 4 * 1024 * 1024;
/// Topic limits are compared with the producer's batches with this much left for Kafka's own framing, in bytes.
const BATCH_FRAMING_BYTES: usize = 200;

/// How often the plugins' counters are shown.
const SHOW_PLUGINS_EVERY: Duration = Duration::from_secs(1);

/// What the thread is given to do.
pub(super) enum Work {
    /// A batch and the room it takes.
    Batch(Box<Batch>, Room),
    /// Look at the other requests: there may be a new chain or refused records.
    Wake,
}

/// A new chain, and where to tell how long the exchange held records up.
pub(super) struct Swap {
    /// The chain.
    pub(super) chain: Box<Chain>,
    /// When it was asked for.
    pub(super) asked: Instant,
    /// Told when the next batch will go through it.
    pub(super) done: oneshot::Sender<Duration>,
}

/// Everything the thread works with.
pub(super) struct Pipeline {
    /// Which task.
    pub(super) id: TaskId,
    /// Transforms and formats.
    pub(super) chain: Box<Chain>,
    /// Where records go.
    pub(super) producer: Producer,
    /// Properties to make the producer anew with smaller batches.
    pub(super) props: ClientProps,
    /// What topics have to pass.
    pub(super) gate: TopicGate,
    /// Where used topics are noted.
    pub(super) statuses: Arc<StatusStore>,
    /// The tenant's counters.
    pub(super) meter: Arc<Meter>,
    /// The task's counters.
    pub(super) metrics: Arc<TaskMetrics>,
    /// Wake-ups.
    pub(super) signals: Arc<Signals>,
    /// A chain that waits to be exchanged.
    pub(super) swap: Arc<Mutex<Option<Swap>>>,
    /// To wait for what is asynchronous.
    pub(super) runtime: tokio::runtime::Handle,
    /// When the plugins' counters were last shown.
    pub(super) shown: Instant,
    /// Topics already noted as used.
    pub(super) used: HashSet<String>,
    /// The run's lease; last, so that it is given back when the producer has gone.
    pub(super) _lease: Lease,
}

impl Pipeline {
    /// Works until the channel closes or a stop is asked for, and gives the pipeline back for its last flush.
    pub(super) fn run(mut self, mut work: mpsc::Receiver<Work>) -> (Self, Result<(), TaskError>) {
        let result = self.work(&mut work);
        (self, result)
    }

    fn work(&mut self, work: &mut mpsc::Receiver<Work>) -> Result<(), TaskError> {
        while let Some(next) = work.blocking_recv() {
            if self.signals.is_stopped() {
                return Ok(());
            }
            self.exchange_chain();
            self.judge_rejected()?;
            if let Work::Batch(batch, room) = next {
                let done = self.batch(*batch);
                drop(room);
                match done {
                    Ok(()) => {}
                    Err(SendError::Stopped) => return Ok(()),
                    Err(SendError::Task(e)) => return Err(e),
                    Err(SendError::Record(why)) => return Err(TaskError::fail("BUG", why)),
                }
            }
        }
        Ok(())
    }

    /// Waits until nothing is outstanding, judging what Kafka refuses meanwhile; whether nothing is. Ends at `deadline`,
    /// or, where there is none, when a stop is asked for.
    pub(super) fn finish(&mut self, deadline: Option<Instant>) -> Result<bool, TaskError> {
        loop {
            self.judge_rejected()?;
            let soon = Instant::now() + Duration::from_millis(100);
            if self
                .producer
                .flush_until(deadline.map_or(soon, |d| d.min(soon)))
            {
                return Ok(true);
            }
            if let Some(e) = self.deliveries().failure() {
                return Err(e);
            }
            let over = deadline.map_or_else(|| self.signals.is_stopped(), |d| Instant::now() >= d);
            if over {
                return Ok(false);
            }
        }
    }

    fn exchange_chain(&mut self) {
        let swap = self
            .swap
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(swap) = swap else { return };
        let began = Instant::now();
        self.metrics.plugins(self.chain.stats());
        drop(std::mem::replace(&mut self.chain, swap.chain));
        let pause = began.elapsed();
        self.metrics.swapped(pause);
        tracing::info!(
            task = %self.id,
            pause_us = pause.as_micros() as u64,
            waited_us = swap.asked.elapsed().as_micros() as u64,
            "exchanged transforms and formats in place"
        );
        if swap.done.send(pause).is_err() {
            tracing::debug!(task = %self.id, "nobody waits for the exchange any more");
        }
    }

    fn batch(&mut self, batch: Batch) -> Result<(), SendError> {
        let (sequence, polled) = (batch.sequence, u64::from(batch.source_records()));
        self.metrics.polled(polled);
        let began = Instant::now();
        let mut prepared = self.chain.run(batch).map_err(|e| {
            // A guest that waits for CPU time is ended by a stop; its batch is read again.
            if self.signals.is_stopped() {
                SendError::Stopped
            } else {
                SendError::Task(e)
            }
        })?;
        if self.signals.is_abandoned() {
            return Err(SendError::Stopped);
        }
        self.metrics.prepared(
            began.elapsed(),
            prepared.errors,
            prepared.dead.len() as u64,
            prepared.dropped,
        );
        if self.shown.elapsed() > SHOW_PLUGINS_EVERY {
            self.shown = Instant::now();
            self.metrics.plugins(self.chain.stats());
        }
        self.pass_topics(&prepared)?;
        let copies = std::mem::take(&mut prepared.copies);
        let offsets = Arc::clone(prepared.batch.offsets());
        self.producer
            .deliveries
            .inflight(|f| f.open(sequence, offsets, copies));
        self.send(sequence, &prepared)?;
        prepared.ended.map_or(Ok(()), |e| Err(SendError::Task(e)))
    }

    /// Lets every topic of the batch pass the gate, and makes the producer's batches fit the smallest of them.
    fn pass_topics(&mut self, prepared: &Prepared) -> Result<(), SendError> {
        let mut new: Vec<String> = Vec::new();
        let reader = prepared.batch.reader();
        let mut last = None;
        for r in prepared.batch.records() {
            // Runs of records name the same topic at the same address.
            let named = Some((r.entry.topic, r.entry.topic_len));
            if std::mem::replace(&mut last, named) == named {
                continue;
            }
            let topic = reader
                .topic(&r.entry)
                .map_err(|e| SendError::Task(malformed(&e)))?;
            if !self.gate.has_passed(topic) && !new.iter().any(|t| t == topic) {
                new.push(topic.to_owned());
            }
        }
        if !prepared.dead.is_empty()
            && let Some(topic) = self.chain.policy.dead_letter_topic.clone()
            && !self.gate.has_passed(&topic)
        {
            new.push(topic);
        }
        for topic in new {
            self.pass(&topic)?;
        }
        Ok(())
    }

    fn pass(&mut self, topic: &str) -> Result<(), SendError> {
        let (runtime, signals) = (self.runtime.clone(), Arc::clone(&self.signals));
        let limit = runtime
            .block_on(self.gate.pass(topic))
            .map_err(SendError::Task)?;
        if signals.is_stopped() {
            return Err(SendError::Stopped);
        }
        let batch_size = self
            .props
            .get("batch.size")
            .and_then(|v| v.parse::<usize>().ok());
        let wanted = limit.map(|l| l.saturating_sub(BATCH_FRAMING_BYTES).max(1));
        if let (Some(wanted), Some(now)) = (wanted, batch_size)
            && wanted < now
        {
            // The broker would refuse a whole batch for its size; no batch may be larger than what the topic takes.
            while !self
                .producer
                .drained_until(Instant::now() + Duration::from_millis(200))
            {
                if let Some(e) = self.producer.deliveries.failure() {
                    return Err(SendError::Task(e));
                }
                if signals.is_stopped() {
                    return Err(SendError::Stopped);
                }
            }
            self.props.set("batch.size", wanted.to_string());
            let deliveries = Arc::clone(&self.producer.deliveries);
            self.producer = Producer::new(&self.props, deliveries).map_err(SendError::Task)?;
        }
        Ok(())
    }

    fn send(&mut self, sequence: u64, prepared: &Prepared) -> Result<(), SendError> {
        let signals = Arc::clone(&self.signals);
        let stopped = || signals.is_stopped();
        let reader = prepared.batch.reader();
        let (mut records, mut bytes) = (0u64, 0u64);
        for out in prepared.outgoing() {
            if signals.is_abandoned() {
                return Err(SendError::Stopped);
            }
            let Some(record) = prepared.batch.records().get(out.index) else {
                continue;
            };
            let entry = &record.entry;
            let topic = reader
                .topic(entry)
                .map_err(|e| SendError::Task(malformed(&e)))?;
            let ticket = Ticket::new(sequence, record.origin);
            let missing = entry
                .partition
                .map_or(Ok(None), |p| self.missing_partition(topic, p))?;
            let send = |producer: &Producer| {
                producer.send(
                    Send {
                        topic,
                        partition: entry.partition,
                        timestamp_ms: entry.timestamp_ms,
                        key: out.key,
                        value: out.value,
                        headers: prepared.headers.get(entry.headers, entry.headers_len),
                        ticket,
                    },
                    &stopped,
                )
            };
            let sent = match missing {
                Some(why) => Err(SendError::Record(why)),
                None => send(&self.producer),
            };
            match sent {
                Ok(()) => {
                    records += 1;
                    bytes +=
                        (out.key.map_or(0, <[u8]>::len) + out.value.map_or(0, <[u8]>::len)) as u64;
                    self.note_use(topic);
                }
                Err(SendError::Record(why)) => {
                    let rejected = Rejected {
                        ticket,
                        topic: topic.to_owned(),
                        key: out.key.map(<[u8]>::to_vec),
                        value: out.value.map(<[u8]>::to_vec),
                        reason: why,
                    };
                    self.judge(rejected, record.origin)?;
                }
                Err(e) => return Err(e),
            }
        }
        for dead in &prepared.dead {
            self.send_dead(dead, Ticket::new(sequence, dead.origin))?;
        }
        self.metrics.written(records, bytes);
        self.meter
            .records_written
            .fetch_add(records, Ordering::Relaxed);
        self.meter.bytes_written.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Why a record cannot go to the partition it names (a transform may name any); librdkafka would refuse it as often
    /// as it is read again.
    fn missing_partition(
        &mut self,
        topic: &str,
        partition: u32,
    ) -> Result<Option<String>, SendError> {
        let asked = self.gate.lacks_partition(topic, partition);
        let count = self.runtime.block_on(asked).map_err(SendError::Task)?;
        Ok(count.map(|count| {
            format!(
                "the record names partition {partition} of the topic {topic}, which has {count} partitions, from 0; \
                 correct the transform that set it, or add partitions"
            )
        }))
    }

    fn note_use(&mut self, topic: &str) {
        if !self.used.contains(topic) {
            self.used.insert(topic.to_owned());
            self.statuses.topic_used(&self.id, topic);
        }
    }

    /// Judges records that Kafka refused since the last batch.
    fn judge_rejected(&mut self) -> Result<(), TaskError> {
        for rejected in self.producer.deliveries.take_rejected() {
            match self.judge(rejected, 0) {
                Ok(()) => {}
                Err(SendError::Stopped) => return Ok(()),
                Err(SendError::Task(e)) => return Err(e),
                Err(SendError::Record(why)) => return Err(TaskError::fail("BUG", why)),
            }
        }
        Ok(())
    }

    /// A record that Kafka will not take: to the dead letter topic, skipped, or the end of the task.
    fn judge(&mut self, rejected: Rejected, origin: u32) -> Result<(), SendError> {
        let dead_topic = self.chain.policy.dead_letter_topic.clone();
        if dead_topic.as_deref() == Some(&rejected.topic) {
            let message = format!(
                "writing to the dead letter topic {}: {}; raise its max.message.bytes (and max.request.size), then \
                 restart the task",
                rejected.topic, rejected.reason
            );
            return Err(SendError::Task(TaskError::fail(
                "DEAD-LETTER-REFUSED",
                message,
            )));
        }
        let error = RecordError {
            record: 0,
            stage: Stage::KafkaProduce,
            class: "org.apache.kafka.clients.producer.KafkaProducer".to_owned(),
            message: rejected.reason.clone(),
        };
        self.chain
            .policy
            .tolerate(&error, &rejected.topic)
            .map_err(SendError::Task)?;
        self.metrics.tolerated(1);
        let (ticket, deliveries) = (rejected.ticket, Arc::clone(&self.producer.deliveries));
        if dead_topic.is_some() {
            let dead = DeadLetter {
                origin,
                topic: rejected.topic,
                key: rejected.key,
                value: rejected.value,
                error,
                source: None,
            };
            deliveries.inflight(|f| f.add(ticket, 1));
            self.send_dead(&dead, ticket)?;
            self.metrics.dead_lettered(1);
        }
        deliveries.inflight(|f| f.close(ticket));
        Ok(())
    }

    fn send_dead(&mut self, dead: &DeadLetter, ticket: Ticket) -> Result<(), SendError> {
        let Some(topic) = self.chain.policy.dead_letter_topic.clone() else {
            return Ok(());
        };
        self.pass(&topic)?;
        let signals = Arc::clone(&self.signals);
        let headers = self
            .chain
            .policy
            .context_headers
            .then(|| dead.headers(&self.id));
        let sent = self.producer.send(
            Send {
                topic: &topic,
                partition: None,
                timestamp_ms: None,
                key: dead.key.as_deref(),
                value: dead.value.as_deref(),
                headers,
                ticket,
            },
            &|| signals.is_stopped(),
        );
        match sent {
            Err(SendError::Record(reason)) => {
                let message = format!(
                    "writing to the dead letter topic {topic}: {reason}; raise max.request.size"
                );
                Err(SendError::Task(TaskError::fail(
                    "DEAD-LETTER-REFUSED",
                    message,
                )))
            }
            Ok(()) => {
                self.note_use(&topic);
                Ok(())
            }
            other => other,
        }
    }

    /// What it shares with the producer's callback.
    pub(super) fn deliveries(&self) -> &Arc<Deliveries> {
        &self.producer.deliveries
    }
}

fn malformed(e: &host_core::layout::Malformed) -> TaskError {
    TaskError::fail(
        "BUG",
        format!("reading a record that passed its checks: {e}"),
    )
}
