//! Integration tests: real MySQL, real Kafka, the real host process
