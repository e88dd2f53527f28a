//! Kafka Connect's REST interface, plugins and tenants on axum
