//! Where this host answers otherwise than Connect, and why.
//!
//! Two kinds: whole calls ([`REFUSED`]) and fields ([`VOLATILE`], [`CLASS_LISTS`], [`BY_SHAPE`]). Nothing else may
//! differ.

use tests::http::Answer;

/// A call that is refused otherwise.
#[derive(Debug)]
pub(super) struct Exception {
    /// Label of the recorded call, and its path where the label is not enough.
    pub(super) label: &'static str,
    /// Our status.
    status: u16,
    /// What our message holds.
    message: &'static str,
    /// Why it is better.
    reason: &'static str,
}

const MISTAKE: &str = "a user's mistake is 400, not 500";
const NULL_VALUE: &str = "Debezium 3.6.1 leaves a key out of its validation result, and Connect answers 500 to every \
                          invalid configuration; 400 with the intended text";
const NO_PASSWORDS: &str = "Connect shows the whole configuration with its password in the message";
const NO_JAVA: &str = "Connect lists Java descriptors with paths of jars; we list our classes";
const NO_TOPIC: &str =
    "Debezium's task fails at its start without it; told before anything is created";
const NO_READER: &str = "no task would ever read that offset";
const NO_SLASH: &str = "a name that no URL can address is refused";

const fn refused(
    label: &'static str,
    status: u16,
    message: &'static str,
    reason: &'static str,
) -> Exception {
    Exception {
        label,
        status,
        message,
        reason,
    }
}

/// Calls that are refused otherwise than recorded.
pub(super) static REFUSED: [Exception; 31] = [
    refused(
        "validate: empty",
        400,
        "Connector config {} contains no connector type",
        MISTAKE,
    ),
    refused(
        "validate: unknown plugin",
        400,
        "Failed to find any class that implements Connector and which name matches NoSuch",
        MISTAKE,
    ),
    refused(
        "offsets patch: wrong shape",
        400,
        "unknown field `nope`",
        MISTAKE,
    ),
    refused(
        "patch config: invalid",
        400,
        "The 'decimal.handling.mode' value is invalid: Value must be one of",
        NULL_VALUE,
    ),
    refused(
        "put config: invalid",
        400,
        "The 'decimal.handling.mode' value is invalid: Value must be one of",
        NULL_VALUE,
    ),
    refused(
        "get unknown",
        404,
        "Connector nope not found",
        "Connect was about to rebalance; one worker never is",
    ),
    refused("create: malformed JSON", 400, "at line 1 column", MISTAKE),
    refused(
        "create: empty body",
        400,
        "The request body is empty",
        MISTAKE,
    ),
    refused("create: array body", 400, "send a JSON object", MISTAKE),
    refused(
        "create: unknown top-level field",
        400,
        "unknown field `extra`",
        MISTAKE,
    ),
    refused("create: no config", 400, "'config' is missing", MISTAKE),
    refused("create: null config", 400, "'config' is missing", MISTAKE),
    refused(
        "create: no name",
        400,
        "Invalid value  for configuration name: String may not be empty",
        NULL_VALUE,
    ),
    refused(
        "create: empty name",
        400,
        "Invalid value  for configuration name: String may not be empty",
        NULL_VALUE,
    ),
    refused(
        "create: name with slash",
        400,
        "may not contain a slash",
        NO_SLASH,
    ),
    refused(
        "create: name with control character",
        400,
        "String may not contain control sequences but had the following ASCII chars: 1",
        NULL_VALUE,
    ),
    refused(
        "create: no connector.class",
        400,
        "contains no connector type",
        NO_PASSWORDS,
    ),
    refused(
        "create: unknown class",
        400,
        "Failed to find any class that implements Connector and which name matches no.such.Connector",
        NO_JAVA,
    ),
    refused(
        "create: invalid config",
        400,
        "The 'database.port' value is invalid: An integer is expected",
        NULL_VALUE,
    ),
    refused(
        "create: bad password",
        400,
        "Access denied for user",
        NULL_VALUE,
    ),
    refused("create: database refused", 400, "127.0.0.1:1", NULL_VALUE),
    refused(
        "create: missing topic.prefix",
        400,
        "The 'topic.prefix' value is invalid: A value is required",
        NULL_VALUE,
    ),
    refused(
        "create: bad topic.prefix",
        400,
        "The 'topic.prefix' value is invalid: bad prefix! has invalid format",
        NULL_VALUE,
    ),
    refused(
        "create: missing history topic",
        400,
        "The 'schema.history.internal.kafka.topic' value is invalid: A value is required",
        NO_TOPIC,
    ),
    refused(
        "delete /connectors/x",
        404,
        "Connector x not found",
        NO_TOPIC,
    ),
    refused(
        "offsets patch: unknown partition key",
        400,
        "the partition must be",
        NO_READER,
    ),
    refused(
        "create: missing server id",
        400,
        "The 'database.server.id' value is invalid: A value is required",
        NULL_VALUE,
    ),
    refused(
        "create: bad transform",
        400,
        "Invalid value no.Such for configuration transforms.t.type: Class no.Such could not be found.",
        NULL_VALUE,
    ),
    refused(
        "create: transform without type",
        400,
        "Missing required configuration \"transforms.t.type\" which has no default value.",
        NULL_VALUE,
    ),
    refused(
        "create: tasks.max 0",
        400,
        "Invalid value 0 for configuration tasks.max: Value must be at least 1",
        NULL_VALUE,
    ),
    refused(
        "create: initial_state bogus",
        400,
        "RUNNING, PAUSED, STOPPED",
        MISTAKE,
    ),
];

