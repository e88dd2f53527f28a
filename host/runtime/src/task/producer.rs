//! The pipeline's producer: sends with integer tickets and closes them in [`Inflight`] as Kafka acknowledges.
//!
//! One for each run of a task; a run that fails throws it away with all it holds, and the source is read again from the
//! stored offset, so order per key is kept (promise 3). librdkafka's queue is bounded in bytes
//! ([`QUEUE_KBYTES_MAX`]); a full one blocks the task's thread, which is how backpressure reaches the source.
//! Invariant: a ticket is closed only by an acknowledgement of all in-sync replicas, or by the error policy.

use super::signals::Signals;
use crate::inflight::{Inflight, Ticket};
use crate::kafka::{ClientProps, HostContext, LastError, ServedProducer, is_permanent, task_error};
use host_core::error::TaskError;
use host_core::failpoint;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of records that librdkafka may hold for one task, in KiB.
pub const QUEUE_KBYTES_MAX: &str = "32768";
/// Records that librdkafka may hold for one task; bytes are meant to be the bound that is felt.
const QUEUE_MESSAGES_MAX: &str = "1000000";
/// Records that Kafka refused and that wait for the error policy.
const REJECTED_RECORDS_MAX: usize = 10_000;

/// Producer settings before the worker's and the connector's own.
pub fn default_props() -> ClientProps {
    let mut p = crate::kafka::base_props();
    for (k, v) in [
        ("partitioner", "murmur2_random"),
        ("enable.idempotence", "true"),
        ("acks", "all"),
        ("compression.type", "lz4"),
        ("batch.size", "1000000"),
        ("batch.num.messages", "100000"),
        ("linger.ms", "5"),
        ("message.max.bytes", "1048576"),
        ("queue.buffering.max.kbytes", QUEUE_KBYTES_MAX),
        ("queue.buffering.max.messages", QUEUE_MESSAGES_MAX),
        // As Connect sets it for source tasks: waiting is the answer to a broker that is away.
        ("delivery.timeout.ms", "2147483647"),
    ] {
        p.set(k, v);
    }
    p
}

/// A record that Kafka refused for what it is.
#[derive(Debug, Clone)]
pub(super) struct Rejected {
    /// Its ticket, still open.
    pub(super) ticket: Ticket,
    /// Its topic.
    pub(super) topic: String,
    /// Its key.
    pub(super) key: Option<Vec<u8>>,
    /// Its value.
    pub(super) value: Option<Vec<u8>>,
    /// Why.
    pub(super) reason: String,
}

/// What the producer's callback shares with its task.
pub(super) struct Deliveries {
    inflight: Mutex<Inflight>,
    /// Signalled at acknowledgements while somebody waits: a signal calls the kernel, whether anybody waits or not.
    progress: Condvar,
    /// How many wait; each counts itself in under the lock of `inflight`.
    waiting: AtomicU32,
    rejected: Mutex<Vec<Rejected>>,
    failure: Mutex<Option<TaskError>>,
    bytes: AtomicI64,
    began: Instant,
    /// Milliseconds from `began` to the last acknowledgement, or to the last moment with nothing outstanding.
    progress_ms: AtomicU64,
    signals: Arc<Signals>,
    /// What went wrong last on the producer's connections.
    pub(super) last_error: LastError,
}

