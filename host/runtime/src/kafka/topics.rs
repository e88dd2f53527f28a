//! Topics: whether they exist, what they are configured as, and making them.
//!
//! Brokers' automatic creation is never relied upon, because it takes no wishes. Which topic is wanted with which
//! settings is decided by the callers. Invariant: an existing topic is never changed.

use super::client::{HostContext, REQUEST_TIMEOUT, explained, probe, task_error};
use super::translate::ClientProps;
use host_core::error::TaskError;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A topic as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Partitions; -1 for the broker's default.
    pub partitions: i32,
    /// Replicas of each; -1 for the broker's default.
    pub replication: i32,
    /// Topic settings (`cleanup.policy`, `retention.ms` …).
    pub configs: BTreeMap<String, String>,
}

/// Makes and describes topics.
#[derive(Clone)]
pub struct Topics {
    admin: Arc<AdminClient<HostContext>>,
    props: ClientProps,
}

impl Topics {
    /// An admin client with these properties.
    pub fn new(props: &ClientProps) -> Result<Self, TaskError> {
        let admin =
            AdminClient::from_config_and_context(&props.to_client_config(), HostContext::default())
                .map_err(|e| task_error("starting a Kafka admin client", &e))?;
        Ok(Self {
            admin: Arc::new(admin),
            props: props.clone(),
        })
    }

    pub(super) fn admin(&self) -> &AdminClient<HostContext> {
        &self.admin
    }

    /// Number of partitions; `None` where there is no such topic.
    pub async fn partitions(&self, topic: &str) -> Result<Option<usize>, TaskError> {
        let (own, name) = (self.clone(), topic.to_owned());
        let doing = format!("asking for the topic {topic}");
        let asking = doing.clone();
        let answer = tokio::task::spawn_blocking(move || {
            // Without a name, so that asking cannot create it on brokers that create on demand.
            let all = own.admin.inner().fetch_metadata(None, REQUEST_TIMEOUT);
            let all = all.map_err(|e| explained(&asking, &e, &probe(&own.props)))?;
            let found = all.topics().iter().find(|t| t.name() == name);
            Ok(found.map(|t| t.partitions().len()).filter(|n| *n > 0))
        });
        answer
            .await
            .map_err(|e| TaskError::retry("KAFKA-UNREACHABLE", format!("{doing}: {e}")))?
    }

    /// Creates a topic unless it exists; whether it is new.
    pub async fn ensure(&self, spec: &TopicSpec) -> Result<bool, TaskError> {
        let doing = format!("creating the topic {}", spec.name);
        let replication = TopicReplication::Fixed(spec.replication);
        let mut topic = NewTopic::new(&spec.name, spec.partitions, replication);
        for (k, v) in &spec.configs {
            topic = topic.set(k, v);
        }
        let options = AdminOptions::new()
            .request_timeout(Some(REQUEST_TIMEOUT))
            .operation_timeout(Some(REQUEST_TIMEOUT));
        let answers = self
            .admin
            .create_topics([&topic], &options)
            .await
            .map_err(|e| task_error(&doing, &e))?;
        match answers.into_iter().next() {
            Some(Ok(_)) => Ok(true),
            None | Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
            Some(Err((_, code))) => Err(task_error(&doing, &KafkaError::AdminOp(code))),
        }
    }

    /// Settings of a topic; `None` where they cannot be read (no right to, or no such topic).
    pub async fn configs(&self, topic: &str) -> Option<BTreeMap<String, String>> {
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        let asked = [ResourceSpecifier::Topic(topic)];
        let answers = self
            .admin
            .describe_configs(asked.iter(), &options)
            .await
            .ok()?;
        let resource = answers.into_iter().next()?.ok()?;
        let entries = resource.entries.into_iter();
        Some(entries.filter_map(|e| Some((e.name, e.value?))).collect())
    }

    /// Id of the cluster; `None` while Kafka does not answer.
    pub async fn cluster_id(&self) -> Option<String> {
        let admin = Arc::clone(&self.admin);
        tokio::task::spawn_blocking(move || admin.inner().fetch_cluster_id(REQUEST_TIMEOUT))
            .await
            .ok()
            .flatten()
    }
}
