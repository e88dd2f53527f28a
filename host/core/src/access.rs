//! What a tenant may reach: topics, database hosts, and the worker's own files.
//!
//! It decides; whoever is about to touch a topic or a host asks. Without a tenant file nothing is restricted.
//! Invariant: an allow-list is never widened silently, and an empty list allows nothing.

/// A tenant's allow-lists; `None` stands for no restriction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Prefixes of topics that may be read or written.
    pub topic_prefixes: Option<Vec<String>>,
    /// Host names of databases, `host`, `host:port`, or `*` for any.
    pub database_hosts: Option<Vec<String>>,
    /// Whether the worker's own files are out of reach: sources that read them and client settings that name them.
    pub files_denied: bool,
}

impl Access {
    /// Whether a topic may be read or written.
    pub fn allows_topic(&self, topic: &str) -> bool {
        self.topic_prefixes
            .as_ref()
            .is_none_or(|all| all.iter().any(|p| topic.starts_with(p.as_str())))
    }
    /// Whether a database may be reached.
    pub fn allows_database(&self, host: &str, port: u16) -> bool {
        let with_port = format!("{host}:{port}");
        self.database_hosts.as_ref().is_none_or(|all| {
            all.iter().any(|h| {
                h == "*" || h.eq_ignore_ascii_case(host) || h.eq_ignore_ascii_case(&with_port)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_restrict_and_absence_does_not() {
        let free = Access::default();
        assert!(free.allows_topic("x") && free.allows_database("db", 1));
        let a = Access {
            topic_prefixes: Some(vec!["acme.".into()]),
            database_hosts: Some(vec!["db:3306".into()]),
            ..Access::default()
        };
        assert!(a.allows_topic("acme.x") && !a.allows_topic("acmex") && !a.allows_topic(""));
        assert!(a.allows_database("DB", 3306) && !a.allows_database("db", 3307));
        let nothing = Access {
            topic_prefixes: Some(vec![]),
            database_hosts: Some(vec![]),
            ..Access::default()
        };
        assert!(!nothing.allows_topic("x") && !nothing.allows_database("db", 1));
    }
}
