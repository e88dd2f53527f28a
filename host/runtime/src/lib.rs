//! Connectors and tasks, delivery, offsets and Kafka