impl Deliveries {
    /// Nothing is on its way yet.
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        Self {
            inflight: Mutex::default(),
            progress: Condvar::new(),
            waiting: AtomicU32::new(0),
            rejected: Mutex::default(),
            failure: Mutex::default(),
            bytes: AtomicI64::new(0),
            began: Instant::now(),
            progress_ms: AtomicU64::new(0),
            signals,
            last_error: LastError::default(),
        }
    }
    /// Works on the slots.
    pub(super) fn inflight<T>(&self, work: impl FnOnce(&mut Inflight) -> T) -> T {
        work(&mut self.inflight.lock().unwrap_or_else(PoisonError::into_inner))
    }
    /// Bytes of keys and values on their way.
    pub(super) fn inflight_bytes(&self) -> i64 {
        self.bytes.load(Ordering::Relaxed)
    }
    /// How long records have been outstanding without any acknowledgement.
    pub(super) fn stalled_for(&self) -> Duration {
        if self.inflight(|f| f.outstanding()) == 0 {
            self.touch();
            return Duration::ZERO;
        }
        let last = Duration::from_millis(self.progress_ms.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(last)
    }
    /// The first error that ends the run.
    pub(super) fn failure(&self) -> Option<TaskError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
    /// Ends the run with this error, unless one came before.
    pub(super) fn fail(&self, e: TaskError) {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(e);
        self.signals.failed.notify_one();
        self.progress.notify_all();
    }
    /// Records that Kafka refused since the last call.
    pub(super) fn take_rejected(&self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected.lock().unwrap_or_else(PoisonError::into_inner))
    }
    /// Waits for an acknowledgement, at most `timeout`.
    pub(super) fn wait_progress(&self, timeout: Duration) {
        let guard = self.inflight.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        drop(self.progress.wait_timeout(guard, timeout));
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
    /// Counts now as progress: something has just been sent after nothing was outstanding.
    pub(super) fn touch(&self) {
        let ms = self.began.elapsed().as_millis() as u64;
        self.progress_ms.store(ms, Ordering::Relaxed);
    }
    fn delivered(&self, ticket: Ticket, bytes: usize) {
        self.bytes.fetch_sub(bytes as i64, Ordering::Relaxed);
        self.touch();
        let is_waited_for = self.inflight(|f| {
            f.close(ticket);
            self.waiting.load(Ordering::Relaxed) > 0
        });
        if is_waited_for {
            self.progress.notify_all();
        }
        failpoint::hit("after_ack");
    }
}

struct TaskContext {
    host: HostContext,
    deliveries: Arc<Deliveries>,
}

impl ClientContext for TaskContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.host.log(level, facility, message);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        self.host.error(error.clone(), reason);
        if code == Some(RDKafkaErrorCode::Fatal) {
            // The idempotent producer cannot keep its order any more; a new one begins at the stored offset.
            let message = format!(
                "producing to Kafka: the producer has given up ({reason}); it is made anew"
            );
            self.deliveries
                .fail(TaskError::retry("KAFKA-PRODUCER-FATAL", message));
        } else if code.is_some_and(is_permanent) {
            self.deliveries.fail(task_error(
                &format!("producing to Kafka ({reason})"),
                &error,
            ));
        }
    }
}

impl ProducerContext for TaskContext {
    type DeliveryOpaque = usize;
    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let ticket = Ticket(opaque);
        match result {
            Ok(m) => {
                self.host.last_error.clear();
                self.deliveries
                    .delivered(ticket, m.key_len() + m.payload_len());
            }
            Err((e, m)) => self.failed(ticket, e, m),
        }
    }
}

impl TaskContext {
    fn failed(&self, ticket: Ticket, e: &KafkaError, m: &rdkafka::message::BorrowedMessage<'_>) {
        let bytes = m.key_len() + m.payload_len();
        self.deliveries
            .bytes
            .fetch_sub(bytes as i64, Ordering::Relaxed);
        match e.rdkafka_error_code() {
            // The run is over; its records are read again.
            Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) => {}
            Some(
                RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::InvalidTimestamp,
            ) => {
                let mut rejected = self
                    .deliveries
                    .rejected
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if rejected.len() < REJECTED_RECORDS_MAX {
                    rejected.push(Rejected {
                        ticket,
                        topic: m.topic().to_owned(),
                        key: m.key().map(<[u8]>::to_vec),
                        value: m.payload().map(<[u8]>::to_vec),
                        reason: e.to_string(),
                    });
                    drop(rejected);
                    self.deliveries.signals.rejected.notify_one();
                } else {
                    drop(rejected);
                    self.deliveries.fail(task_error(
                        &format!("producing to the topic {}", m.topic()),
                        e,
                    ));
                }
            }
            _ => self.deliveries.fail(task_error(
                &format!("producing to the topic {}", m.topic()),
                e,
            )),
        }
    }
}

