//! CPU time of guests: how much a tenant's may have, and the clock of one call.
//!
//! A token bucket for each tenant. A call takes its time in slices, before it uses them, and sleeps on its own thread
//! while the tenant's bucket is overdrawn: nobody else waits, and a guest that spins gets its share spread over time, in
//! pieces too short to hold a neighbour's records up. Deadlines count CPU time, so neither that
//! sleep nor a busy machine ends a call; a guest has nothing to wait for, so nothing else stops its clock.
//! Invariant: a task that has been asked to stop never waits: its call ends instead, and its batch is read again.

use crate::clock::{Clock, SHORT_TICK};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wasmtime::UpdateDeadline;

/// What a call takes in advance.
const SLICE: Duration = SHORT_TICK;
/// How often work counts that no tick can interrupt, so that it comes seldom instead of in slices. Giving back the memory
/// of an instance after a fault is such: 64 MiB keep a core, and the process's memory map locked, for 9 ms.
const UNSLICED_FACTOR: u32 = 10;
/// Credit that may gather while nothing runs: one second's worth.
const BURST_SECONDS: i64 = 1;
/// Longest sleep between two looks at whether the task has to stop.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// A tenant's share of CPU time, and what its guests have used of it.
#[derive(Debug, Default)]
pub struct CpuShare {
    /// Allowed milliseconds a second; 0 for no limit.
    ms_per_s: AtomicU64,
    used_ns: AtomicU64,
    slept_ns: AtomicU64,
    bucket: Mutex<Bucket>,
}

impl CpuShare {
    /// Sets the limit in milliseconds of CPU time a second, `None` for none; calls in progress follow with their next
    /// slice.
    pub fn set_limit(&self, ms_per_s: Option<u64>) {
        self.ms_per_s.store(ms_per_s.unwrap_or(0), Relaxed);
    }
    /// CPU time used so far.
    pub fn used(&self) -> Duration {
        Duration::from_nanos(self.used_ns.load(Relaxed))
    }
    /// Time that calls have slept so far because the share was used up.
    pub fn slept(&self) -> Duration {
        Duration::from_nanos(self.slept_ns.load(Relaxed))
    }
    /// Takes a slice (nothing where there is no limit); an error says how long until there may be one.
    fn take(&self, now: Instant) -> Result<Duration, Duration> {
        let limit = self.ms_per_s.load(Relaxed);
        if limit == 0 {
            return Ok(Duration::ZERO);
        }
        self.bucket().take(limit, now)
    }
    /// Settles a slice against what was used of it or beyond it.
    fn settle(&self, taken: Duration, used: Duration) {
        let used_ns = nanos(used);
        self.used_ns.fetch_add(used_ns.unsigned_abs(), Relaxed);
        if self.ms_per_s.load(Relaxed) > 0 {
            self.bucket().add(nanos(taken).saturating_sub(used_ns));
        }
    }
    /// Runs what is done for a guest in one piece, and counts it.
    pub(crate) fn unsliced<T>(&self, work: impl FnOnce() -> T) -> T {
        let began = thread_time();
        let done = work();
        let used = thread_time().saturating_sub(began);
        self.used_ns.fetch_add(nanos(used).unsigned_abs(), Relaxed);
        if self.ms_per_s.load(Relaxed) > 0 {
            self.bucket().add(-nanos(used * UNSLICED_FACTOR));
        }
        done
    }
    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Credit in nanoseconds, below zero when more was used than there was.
#[derive(Debug, Default)]
struct Bucket {
    balance_ns: i64,
    filled: Option<Instant>,
}

impl Bucket {
    /// Fills it for the time since it was filled last, and takes a slice unless it is overdrawn.
    fn take(&mut self, ms_per_s: u64, now: Instant) -> Result<Duration, Duration> {
        let per_s = i64::try_from(ms_per_s.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
        let full = per_s.saturating_mul(BURST_SECONDS);
        let earned = self.filled.map_or(full, |last| {
            (now.saturating_duration_since(last).as_secs_f64() * per_s as f64) as i64
        });
        self.filled = Some(now);
        self.balance_ns = self.balance_ns.saturating_add(earned).min(full);
        if self.balance_ns < 0 {
            let owed = self.balance_ns.unsigned_abs() as f64 / per_s as f64;
            return Err(Duration::from_secs_f64(owed));
        }
        self.add(-nanos(SLICE));
        Ok(SLICE)
    }
    fn add(&mut self, ns: i64) {
        self.balance_ns = self.balance_ns.saturating_add(ns);
    }
}

fn nanos(d: Duration) -> i64 {
    i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)
}

/// How fast the guests of one task may go: their tenant's share, and whether the task has to stop.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// The tenant's share.
    pub share: Arc<CpuShare>,
    /// Set when the task has been asked to stop.
    pub stop: Arc<AtomicBool>,
}

