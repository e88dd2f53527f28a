//! The worker's place in its group: one worker at a time works on `group.id`.
//!
//! Tidegate joins the Connect group itself, as an ordinary consumer of the config topic's one partition. Brokers keep one
//! protocol type in a group: while it is a member, a Kafka Connect worker that tries to join is refused
//! (INCONSISTENT_GROUP_PROTOCOL), and while Connect workers are members, Tidegate is. Among Tidegates the one with the
//! partition is the owner. No offset is ever committed for the group, so moving between the two needs no clean-up.
//! A member that died without leaving is waited out, as the broker does, up to the session time-out.
//! Invariant: whoever holds a [`GroupGuard`] was the only member when it was made, and hears of it when that ends.

use super::client::{HostContext, REQUEST_TIMEOUT, task_error};
use super::topics::Topics;
use super::translate::ClientProps;
use host_core::error::TaskError;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Beyond the session time-out, so that the broker's own clock may run late.
const MARGIN: Duration = Duration::from_secs(3);
/// How long joining may take; the broker waits 3 s for others by default.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is joined, and as whom.
#[derive(Debug, Clone)]
pub struct GroupPlace {
    /// `group.id`.
    pub group: String,
    /// The config topic, which exists and has one partition.
    pub topic: String,
    /// Address of this worker, `host:port`, for others to read.
    pub worker_id: String,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
}

/// Membership; dropping it leaves the group.
pub struct GroupGuard {
    leave: Arc<AtomicBool>,
    lost: Arc<Notify>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl GroupGuard {
    /// Takes the place, after waiting for a dead member; refused with the addresses of live ones. Blocks.
    pub fn take(
        place: &GroupPlace,
        topics: &Topics,
        consumer: &ClientProps,
    ) -> Result<Self, TaskError> {
        wait_until_free(place, topics)?;
        let mut props = consumer.clone();
        for (k, v) in [
            ("group.id", place.group.clone()),
            ("client.id", format!("tidegate-{}", place.worker_id)),
            (
                "session.timeout.ms",
                place.session_timeout.as_millis().to_string(),
            ),
            (
                "heartbeat.interval.ms",
                (place.session_timeout.as_millis() / 3).max(1).to_string(),
            ),
            ("enable.auto.commit", "false".to_owned()),
            ("enable.auto.offset.store", "false".to_owned()),
            ("auto.offset.reset", "latest".to_owned()),
        ] {
            props.set(k, v);
        }
        let doing = format!("joining the group {}", place.group);
        let consumer: BaseConsumer<HostContext> = BaseConsumer::from_config_and_context(
            &props.to_client_config(),
            HostContext::default(),
        )
        .map_err(|e| task_error(&doing, &e))?;
        consumer
            .subscribe(&[&place.topic])
            .map_err(|e| task_error(&doing, &e))?;
        join(&consumer, place, topics)?;
        Self::keep(consumer, place.group.clone())
    }

    fn keep(consumer: BaseConsumer<HostContext>, group: String) -> Result<Self, TaskError> {
        let (leave, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let (leaving, tell) = (Arc::clone(&leave), Arc::clone(&lost));
        let thread = std::thread::Builder::new()
            .name("group".to_owned())
            .spawn(move || {
                while !leaving.load(Ordering::Acquire) {
                    // Nothing is read (the partition is paused); polling is what keeps the membership.
                    drop(consumer.poll(POLL));
                    if consumer.assignment_lost()
                        || consumer.assignment().is_ok_and(|a| a.count() == 0)
                    {
                        tracing::error!(group, "this worker has lost its place in the group");
                        tell.notify_one();
                        return;
                    }
                }
                consumer.unsubscribe();
            })
            .map_err(|e| {
                TaskError::retry("HOST-THREADS", format!("starting the group's thread: {e}"))
            })?;
        Ok(Self {
            leave,
            lost,
            thread: Some(thread),
        })
    }

    /// Notified when the place is lost: another worker may take it.
    pub fn lost(&self) -> Arc<Notify> {
        Arc::clone(&self.lost)
    }
}

impl Drop for GroupGuard {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the group's thread has panicked, which is a bug");
        }
    }
}

