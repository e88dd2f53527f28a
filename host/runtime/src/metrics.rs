//! Prometheus metrics with tenant, connector and task labels.
//!
//! Names: `tidegate_*` for the runtime, `debezium_mysql_*` for what a source shows (Debezium's JMX attributes in snake
//! case, so that its dashboards need only a change of labels). Invariant: labels are names of tenants, connectors,
//! tasks, plugins and constants, never data; a task's series are removed with it.

use host_core::id::TaskId;
use host_core::metrics::SourceMetrics;
use host_wasm::PluginStats;
use prometheus::core::Collector;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const TASK: [&str; 3] = ["tenant", "connector", "task"];
const PLUGIN: [&str; 5] = ["tenant", "connector", "task", "role", "class"];
const SECONDS: [f64; 9] = [0.000_1, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// All metrics of the worker.
pub struct Metrics {
    registry: Registry,
    polled: IntCounterVec,
    written: IntCounterVec,
    written_bytes: IntCounterVec,
    batches: IntCounterVec,
    dropped: IntCounterVec,
    errors: IntCounterVec,
    dead: IntCounterVec,
    retries: IntCounterVec,
    swaps: IntCounterVec,
    inflight_bytes: IntGaugeVec,
    running: IntGaugeVec,
    chain_seconds: HistogramVec,
    commit_seconds: HistogramVec,
    swap_seconds: GaugeVec,
    plugin: IntGaugeVec,
    sources: Mutex<HashMap<TaskId, Arc<SourceMetrics>>>,
    /// Label values of plugin series, to remove them with their task.
    plugin_series: Mutex<HashSet<[String; 6]>>,
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> Result<C, String> {
    let c = made.map_err(|e| format!("making a metric: {e}"))?;
    registry
        .register(Box::new(c.clone()))
        .map_err(|e| format!("registering a metric: {e}"))?;
    Ok(c)
}

impl Metrics {
    /// A registry of its own; an error is a bug in the names.
    pub fn new() -> Result<Arc<Self>, String> {
        let r = Registry::new();
        let counter = |name: &str, help: &str| {
            registered(&r, IntCounterVec::new(Opts::new(name, help), &TASK))
        };
        let gauge =
            |name: &str, help: &str| registered(&r, IntGaugeVec::new(Opts::new(name, help), &TASK));
        let seconds = |name: &str, help: &str| {
            registered(
                &r,
                HistogramVec::new(
                    HistogramOpts::new(name, help).buckets(SECONDS.to_vec()),
                    &TASK,
                ),
            )
        };
        let all = Self {
            polled: counter(
                "tidegate_records_polled_total",
                "Records the source has made",
            )?,
            written: counter(
                "tidegate_records_written_total",
                "Records handed to Kafka's producer",
            )?,
            written_bytes: counter(
                "tidegate_bytes_written_total",
                "Bytes of their keys and values",
            )?,
            batches: counter("tidegate_batches_total", "Batches processed")?,
            dropped: counter(
                "tidegate_records_dropped_total",
                "Records dropped by transforms",
            )?,
            errors: counter(
                "tidegate_record_errors_total",
                "Record errors that were tolerated",
            )?,
            dead: counter(
                "tidegate_dead_letters_total",
                "Records sent to the dead letter topic",
            )?,
            retries: counter(
                "tidegate_task_retries_total",
                "Times the task has started again after an error",
            )?,
            swaps: counter(
                "tidegate_chain_swaps_total",
                "Times transforms or formats were exchanged in place",
            )?,
            inflight_bytes: gauge("tidegate_inflight_bytes", "Bytes on their way to Kafka")?,
            running: gauge(
                "tidegate_task_running",
                "1 while the task runs and makes progress",
            )?,
            chain_seconds: seconds(
                "tidegate_chain_seconds",
                "Time of a batch in transforms and formats",
            )?,
            commit_seconds: seconds("tidegate_offset_commit_seconds", "Time of an offset commit")?,
            swap_seconds: registered(
                &r,
                GaugeVec::new(
                    Opts::new(
                        "tidegate_chain_swap_pause_seconds",
                        "How long the last exchange held records up",
                    ),
                    &TASK,
                ),
            )?,
            plugin: registered(
                &r,
                IntGaugeVec::new(
                    Opts::new("tidegate_plugin", "Counters of a plugin instance, by name"),
                    &[&PLUGIN[..], &["counter"]].concat(),
                ),
            )?,
            sources: Mutex::default(),
            plugin_series: Mutex::default(),
            registry: r,
        };
        Ok(Arc::new(all))
    }

    /// Counters of a task.
    pub fn task(self: &Arc<Self>, id: &TaskId) -> Arc<TaskMetrics> {
        Arc::new(TaskMetrics {
            all: Arc::clone(self),
            labels: [
                id.connector.tenant.to_string(),
                id.connector.name.to_string(),
                id.task.to_string(),
            ],
        })
    }
    /// Shows a source's own numbers from now on.
    pub fn show_source(&self, id: &TaskId, source: &Arc<SourceMetrics>) {
        let mut all = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id.clone(), Arc::clone(source));
    }
    /// Removes a task's series.
    pub fn forget(&self, id: &TaskId) {
        self.sources
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
        let (tenant, connector, task) = (
            id.connector.tenant.to_string(),
            id.connector.name.to_string(),
            id.task.to_string(),
        );
        let labels = [tenant.as_str(), connector.as_str(), task.as_str()];
        let counters = [
            &self.polled,
            &self.written,
            &self.written_bytes,
            &self.batches,
            &self.dropped,
            &self.errors,
            &self.dead,
            &self.retries,
            &self.swaps,
        ];
        for c in counters {
            // A series that never had a value is not there.
            drop(c.remove_label_values(&labels));
        }
        drop(self.inflight_bytes.remove_label_values(&labels));
        drop(self.running.remove_label_values(&labels));
        drop(self.chain_seconds.remove_label_values(&labels));
        drop(self.commit_seconds.remove_label_values(&labels));
        drop(self.swap_seconds.remove_label_values(&labels));
        let mut series = self
            .plugin_series
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        series.retain(|s| {
            let own = s.iter().zip(labels).all(|(a, b)| a == b);
            if own {
                drop(
                    self.plugin
                        .remove_label_values(&s.each_ref().map(String::as_str)),
                );
            }
            !own
        });
    }
    /// Prometheus' text form.
    pub fn render(&self) -> String {
        let mut text = TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_else(|e| format!("# rendering metrics: {e}\n"));
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_name: std::collections::BTreeMap<&'static str, Vec<String>> = Default::default();
        for (id, source) in sources.iter() {
            for (name, value) in source.snapshot() {
                by_name.entry(name).or_default().push(format!(
                    "debezium_mysql_{name}{{tenant=\"{}\",connector=\"{}\",task=\"{}\"}} {value}\n",
                    id.connector.tenant,
                    escape(&id.connector.name),
                    id.task
                ));
            }
        }
        for (name, lines) in by_name {
            text.extend(["# TYPE debezium_mysql_", name, " gauge\n"]);
            text.extend(lines);
        }
        text
    }
}

/// A label's value in Prometheus' text form.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Counters of one task.
pub struct TaskMetrics {
    all: Arc<Metrics>,
    labels: [String; 3],
}

impl TaskMetrics {
    fn labels(&self) -> [&str; 3] {
        let [a, b, c] = &self.labels;
        [a, b, c]
    }
    /// A batch of this many records has come.
    pub fn polled(&self, records: u64) {
        self.all
            .polled
            .with_label_values(&self.labels())
            .inc_by(records);
        self.all.batches.with_label_values(&self.labels()).inc();
    }
    /// A batch has gone through the chain.
    pub fn prepared(&self, took: Duration, errors: u64, dead: u64, dropped: u64) {
        self.all
            .chain_seconds
            .with_label_values(&self.labels())
            .observe(took.as_secs_f64());
        self.all
            .dropped
            .with_label_values(&self.labels())
            .inc_by(dropped);
        self.tolerated(errors);
        self.dead_lettered(dead);
    }
    /// Errors of records that were tolerated.
    pub fn tolerated(&self, errors: u64) {
        self.all
            .errors
            .with_label_values(&self.labels())
            .inc_by(errors);
    }
    /// Records that went to the dead letter topic.
    pub fn dead_lettered(&self, records: u64) {
        self.all
            .dead
            .with_label_values(&self.labels())
            .inc_by(records);
    }
    /// Records that were handed to the producer.
    pub fn written(&self, records: u64, bytes: u64) {
        self.all
            .written
            .with_label_values(&self.labels())
            .inc_by(records);
        self.all
            .written_bytes
            .with_label_values(&self.labels())
            .inc_by(bytes);
    }
    /// An offset commit took this long.
    pub fn committed(&self, took: Duration) {
        self.all
            .commit_seconds
            .with_label_values(&self.labels())
            .observe(took.as_secs_f64());
    }
    /// The chain was exchanged.
    pub fn swapped(&self, pause: Duration) {
        self.all.swaps.with_label_values(&self.labels()).inc();
        self.all
            .swap_seconds
            .with_label_values(&self.labels())
            .set(pause.as_secs_f64());
    }
    /// The task starts again after an error.
    pub fn retried(&self) {
        self.all.retries.with_label_values(&self.labels()).inc();
    }
    /// Bytes on their way.
    pub fn inflight_bytes(&self, bytes: i64) {
        self.all
            .inflight_bytes
            .with_label_values(&self.labels())
            .set(bytes);
    }
    /// Whether it runs and makes progress.
    pub fn running(&self, is: bool) {
        self.all
            .running
            .with_label_values(&self.labels())
            .set(i64::from(is));
    }
    /// Counters of its plugins.
    pub fn plugins<'a>(&self, stats: impl Iterator<Item = (String, String, &'a Arc<PluginStats>)>) {
        let [tenant, connector, task] = self.labels();
        for (role, class, stats) in stats {
            let s = stats.snapshot();
            for (name, value) in [
                ("calls", s.calls),
                ("records", s.records),
                ("cpu_ns", s.cpu_ns),
                ("instances", s.instances),
                ("memory_bytes", s.memory_bytes),
                ("bad_records", s.bad_records),
                ("log_lines_dropped", s.log_lines_dropped),
                ("traps", s.traps),
                ("deadlines", s.deadlines),
                ("memory_faults", s.memory_faults),
                ("bad_answers", s.bad_answers),
            ] {
                let labels = [tenant, connector, task, &role, &class, name];
                let mut series = self
                    .all
                    .plugin_series
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                series.insert(labels.map(str::to_owned));
                drop(series);
                self.all
                    .plugin
                    .with_label_values(&labels)
                    .set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::id::{ConnectorId, TenantId};

    #[test]
    fn a_task_is_shown_and_forgotten() {
        let m = Metrics::new().unwrap();
        let id = TaskId {
            connector: ConnectorId::new(TenantId::default(), "c\"1"),
            task: 0,
        };
        let (t, source) = (m.task(&id), Arc::new(SourceMetrics::default()));
        t.polled(3);
        t.running(true);
        source.set("rows_scanned", 7);
        m.show_source(&id, &source);
        let text = m.render();
        assert!(text.contains("tidegate_records_polled_total{connector=\"c\\\"1\",task=\"0\",tenant=\"default\"} 3"), "{text}");
        assert!(
            text.contains(
                "debezium_mysql_rows_scanned{tenant=\"default\",connector=\"c\\\"1\",task=\"0\"} 7"
            ),
            "{text}"
        );
        m.forget(&id);
        assert!(!m.render().contains("c\\\"1"));
    }
}
