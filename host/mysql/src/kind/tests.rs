//! What a restricted tenant may name, asked of the kind as a worker asks it; no server is reached.

use super::*;
use host_core::id::{ConnectorId, TaskId, TenantId};
use host_core::log::{LogProvider, RecordLog};
use std::collections::BTreeMap;

/// Nothing here comes as far as a schema history.
struct NoLogs;

impl LogProvider for NoLogs {
    fn topic(
        &self,
        _bootstrap: &str,
        topic: &str,
        _client: &BTreeMap<String, String>,
    ) -> Result<Box<dyn RecordLog>, TaskError> {
        Err(TaskError::fail("NO-LOGS", topic.to_owned()))
    }
}

const HISTORY: &str = "schema.history.internal";
const FILENAME: &str = "schema.history.internal.file.filename";

/// Nothing listens on the port: whoever comes to connect fails with another error.
fn config(extra: &[(&str, &str)]) -> Config {
    let base = [
        ("database.hostname", "127.0.0.1"),
        ("database.port", "1"),
        ("database.user", "u"),
        ("database.server.id", "9100"),
        ("topic.prefix", "p"),
        (
            HISTORY,
            "io.debezium.relational.history.MemorySchemaHistory",
        ),
    ];
    base.iter().chain(extra).copied().collect()
}

fn context(files_denied: bool) -> TaskContext {
    TaskContext {
        id: TaskId {
            connector: ConnectorId::new(TenantId::default(), "c"),
            task: 0,
        },
        offsets: Vec::new(),
        schemas: host_core::schema::SharedSchemas::default(),
        logs: Arc::new(NoLogs),
        access: Arc::new(Access {
            files_denied,
            ..Access::default()
        }),
        metrics: Arc::default(),
    }
}

#[tokio::test]
async fn a_tenant_without_files_may_name_none() {
    let file = (
        HISTORY,
        "io.debezium.storage.file.history.FileSchemaHistory",
    );
    for (extra, key) in [
        (&[][..], None),
        (&[file, (FILENAME, "/tmp/h")], Some(FILENAME)),
        (
            &[("database.ssl.truststore", "/tmp/t.pem")],
            Some("database.ssl.truststore"),
        ),
        (
            &[("database.ssl.keystore", "/tmp/k.pem")],
            Some("database.ssl.keystore"),
        ),
    ] {
        let config = config(extra);
        for files_denied in [false, true] {
            let want = key.filter(|_| files_denied);
            let context = context(files_denied);
            let access = Arc::clone(&context.access);
            let findings = MysqlKind.validate(&config, &access, false).await;
            let keys: Vec<&str> = findings.iter().map(|f| f.key.as_str()).collect();
            assert_eq!(keys, Vec::from_iter(want), "{key:?} {files_denied}");
            let refused = match MysqlKind.open(context, config.clone()).await {
                Ok(_) => false,
                Err(e) => e.code == "CONFIG-INVALID",
            };
            assert_eq!(refused, want.is_some(), "{key:?} {files_denied}");
        }
    }
}
