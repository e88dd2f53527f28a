//! What the herder answers with: the entities of Kafka Connect's REST interface.
//!
//! Each serializes to the JSON that Connect 4.3 sends, field for field and in its order. They are values, copied out of
//! the herder's state. Invariant: they hold what their tenant may see and nothing of another's.

use host_core::config::Config;
use host_core::offset::JsonMap;
use serde::{Deserialize, Serialize};

/// State of a connector or task, as Connect names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Not started yet, or deleted.
    Unassigned,
    /// At work.
    Running,
    /// Halted by its user; its source is closed.
    Paused,
    /// Halted by its user, without tasks; offsets may be altered.
    Stopped,
    /// Ended by an error; `trace` says which.
    Failed,
    /// Being started again, or waiting to try again; `trace` says why.
    Restarting,
}

/// What a user wants of a connector: Connect's target state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TargetState {
    /// At work.
    #[default]
    #[serde(rename = "STARTED", alias = "RUNNING")]
    Started,
    /// Halted, ready to go on.
    Paused,
    /// Halted, without tasks.
    Stopped,
}

/// Number of a task within its connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRef {
    /// Name of the connector.
    pub connector: String,
    /// Number of the task, from 0.
    pub task: u32,
}

/// `GET /connectors/{c}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectorInfo {
    /// Name of the connector.
    pub name: String,
    /// Its configuration as posted, with its `name`.
    pub config: Config,
    /// Its tasks.
    pub tasks: Vec<TaskRef>,
    /// `source`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// `GET /connectors/{c}/tasks`, one entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskInfo {
    /// Which task.
    pub id: TaskRef,
    /// Its configuration.
    pub config: Config,
}

/// State of a connector itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectorState {
    /// Its state.
    pub state: State,
    /// Address of the worker that runs it, `host:port`.
    pub worker_id: String,
    /// Version of its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it failed or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// `GET /connectors/{c}/tasks/{t}/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskState {
    /// Number of the task.
    pub id: u32,
    /// Its state.
    pub state: State,
    /// Address of the worker that runs it.
    pub worker_id: String,
    /// Version of its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it failed or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// `GET /connectors/{c}/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectorStatus {
    /// Name of the connector.
    pub name: String,
    /// The connector itself.
    pub connector: ConnectorState,
    /// Its tasks.
    pub tasks: Vec<TaskState>,
    /// `source`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// One entry of `GET /connectors/{c}/offsets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionOffset {
    /// What is read.
    pub partition: JsonMap,
    /// How far; `None` in a request takes the partition back to its start.
    #[serde(default)]
    pub offset: Option<JsonMap>,
}

/// `GET /connectors/{c}/offsets`, and the body of its `PATCH`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorOffsets {
    /// All partitions.
    pub offsets: Vec<PartitionOffset>,
}

/// One entry of `GET /connector-plugins`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginInfo {
    /// Class, as in a configuration.
    pub class: String,
    /// `source`, `converter`, `header_converter`, `transformation`, `predicate`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// One uploaded version of a plugin: `GET /plugins/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginVersion {
    /// `<namespace>.<Name>`, e.g. `acme.MaskPii`.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Class, as in a configuration: `wasm.acme.MaskPii`.
    pub class: String,
    /// `transformation`, `predicate` or `converter`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Digest of the component, lowercase hexadecimal.
    pub sha256: String,
    /// Size of the component in bytes.
    pub bytes: u64,
    /// When it was uploaded, in milliseconds since the epoch.
    pub created_ms: u64,
}

/// A created or changed connector.
#[derive(Debug, Clone, PartialEq)]
pub struct PutOutcome {
    /// Whether it is new (201) or changed (200).
    pub created: bool,
    /// As it is now.
    pub info: ConnectorInfo,
}
