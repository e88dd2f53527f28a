//! What a tenant may use, and what it does use.
//!
//! Quotas are a document an operator writes; usage is counted where things are made. Whoever makes a thing asks first;
//! nothing here knows HTTP. Guests' CPU time is counted and held to the share where they run (`host_wasm::CpuShare`).
//! Invariant: an absent number is no limit; an absent list is no restriction; an empty list allows nothing.

use host_core::access::Access;
use host_wasm::CpuShare;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A tenant's limits: the body of `PUT /admin/tenants/{t}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Prefixes of topics it may read or write (an empty one allows all); absent for no restriction (for none, with an
    /// authentication file).
    pub topic_prefixes: Option<Vec<String>>,
    /// Database hosts it may reach, `host`, `host:port` or `*`; absent for no restriction (for none, with an
    /// authentication file).
    pub database_hosts: Option<Vec<String>>,
    /// Connectors it may have.
    pub connectors: Option<u64>,
    /// Plugin versions it may have.
    pub plugins: Option<u64>,
    /// Bytes of plugins it may store.
    pub plugin_bytes: Option<u64>,
    /// Bytes of one upload, where that is less than the host's own limit.
    pub upload_bytes: Option<u64>,
    /// Guest instances that may run at a time.
    pub instances: Option<u64>,
    /// Memory of one guest instance in bytes.
    pub instance_memory_bytes: Option<u64>,
    /// Memory of all its guest instances in bytes.
    pub memory_bytes: Option<u64>,
    /// CPU time of its guests, in milliseconds a second.
    pub cpu_ms_per_s: Option<u64>,
}

impl Quotas {
    /// What a tenant of the authentication file has until an operator says more: it may reach nothing.
    pub fn closed() -> Self {
        Self {
            topic_prefixes: Some(Vec::new()),
            database_hosts: Some(Vec::new()),
            ..Self::default()
        }
    }
    /// The same with empty lists in place of those that are not given: silence is never leave.
    #[must_use]
    pub fn closed_where_silent(mut self) -> Self {
        self.topic_prefixes.get_or_insert_default();
        self.database_hosts.get_or_insert_default();
        self
    }
    /// What it may reach.
    pub fn access(&self) -> Access {
        Access {
            topic_prefixes: self.topic_prefixes.clone(),
            database_hosts: self.database_hosts.clone(),
            files_denied: self.is_restricted(),
        }
    }
    /// Whether configurations must not name files of the host: true for every tenant with an allow-list.
    pub fn is_restricted(&self) -> bool {
        self.topic_prefixes.is_some() || self.database_hosts.is_some()
    }
}

/// What a tenant uses: `GET /admin/tenants/{t}/usage`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Connectors it has.
    pub connectors: u64,
    /// Plugin versions it has.
    pub plugins: u64,
    /// Bytes of plugins it stores.
    pub plugin_bytes: u64,
    /// Guest instances alive.
    pub instances: u64,
    /// Memory granted to its guest instances, in bytes.
    pub memory_bytes: u64,
    /// CPU time its guests have had since the worker started, in milliseconds.
    pub cpu_ms: u64,
    /// Time its tasks have slept for having used up CPU time, in milliseconds.
    pub throttled_ms: u64,
    /// Records written to Kafka since the worker started.
    pub records_written: u64,
    /// Bytes of keys, values and headers written to Kafka since the worker started.
    pub bytes_written: u64,
}

/// Counters of one tenant, shared by its tasks.
#[derive(Debug, Default)]
pub struct Meter {
    instances: AtomicU64,
    memory_bytes: AtomicU64,
    /// Share and use of CPU time.
    pub cpu: Arc<CpuShare>,
    /// Held while the tenant's guests are asked about a configuration.
    pub asking: Arc<tokio::sync::Mutex<()>>,
    /// Records written.
    pub records_written: AtomicU64,
    /// Bytes written.
    pub bytes_written: AtomicU64,
}

impl Meter {
    /// Takes room for instances and their memory; an error says which quota is used up.
    pub fn take_instances(
        &self,
        quotas: &Quotas,
        count: u64,
        memory_bytes: u64,
    ) -> Result<(), String> {
        let all = self.instances.fetch_add(count, Ordering::AcqRel) + count;
        let bytes = self.memory_bytes.fetch_add(memory_bytes, Ordering::AcqRel) + memory_bytes;
        let refused = if quotas.instances.is_some_and(|max| all > max) {
            Some(format!(
                "{all} guest instances, and the quota 'instances' is {}",
                quotas.instances.unwrap_or(0)
            ))
        } else if quotas.memory_bytes.is_some_and(|max| bytes > max) {
            Some(format!(
                "{bytes} bytes of guest memory, and the quota 'memory_bytes' is {}",
                quotas.memory_bytes.unwrap_or(0)
            ))
        } else {
            None
        };
        match refused {
            None => Ok(()),
            Some(why) => {
                self.give_back_instances(count, memory_bytes);
                Err(why)
            }
        }
    }
    /// Gives back what [`Meter::take_instances`] took.
    pub fn give_back_instances(&self, count: u64, memory_bytes: u64) {
        self.instances.fetch_sub(count, Ordering::AcqRel);
        self.memory_bytes.fetch_sub(memory_bytes, Ordering::AcqRel);
    }
    /// The counters it holds; connectors and plugins are the herder's.
    pub fn usage(&self) -> Usage {
        Usage {
            instances: self.instances.load(Ordering::Relaxed),
            memory_bytes: self.memory_bytes.load(Ordering::Relaxed),
            cpu_ms: self.cpu.used().as_millis() as u64,
            throttled_ms: self.cpu.slept().as_millis() as u64,
            records_written: self.records_written.load(Ordering::Relaxed),
            bytes_written: self.bytes_written.load(Ordering::Relaxed),
            ..Usage::default()
        }
    }
}

/// A gauge that goes up and down.
#[derive(Debug, Default)]
pub struct Level(AtomicI64);

impl Level {
    /// Adds, or with a negative number takes away.
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    /// Its height; never below zero.
    pub fn get(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_refused_by_name_and_given_back() {
        let q = Quotas {
            instances: Some(2),
            memory_bytes: Some(100),
            ..Quotas::default()
        };
        let m = Meter::default();
        m.take_instances(&q, 2, 50).unwrap();
        assert!(
            m.take_instances(&q, 1, 10)
                .unwrap_err()
                .contains("'instances'")
        );
        m.give_back_instances(1, 25);
        assert!(
            m.take_instances(&q, 1, 80)
                .unwrap_err()
                .contains("'memory_bytes'")
        );
        assert_eq!((m.usage().instances, m.usage().memory_bytes), (1, 25));
    }

    #[test]
    fn a_tenant_without_document_reaches_nothing() {
        let access = Quotas::closed().access();
        assert!(!access.allows_topic("any") && !access.allows_database("any", 1));
        assert!(Quotas::closed().is_restricted() && !Quotas::default().is_restricted());
    }
}
