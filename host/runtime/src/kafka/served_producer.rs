//! A producer whose events are served on a thread of its own, when there are any.
//!
//! rust-rdkafka's `ThreadedProducer` polls with a deadline of 100 ms and spins through what is left of the last
//! millisecond, a percent or two of a core for each connector that has nothing to do. Here librdkafka rings a bell when
//! its queue is no longer empty, and nothing runs until then. It does not look at what a delivery says. Invariant: once it
//! has been dropped no delivery report is served (its client's end serves the last ones) and the bell is not rung.

use super::client::task_error;
use super::translate::ClientProps;
use host_core::error::TaskError;
use rdkafka::bindings::{
    rd_kafka_queue_cb_event_enable, rd_kafka_queue_destroy, rd_kafka_queue_get_main,
    rd_kafka_queue_length, rd_kafka_queue_t, rd_kafka_t,
};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use std::ffi::c_void;
use std::ops::Deref;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

/// A [`BaseProducer`] that needs no polling.
pub(crate) struct ServedProducer<C: ProducerContext + 'static> {
    shared: Arc<Shared<C>>,
    thread: Option<JoinHandle<()>>,
    /// What librdkafka rings; shared, since it is given the address.
    bell: Arc<Thread>,
}

struct Shared<C: ProducerContext + 'static> {
    /// First, since it goes before its client.
    events: Events,
    producer: BaseProducer<C>,
    stop: AtomicBool,
}

impl<C: ProducerContext + 'static> ServedProducer<C> {
    /// A producer with these properties, and its thread; `doing` begins the text of an error.
    pub(crate) fn new(props: &ClientProps, context: C, doing: &str) -> Result<Self, TaskError> {
        let producer = BaseProducer::from_config_and_context(&props.to_client_config(), context)
            .map_err(|e| task_error(doing, &e))?;
        let shared = Arc::new(Shared {
            events: Events::of(&producer),
            producer,
            stop: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("deliveries".to_owned())
            .spawn(move || serving.serve())
            .map_err(|e| TaskError::retry("HOST-THREADS", format!("{doing}: its thread: {e}")))?;
        let bell = Arc::new(thread.thread().clone());
        shared.events.ring(&bell);
        // For what came before there was a bell.
        bell.unpark();
        Ok(Self {
            shared,
            thread: Some(thread),
            bell,
        })
    }
}

impl<C: ProducerContext + 'static> Deref for ServedProducer<C> {
    type Target = BaseProducer<C>;
    fn deref(&self) -> &BaseProducer<C> {
        &self.shared.producer
    }
}

impl<C: ProducerContext + 'static> Drop for ServedProducer<C> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.bell.unpark();
        if self.thread.take().is_some_and(|t| t.join().is_err()) {
            tracing::error!("a producer's thread has panicked, which is a bug");
        }
        self.shared.events.silence();
    }
}

impl<C: ProducerContext + 'static> Shared<C> {
    fn serve(&self) {
        while !self.stop.load(Ordering::Acquire) {
            // A ring between the look and the sleep ends the sleep at once.
            if self.events.waiting() == 0 {
                std::thread::park();
            } else {
                self.producer.poll(Duration::ZERO);
            }
        }
    }
}

/// A client's queue of events (librdkafka's `rd_kafka_queue_t`).
struct Events(NonNull<rd_kafka_queue_t>);

#[allow(
    unsafe_code,
    reason = "librdkafka's queues are thread-safe, and one is reached only through functions that lock it"
)]
unsafe impl Send for Events {}
#[allow(unsafe_code, reason = "as above")]
unsafe impl Sync for Events {}

#[allow(
    unsafe_code,
    reason = "rust-rdkafka offers no bell for a producer's queue; the queue is counted by get_main and given back once, \
              before its client goes (the order of Shared's fields), so the pointer is valid in each call"
)]
impl Events {
    fn of<C: ProducerContext>(producer: &BaseProducer<C>) -> Self {
        let queue = unsafe { rd_kafka_queue_get_main(producer.client().native_ptr()) };
        Self(NonNull::new(queue).expect("a client has a main queue from its birth"))
    }
    fn waiting(&self) -> usize {
        unsafe { rd_kafka_queue_length(self.0.as_ptr()) }
    }
    /// Rings `bell` whenever the queue is no longer empty, until `silence`, which must come before the bell goes.
    fn ring(&self, bell: &Arc<Thread>) {
        let bell = Arc::as_ptr(bell).cast::<c_void>().cast_mut();
        unsafe { rd_kafka_queue_cb_event_enable(self.0.as_ptr(), Some(on_event), bell) };
    }
    /// Rings no more. librdkafka rings under the queue's lock, which this takes: no ring is under way afterwards.
    fn silence(&self) {
        unsafe { rd_kafka_queue_cb_event_enable(self.0.as_ptr(), None, null_mut()) };
    }
}

impl Drop for Events {
    #[allow(unsafe_code, reason = "as in the impl above")]
    fn drop(&mut self) {
        unsafe { rd_kafka_queue_destroy(self.0.as_ptr()) };
    }
}

/// Called by librdkafka's threads with the bell that `Events::ring` was given.
#[allow(
    unsafe_code,
    reason = "the address of a Thread that lives until `silence` has returned"
)]
unsafe extern "C" fn on_event(_: *mut rd_kafka_t, bell: *mut c_void) {
    unsafe { &*bell.cast::<Thread>() }.unpark();
}