impl Pace {
    /// Waits for a slice; none when the task has to stop first.
    fn slice(&self) -> Option<Slice> {
        let mut waited = false;
        loop {
            let wait = match self.share.take(Instant::now()) {
                Ok(taken) => return Some(Slice { taken, waited }),
                Err(wait) => wait.min(SLEEP_MAX),
            };
            if self.stop.load(Relaxed) {
                return None;
            }
            waited = true;
            let began = Instant::now();
            std::thread::sleep(wait);
            let slept_ns = nanos(began.elapsed()).unsigned_abs();
            self.share.slept_ns.fetch_add(slept_ns, Relaxed);
        }
    }
}

/// What a call may use now.
struct Slice {
    /// Nothing where there is no limit.
    taken: Duration,
    /// Whether there was none at first.
    waited: bool,
}

/// The clock of an instance's calls.
#[derive(Debug)]
pub(crate) struct CallClock {
    pace: Pace,
    clock: Option<Clock>,
    deadline: Duration,
    /// CPU time of the thread when the call began, and when the last slice was settled.
    began: Duration,
    settled: Duration,
    taken: Duration,
    /// Whether the slice in use is to end when it is over, not at the next tick.
    short: bool,
    stopped: bool,
}

impl CallClock {
    pub(crate) fn new(pace: Pace, clock: Option<Clock>) -> Self {
        Self {
            pace,
            clock,
            deadline: Duration::ZERO,
            began: Duration::ZERO,
            settled: Duration::ZERO,
            taken: Duration::ZERO,
            short: false,
            stopped: false,
        }
    }
    /// A call begins on this thread, possibly after a sleep; false when it must not. Once its deadline is set to the next
    /// tick, `ask` makes that tick come in time.
    pub(crate) fn begin(&mut self, deadline_ms: u64) -> bool {
        self.deadline = Duration::from_millis(deadline_ms);
        let may_run = self.wait(false);
        self.began = thread_time();
        self.settled = self.began;
        may_run
    }
    /// Whether the last call was ended because its task has to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }
    /// A tick of the engine's clock within a call.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        let now = self.settle();
        if now.saturating_sub(self.began) >= self.deadline {
            return UpdateDeadline::Interrupt;
        }
        if self.wait(true) {
            // The deadline is set a moment later; a tick within it would make this slice a long one.
            self.ask();
            UpdateDeadline::Continue(1)
        } else {
            UpdateDeadline::Interrupt
        }
    }
    /// The call is over; the CPU time it took.
    pub(crate) fn end(&mut self) -> Duration {
        self.settle().saturating_sub(self.began)
    }
    /// Takes a slice, in the middle of a call or before it; false when the task has to stop.
    fn wait(&mut self, within: bool) -> bool {
        let Some(slice) = self.pace.slice() else {
            self.stopped = true;
            return false;
        };
        (self.stopped, self.taken) = (false, slice.taken);
        // Most calls end long before a tick. One that goes on, or whose tenant has used up its share, is looked at when
        // its slice is over, so that it does not keep the core.
        self.short = !slice.taken.is_zero() && (within || slice.waited);
        true
    }
    /// Asks for a tick if the slice in use is to be short.
    pub(crate) fn ask(&self) {
        if self.short
            && let Some(clock) = &self.clock
        {
            clock.tick_soon();
        }
    }
    fn settle(&mut self) -> Duration {
        let now = thread_time();
        let used = now.saturating_sub(self.settled);
        self.pace.share.settle(self.taken, used);
        self.taken = Duration::ZERO;
        self.settled = now;
        now
    }
}

