//! Integration tests against real services.