/// Polls until this consumer has the partition and is alone.
fn join(
    consumer: &BaseConsumer<HostContext>,
    place: &GroupPlace,
    topics: &Topics,
) -> Result<(), TaskError> {
    let deadline = Instant::now() + JOIN_TIMEOUT;
    let mut refused: Option<String> = None;
    while Instant::now() < deadline {
        if let Some(Err(e)) = consumer.poll(POLL) {
            refused = Some(e.to_string());
        }
        let assignment = consumer
            .assignment()
            .map_err(|e| task_error("joining the group", &e))?;
        if assignment.count() > 0 {
            consumer
                .pause(&assignment)
                .map_err(|e| task_error("joining the group", &e))?;
            let members = members(place, topics)?;
            if members.len() <= 1 {
                return Ok(());
            }
            return Err(in_use(place, &members));
        }
        // Another that started at the same time has the partition.
        if members(place, topics)?.len() > 1 && Instant::now() + JOIN_TIMEOUT / 2 > deadline {
            break;
        }
    }
    let members = members(place, topics)?;
    if members.is_empty() {
        let why = refused.unwrap_or_else(|| "the broker has not answered in time".to_owned());
        return Err(TaskError::retry(
            "GROUP-JOIN",
            format!("joining the group {}: {why}", place.group),
        ));
    }
    Err(in_use(place, &members))
}

fn wait_until_free(place: &GroupPlace, topics: &Topics) -> Result<(), TaskError> {
    let deadline = Instant::now() + place.session_timeout + MARGIN;
    loop {
        let members = members(place, topics)?;
        if members.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(in_use(place, &members));
        }
        tracing::info!(
            group = place.group,
            "waiting for the group to be free: {}",
            members.join(", ")
        );
        std::thread::sleep(LOOK_EVERY);
    }
}

fn in_use(place: &GroupPlace, members: &[String]) -> TaskError {
    TaskError::fail(
        "GROUP-IN-USE",
        format!(
            "joining the group {}: it has live members ({}); stop them, or give this worker a group.id and storage topics \
             of its own",
            place.group,
            members.join(", ")
        ),
    )
}

/// Members of the group: address as they publish it, and host as the broker sees it.
fn members(place: &GroupPlace, topics: &Topics) -> Result<Vec<String>, TaskError> {
    let doing = format!("asking for the members of the group {}", place.group);
    let groups = topics
        .admin()
        .inner()
        .fetch_group_list(Some(&place.group), REQUEST_TIMEOUT)
        .map_err(|e| task_error(&doing, &e))?;
    let group = groups.groups().iter().find(|g| g.name() == place.group);
    let Some(group) = group else {
        return Ok(Vec::new());
    };
    let connect = group.protocol_type() == "connect";
    let shown = |m: &rdkafka::groups::GroupMemberInfo| {
        let host = m.client_host().trim_start_matches('/').to_owned();
        match m.metadata().filter(|_| connect).and_then(connect_url) {
            Some(url) => format!("Kafka Connect at {url} ({host})"),
            None => format!("{} ({host})", m.client_id()),
        }
    };
    Ok(group.members().iter().map(shown).collect())
}

/// The worker's URL out of Connect's member metadata: version (2 bytes), then a string with its length (2 bytes).
fn connect_url(metadata: &[u8]) -> Option<String> {
    let len = u16::from_be_bytes(metadata.get(2..4)?.try_into().ok()?);
    let text = metadata.get(4..4usize.checked_add(usize::from(len))?)?;
    String::from_utf8(text.to_vec())
        .ok()
        .filter(|u| !u.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connects_member_metadata_is_read_with_care() {
        let good = [&[0, 1, 0, 5][..], b"http:", &[0; 8]].concat();
        assert_eq!(connect_url(&good), Some("http:".to_owned()));
        for bad in [
            &[][..],
            &[0, 1, 0],
            &[0, 1, 0, 9, b'x'],
            &[0, 1, 0, 0],
            &[0, 1, 0, 1, 0xff],
        ] {
            assert_eq!(connect_url(bad), None, "{bad:?}");
        }
    }
}