/// CPU time of this thread so far; calls run on it, so a difference is what a call cost.
fn thread_time() -> Duration {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(t.tv_sec).unwrap_or(0),
        u32::try_from(t.tv_nsec).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_holds_the_rate() {
        let (mut b, t0) = (Bucket::default(), Instant::now());
        assert_eq!(b.take(100, t0), Ok(SLICE), "the burst is there at once");
        // The whole burst of 100 ms and 50 ms more, at 100 ms a second: half a second.
        b.add(nanos(SLICE) - 150_000_000);
        assert_eq!(b.take(100, t0), Err(Duration::from_millis(500)));
        let later = t0 + Duration::from_millis(500);
        assert_eq!(b.take(100, later), Ok(SLICE));
        let owed = b.take(100, later);
        assert_eq!(
            owed,
            Err(SLICE * 10),
            "a slice is owed once it is taken, so that two calls do not share one"
        );
        let much_later = t0 + Duration::from_secs(100);
        b.take(100, much_later).unwrap();
        assert_eq!(
            b.balance_ns, 99_000_000,
            "credit does not gather beyond a second's worth"
        );
    }

    #[test]
    fn what_is_not_used_of_a_slice_is_given_back() {
        let (share, t0) = (CpuShare::default(), Instant::now());
        share.set_limit(Some(100));
        for _ in 0..1_000 {
            let taken = share.take(t0).unwrap();
            share.settle(taken, Duration::from_micros(50));
        }
        assert_eq!(share.used(), Duration::from_millis(50));
        assert_eq!(share.bucket().balance_ns, 50_000_000);
    }

    #[test]
    fn a_task_that_has_to_stop_does_not_wait() {
        let pace = Pace::default();
        pace.share.set_limit(Some(1));
        let mut clock = CallClock::new(pace.clone(), None);
        assert!(clock.begin(1_000), "there is a burst");
        pace.share.settle(Duration::ZERO, Duration::from_hours(1));
        pace.stop.store(true, Relaxed);
        assert!(matches!(clock.tick(), UpdateDeadline::Interrupt));
        clock.end();
        assert!(!clock.begin(1_000) && clock.is_stopped());
        assert_eq!(pace.share.slept(), Duration::ZERO);
    }

    #[test]
    fn a_tick_is_asked_for_when_a_share_is_used_up_or_a_call_is_long() {
        // A fresh clock for each look, since nobody answers it.
        let asked = |pace: &Pace, long: bool| {
            let ticks = Clock::stopped();
            let mut clock = CallClock::new(pace.clone(), Some(ticks.clone()));
            assert!(clock.begin(1_000));
            clock.ask();
            if long {
                clock.tick();
            }
            clock.end();
            ticks.has_been_asked()
        };
        let pace = Pace::default();
        assert!(!asked(&pace, true), "there is no limit");
        pace.share.set_limit(Some(100));
        assert!(!asked(&pace, false), "a short call within its share");
        assert!(asked(&pace, true));
        pace.share
            .settle(Duration::ZERO, Duration::from_millis(110));
        assert!(asked(&pace, false), "its share was used up");
    }

    #[test]
    fn what_cannot_be_interrupted_counts_more() {
        let share = CpuShare::default();
        share.set_limit(Some(100));
        let spun = Duration::from_millis(5);
        share.unsliced(|| {
            let until = thread_time() + spun;
            while thread_time() < until {}
        });
        assert!(share.used() >= spun);
        let owed = -share.bucket().balance_ns;
        assert!(owed >= nanos(spun) * i64::from(UNSLICED_FACTOR), "{owed}");
    }
}