/// Fields whose text is this run's: of the same type, and no more.
pub(super) const VOLATILE: [(&str, &str); 14] = [
    ("version", "version of our classes"),
    ("worker_id", "address of the worker"),
    ("commit", "build of the worker"),
    ("kafka_cluster_id", "id of the cluster"),
    ("last_modified", "time"),
    ("ts_sec", "time"),
    ("file", "binlog of this server"),
    ("pos", "binlog of this server"),
    ("gtids", "binlog of this server"),
    ("database.hostname", "address of the server"),
    ("database.port", "address of the server"),
    (
        "database.user",
        "a user of this test, because it renames it",
    ),
    (
        "schema.history.internal.kafka.bootstrap.servers",
        "address of the cluster",
    ),
    (
        "database.server.id",
        "one for each connector, because MySQL ends the older of two with one id",
    ),
];

/// Answers that list classes: ours has other plugins, so only the form of an entry is compared.
pub(super) const CLASS_LISTS: [&str; 2] = ["plugins", "plugins, all kinds"];

/// Answers whose entries are this host's own, so only the form of an entry is compared.
pub(super) const BY_SHAPE: [(&str, &str); 1] = [("loggers", "loggers are targets of this host")];

/// What calls that we refuse had made, and later answers list: connectors, and the partition of an offset.
pub(super) const NOT_MADE: [&str; 3] = ["a/b", "x", r#"{"bogus":"x"}"#];

/// Keys that Debezium's validation leaves out, so that a connector without them is created and its task fails.
pub(super) const TOLD_AS_WELL: [&str; 2] = [
    "schema.history.internal.kafka.bootstrap.servers",
    "schema.history.internal.kafka.topic",
];

/// Errors of a recorded validation that tell a user nothing.
pub(super) const NO_ERRORS: [(&str, &str); 1] =
    [("Cannot invoke \"", "the inside of a null pointer in Java")];

/// Recorded errors that ours says in other words: what both hold, and why.
pub(super) const OTHER_WORDS: [(&str, &str, &str); 2] = [
    (
        "Unable to connect: Access denied",
        "Access denied for user",
        "ours names the server, and the keys to look at",
    ),
    (
        "Failed to establish connection",
        "127.0.0.1:1",
        "Debezium leaves out which and why",
    ),
];

/// The exception of a call, by its label, or where several have one, by label and path.
pub(super) fn of(label: &str, path: &str) -> Option<&'static Exception> {
    let both = format!("{label} {path}");
    REFUSED.iter().find(|e| e.label == label || e.label == both)
}

impl Exception {
    /// What is wrong with our answer.
    pub(super) fn differences(&self, recorded: u16, answer: &Answer) -> Vec<String> {
        let body = answer.json().unwrap_or_default();
        let message = body["message"].as_str().unwrap_or_default();
        let good = answer.status == self.status
            && body["error_code"] == self.status
            && message.contains(self.message);
        if good {
            return Vec::new();
        }
        vec![format!(
            "{} {}, not {} with '{}' (recorded {recorded}; {})",
            answer.status, answer.body, self.status, self.message, self.reason
        )]
    }
}
