//! What the tests run in: a real Kafka, stores in real topics, the built-in plugins.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod worker;

use crate::counting::{Counting, partition};
use host_core::access::Access;
use host_core::config::Config;
use host_core::id::{ConnectorId, TaskId, TenantId};
use host_runtime::chain::ChainBuilder;
use host_runtime::herder::entity::State;
use host_runtime::kafka::read::read_to_end;
use host_runtime::kafka::{
    AckProducer, ClientProps, ClientRole, KafkaLogs, TopicSpec, Topics, base_props, translate,
};
use host_runtime::metrics::Metrics;
use host_runtime::store::{FileLog, KafkaLog, OffsetStore, StatusStore};
use host_runtime::task::{Leases, Task, TaskSpec, Timing, default_props};
use host_runtime::tenant::{Meter, Quotas};
use host_runtime::topic_creation::CreationRules;
use host_wasm::{Catalog, Engine, Limits, compile};
use rdkafka::message::Message;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub(crate) struct World {
    pub(crate) topic: String,
    pub(crate) id: TaskId,
    pub(crate) offsets: Arc<OffsetStore>,
    pub(crate) statuses: Arc<StatusStore>,
    topics: Topics,
    props: ClientProps,
    metrics: Arc<Metrics>,
    leases: Arc<Leases>,
}

pub(crate) fn bootstrap() -> String {
    std::env::var("TIDEGATE_KAFKA")
        .expect("TIDEGATE_KAFKA is not set: run `cargo x test`, or name a broker's host:port")
}

/// Built-in plugins, compiled once for all tests.
pub(crate) fn catalog() -> Arc<Catalog> {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    let open = || {
        let cache = std::env::temp_dir().join("tidegate-test-cache");
        let mut settings = compile::Settings::new(cache);
        // Uploads are compiled by the host's own program; built-ins are not.
        settings.command =
            std::env::var_os("TIDEGATE_BIN").map(|bin| (bin.into(), vec!["compile".into()]));
        let compiler = compile::Compiler::new(Engine::new().unwrap(), settings).unwrap();
        Arc::new(Catalog::open(Arc::new(compiler), Limits::default()).unwrap())
    };
    Arc::clone(CATALOG.get_or_init(open))
}

impl World {
    pub(crate) async fn new(name: &str) -> Self {
        let topic = format!("rt-{name}-{}", uuid::Uuid::new_v4().simple());
        let mut props = base_props();
        props.set("bootstrap.servers", bootstrap());
        let topics = Topics::new(&props).unwrap();
        let spec = TopicSpec {
            name: format!("{topic}-offsets"),
            partitions: 5,
            replication: 1,
            configs: [("cleanup.policy".to_owned(), "compact".to_owned())].into(),
        };
        let producer = AckProducer::new(&props).unwrap();
        let log = KafkaLog::new(
            spec,
            "offset.storage.topic",
            topics.clone(),
            producer,
            props.clone(),
        );
        let offsets = Arc::new(OffsetStore::open(Box::new(log)).await.unwrap());
        let statuses = Arc::new(
            StatusStore::open(Box::new(FileLog::memory()), "test:0")
                .await
                .unwrap(),
        );
        Self {
            id: TaskId {
                connector: ConnectorId::new(TenantId::default(), name),
                task: 0,
            },
            topic,
            offsets,
            statuses,
            topics,
            props,
            metrics: Metrics::new().unwrap(),
            leases: Arc::default(),
        }
    }
    pub(crate) fn config(&self) -> Config {
        let string = "org.apache.kafka.connect.storage.StringConverter";
        [
            ("topic", self.topic.as_str()),
            ("key.converter", string),
            ("value.converter", string),
        ]
        .into_iter()
        .collect()
    }
    pub(crate) async fn start(&self, kind: Counting, connector: Config) -> Task {
        let java = connector.with_prefix("producer.override.");
        let java = java
            .iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        let (own, findings) = translate(&java, ClientRole::Producer, "producer.override.", false);
        assert!(findings.is_empty(), "{findings:?}");
        let access = Arc::new(Access::default());
        let (rules, _) = CreationRules::new(&connector, true);
        let meter = Arc::new(Meter::default());
        let task = Task::start(TaskSpec {
            id: self.id.clone(),
            kind: Arc::new(kind),
            config: connector.clone(),
            builder: ChainBuilder {
                catalog: catalog(),
                id: self.id.connector.clone(),
                worker: Arc::new(Config::default()),
                limits: Limits::default(),
                quotas: Quotas::default(),
                meter: Arc::clone(&meter),
            },
            connector,
            producer: default_props()
                .overridden_by(&self.props)
                .overridden_by(&own),
            topics: self.topics.clone(),
            rules,
            logs: Arc::new(KafkaLogs::new(Arc::clone(&access), 1)),
            access,
            offsets: Arc::clone(&self.offsets),
            statuses: Arc::clone(&self.statuses),
            meter,
            metrics: Arc::clone(&self.metrics),
            timing: Timing {
                flush_interval: Duration::from_millis(200),
                flush_timeout: Duration::from_secs(5),
                graceful: Duration::from_secs(10),
            },
            leases: Arc::clone(&self.leases),
            generation: 1,
        });
        self.until("the task runs", || self.state().is_some()).await;
        task
    }
    pub(crate) fn state(&self) -> Option<State> {
        self.statuses.task(&self.id).map(|s| s.state)
    }
    pub(crate) fn position(&self) -> Option<u64> {
        let all = self.offsets.get(&self.id.connector);
        let own = all.iter().find(|(p, _)| *p == partition())?;
        own.1.0.get("position")?.as_u64()
    }
    pub(crate) async fn create_topic(&self, name: &str, configs: &[(&str, &str)]) {
        let spec = TopicSpec {
            name: name.to_owned(),
            partitions: 1,
            replication: 1,
            configs: configs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        };
        assert!(self.topics.ensure(&spec).await.unwrap());
    }
    pub(crate) fn high_watermark(&self, topic: &str) -> i64 {
        use rdkafka::consumer::Consumer as _;
        let consumer: rdkafka::consumer::BaseConsumer =
            self.props.to_client_config().create().unwrap();
        consumer
            .fetch_watermarks(topic, 0, Duration::from_secs(5))
            .map_or(0, |(_, high)| high)
    }
    /// Values of all records, in order (topics have one partition here).
    pub(crate) fn values(&self, topic: &str) -> Vec<String> {
        let mut all = Vec::new();
        read_to_end(&self.props, topic, &mut |m| {
            all.push(String::from_utf8(m.payload().unwrap_or_default().to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
        all
    }
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !holds() {
            let status = self.statuses.task(&self.id);
            assert!(
                Instant::now() < deadline,
                "waited in vain until {what}: {status:?}, position {:?}",
                self.position()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
