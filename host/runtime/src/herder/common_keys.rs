//! The keys every source connector has: Connect's `SourceConnectorConfig`, definition for definition.
//!
//! Names, texts, groups and orders are those Kafka Connect 4.3.1 answers with; only defaults that depend on the class are
//! filled in by `validate`. Data, no rules. Invariant: their order is Connect's.

use host_core::config::Importance::{High, Low, Medium};
use host_core::config::Type::{Boolean, Class, Int, List, Long as LongType, String};
use host_core::config::{ConfigKey, Importance, Type, Width};

/// The keys, in Connect's order.
pub fn common_keys() -> Vec<ConfigKey> {
    use Width::{Long, Medium as Mid, Short};
    vec![
        row(
            "name",
            String,
            true,
            None,
            High,
            "Common",
            1,
            Mid,
            "Connector name",
            "Globally unique name to use for this connector.",
        ),
        row(
            "connector.class",
            String,
            true,
            None,
            High,
            "Common",
            2,
            Long,
            "Connector class",
            "Name or alias of the class for this connector. Must be a subclass of \
             org.apache.kafka.connect.connector.Connector. If the connector is \
             org.apache.kafka.connect.file.FileStreamSinkConnector, you can either specify this full name,  or \
             use \"FileStreamSink\" or \"FileStreamSinkConnector\" to make the configuration a bit shorter",
        ),
        row(
            "connector.plugin.version",
            String,
            false,
            Some("3.6.1.Final"),
            Medium,
            "Common",
            3,
            Mid,
            "Connector version",
            "Version of the connector.",
        ),
        row(
            "tasks.max",
            Int,
            false,
            Some("1"),
            High,
            "Common",
            4,
            Short,
            "Tasks max",
            "Maximum number of tasks to use for this connector.",
        ),
        row(
            "tasks.max.enforce",
            Boolean,
            false,
            Some("true"),
            Low,
            "Common",
            5,
            Short,
            "Enforce tasks max",
            "(Deprecated) Whether to enforce that the tasks.max property is respected by the connector. By \
             default, connectors that generate too many tasks will fail, and existing sets of tasks that exceed \
             the tasks.max property will also be failed. If this property is set to false, then connectors will \
             be allowed to generate more than the maximum number of tasks, and existing sets of tasks that exceed \
              the tasks.max property will be allowed to run. This property is deprecated and will be removed in \
             an upcoming major release.",
        ),
        row(
            "key.converter",
            Class,
            false,
            Some("org.apache.kafka.connect.json.JsonConverter"),
            Low,
            "Common",
            6,
            Short,
            "Key converter class",
            "Converter class used to convert between Kafka Connect format and the serialized form that is written \
              to Kafka. This controls the format of the keys in messages written to or read from Kafka, and since \
              this is independent of connectors it allows any connector to work with any serialization format. \
             Examples of common formats include JSON and Avro.",
        ),
        row(
            "key.converter.plugin.version",
            String,
            false,
            Some("4.3.1"),
            Low,
            "Common",
            7,
            Short,
            "Key converter version",
            "Version of the key converter.",
        ),
        row(
            "value.converter",
            Class,
            false,
            Some("org.apache.kafka.connect.json.JsonConverter"),
            Low,
            "Common",
            8,
            Short,
            "Value converter class",
            "Converter class used to convert between Kafka Connect format and the serialized form that is written \
              to Kafka. This controls the format of the values in messages written to or read from Kafka, and \
             since this is independent of connectors it allows any connector to work with any serialization \
             format. Examples of common formats include JSON and Avro.",
        ),
        row(
            "value.converter.plugin.version",
            String,
            false,
            Some("4.3.1"),
            Low,
            "Common",
            9,
            Short,
            "Value converter version",
            "Version of the value converter.",
        ),
        row(
            "header.converter",
            Class,
            false,
            Some("org.apache.kafka.connect.storage.SimpleHeaderConverter"),
            Low,
            "Common",
            10,
            Short,
            "Header converter class",
            "HeaderConverter class used to convert between Kafka Connect format and the serialized form that is \
             written to Kafka. This controls the format of the header values in messages written to or read from \
             Kafka, and since this is independent of connectors it allows any connector to work with any \
             serialization format. Examples of common formats include JSON and Avro. By default, the \
             SimpleHeaderConverter is used to serialize header values to strings and deserialize them by \
             inferring the schemas.",
        ),
        row(
            "header.converter.plugin.version",
            String,
            false,
            Some("4.3.1"),
            Low,
            "Common",
            11,
            Short,
            "Header converter version",
            "Version of the header converter.",
        ),
        row(
            "transforms",
            List,
            false,
            Some(""),
            Low,
            "Transforms",
            12,
            Long,
            "Transforms",
            "Aliases for the transformations to be applied to records.",
        ),
        row(
            "predicates",
            List,
            false,
            Some(""),
            Low,
            "Predicates",
            13,
            Long,
            "Predicates",
            "Aliases for the predicates used by transformations.",
        ),
        row(
            "config.action.reload",
            String,
            false,
            Some("restart"),
            Low,
            "Common",
            14,
            Mid,
            "Reload Action",
            "The action that Connect should take on the connector when changes in external configuration \
             providers result in a change in the connector's configuration properties. A value of 'none' \
             indicates that Connect will do nothing. A value of 'restart' indicates that Connect should \
             restart/reload the connector with the updated configuration properties.The restart may actually be \
             scheduled in the future if the external configuration provider indicates that a configuration value \
             will expire in the future.",
        ),
        row(
            "errors.retry.timeout",
            LongType,
            false,
            Some("0"),
            Medium,
            "Error Handling",
            1,
            Mid,
            "Retry Timeout for Errors",
            "The maximum duration in milliseconds that a failed operation will be reattempted. The default is 0, \
             which means no retries will be attempted. Use -1 for infinite retries.",
        ),
        row(
            "errors.retry.delay.max.ms",
            LongType,
            false,
            Some("60000"),
            Medium,
            "Error Handling",
            2,
            Mid,
            "Maximum Delay Between Retries for Errors",
            "The maximum duration in milliseconds between consecutive retry attempts. Jitter will be added to the \
              delay once this limit is reached to prevent thundering herd issues.",
        ),
        row(
            "errors.tolerance",
            String,
            false,
            Some("none"),
            Medium,
            "Error Handling",
            3,
            Short,
            "Error Tolerance",
            "Behavior for tolerating errors during connector operation. 'none' is the default value and signals \
             that any error will result in an immediate connector task failure; 'all' changes the behavior to \
             skip over problematic records.",
        ),
        row(
            "errors.log.enable",
            Boolean,
            false,
            Some("false"),
            Medium,
            "Error Handling",
            4,
            Short,
            "Log Errors",
            "If true, write each error and the details of the failed operation and problematic record to the \
             Connect application log. This is 'false' by default, so that only errors that are not tolerated are \
             reported.",
        ),
        row(
            "errors.log.include.messages",
            Boolean,
            false,
            Some("false"),
            Medium,
            "Error Handling",
            5,
            Short,
            "Log Error Details",
            "Whether to include in the log the Connect record that resulted in a failure. For sink records, the \
             topic, partition, offset, and timestamp will be logged. For source records, the key and value (and \
             their schemas), all headers, and the timestamp, Kafka topic, Kafka partition, source partition, and \
             source offset will be logged. This is 'false' by default, which will prevent record keys, values, \
             and headers from being written to log files.",
        ),
        row(
            "topic.creation.groups",
            List,
            false,
            Some(""),
            Low,
            "Topic Creation",
            1,
            Long,
            "Topic Creation Groups",
            "Groups of configurations for topics created by source connectors",
        ),
        row(
            "exactly.once.support",
            String,
            false,
            Some("requested"),
            Medium,
            "Exactly Once Support",
            2,
            Short,
            "Exactly once support",
            "Permitted values are requested, required. If set to \"required\", forces a preflight check for the \
             connector to ensure that it can provide exactly-once semantics with the given configuration. Some \
             connectors may be capable of providing exactly-once semantics but not signal to Connect that they \
             support this; in that case, documentation for the connector should be consulted carefully before \
             creating it, and the value for this property should be set to \"requested\". Additionally, if the \
             value is set to \"required\" but the worker that performs preflight validation does not have \
             exactly-once support enabled for source connectors, requests to create or validate the connector \
             will fail.",
        ),
        row(
            "transaction.boundary",
            String,
            false,
            Some("poll"),
            Medium,
            "Exactly Once Support",
            3,
            Short,
            "Transaction Boundary",
            "Permitted values are: poll, interval, connector. If set to 'poll', a new producer transaction will \
             be started and committed for every batch of records that each task from this connector provides to \
             Connect. If set to 'connector', relies on connector-defined transaction boundaries; note that not \
             all connectors are capable of defining their own transaction boundaries, and in that case, attempts \
             to instantiate a connector with this value will fail. Finally, if set to 'interval', commits \
             transactions only after a user-defined time interval has passed.",
        ),
        row(
            "transaction.boundary.interval.ms",
            LongType,
            false,
            None,
            Low,
            "Exactly Once Support",
            4,
            Short,
            "Transaction boundary interval",
            "If 'transaction.boundary' is set to 'interval', determines the interval for producer transaction \
             commits by connector tasks. If unset, defaults to the value of the worker-level \
             'offset.flush.interval.ms' property. It has no effect if a different transaction.boundary is \
             specified.",
        ),
        row(
            "offsets.storage.topic",
            String,
            false,
            None,
            Low,
            "offsets.topic",
            1,
            Long,
            "Offsets topic",
            "The name of a separate offsets topic to use for this connector. If empty or not specified, the \
             worker\u{2019}s global offsets topic name will be used. If specified, the offsets topic will be \
             created if it does not already exist on the Kafka cluster targeted by this connector (which may be \
             different from the one used for the worker's global offsets topic if the bootstrap.servers property \
             of the connector's producer has been overridden from the worker's). Only applicable in distributed \
             mode; in standalone mode, setting this property will have no effect.",
        ),
    ]
}

#[allow(clippy::too_many_arguments, reason = "one row of a table")]
fn row(
    name: &str,
    kind: Type,
    required: bool,
    default_value: Option<&str>,
    importance: Importance,
    group: &str,
    order: i32,
    width: Width,
    display: &str,
    documentation: &str,
) -> ConfigKey {
    let mut key = ConfigKey::new(name, kind, documentation)
        .importance(importance)
        .group(group, order, width, display);
    key.required = required;
    key.default_value = default_value.map(str::to_owned);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_in_connects_order() {
        let keys = common_keys();
        let mut groups: Vec<_> = keys.iter().filter_map(|k| k.group.clone()).collect();
        groups.dedup();
        assert_eq!(keys.len(), 24);
        let expected = [
            "Common",
            "Transforms",
            "Predicates",
            "Common",
            "Error Handling",
            "Topic Creation",
            "Exactly Once Support",
            "offsets.topic",
        ];
        assert_eq!(groups, expected);
    }
}