/// One record to send.
pub(super) struct Send<'a> {
    /// Topic.
    pub(super) topic: &'a str,
    /// Partition, if it is not the partitioner's choice.
    pub(super) partition: Option<u32>,
    /// Timestamp in milliseconds since the epoch, if it is not the clock's.
    pub(super) timestamp_ms: Option<i64>,
    /// Encoded key.
    pub(super) key: Option<&'a [u8]>,
    /// Encoded value.
    pub(super) value: Option<&'a [u8]>,
    /// Encoded headers.
    pub(super) headers: Option<OwnedHeaders>,
    /// The source record's ticket.
    pub(super) ticket: Ticket,
}

/// Why a record was not taken.
#[derive(Debug)]
pub(super) enum SendError {
    /// The record is at fault (too large).
    Record(String),
    /// The run is.
    Task(TaskError),
    /// The task is being stopped.
    Stopped,
}

/// A task's producer.
pub(super) struct Producer {
    inner: ServedProducer<TaskContext>,
    /// What it shares with its task.
    pub(super) deliveries: Arc<Deliveries>,
}

impl Producer {
    /// A producer with these properties. A second one may share `deliveries` once the first has been flushed.
    pub(super) fn new(props: &ClientProps, deliveries: Arc<Deliveries>) -> Result<Self, TaskError> {
        let host = HostContext {
            last_error: deliveries.last_error.clone(),
        };
        let context = TaskContext {
            host,
            deliveries: Arc::clone(&deliveries),
        };
        let inner = ServedProducer::new(props, context, "starting the task's Kafka producer")?;
        Ok(Self { inner, deliveries })
    }

    /// Hands a record to librdkafka; waits while its queue is full, until `stopped`.
    pub(super) fn send(&self, send: Send<'_>, stopped: &dyn Fn() -> bool) -> Result<(), SendError> {
        let bytes = send.key.map_or(0, <[u8]>::len) + send.value.map_or(0, <[u8]>::len);
        let mut record = BaseRecord::with_opaque_to(send.topic, send.ticket.0);
        record.partition = send.partition.and_then(|p| i32::try_from(p).ok());
        record.timestamp = send.timestamp_ms;
        record.key = send.key;
        record.payload = send.value;
        record.headers = send.headers;
        while let Err((e, back)) = self.inner.send(record) {
            match e.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => {}
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
                    return Err(SendError::Record(format!(
                        "the record has {bytes} bytes, more than max.request.size or the topic's max.message.bytes allow"
                    )));
                }
                _ => {
                    return Err(SendError::Task(task_error(
                        &format!("producing to the topic {}", send.topic),
                        &e,
                    )));
                }
            }
            if let Some(failure) = self.deliveries.failure() {
                return Err(SendError::Task(failure));
            }
            if stopped() {
                return Err(SendError::Stopped);
            }
            self.deliveries.wait_progress(Duration::from_millis(20));
            record = back;
        }
        self.deliveries
            .bytes
            .fetch_add(bytes as i64, Ordering::Relaxed);
        failpoint::hit("after_send");
        Ok(())
    }

    /// Waits until librdkafka holds no record any more or `deadline` has passed; whether it holds none. Records that were
    /// refused and wait for their judgement are not its any more.
    pub(super) fn drained_until(&self, deadline: Instant) -> bool {
        while self.inner.in_flight_count() > 0 {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Waits until nothing is outstanding or `deadline` has passed; whether nothing is.
    pub(super) fn flush_until(&self, deadline: Instant) -> bool {
        loop {
            if self.deliveries.inflight(|f| f.outstanding()) == 0 {
                return true;
            }
            if Instant::now() >= deadline || self.deliveries.failure().is_some() {
                return false;
            }
            self.deliveries.wait_progress(Duration::from_millis(20));
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // Nothing may be delivered after the run: its records are read again, in order.
        self.inner.purge(PurgeConfig::default().queue().inflight());
    }
}
