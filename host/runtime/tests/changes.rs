//! Changes that meet each other in the herder: patches, uploads, deletions; and what a worker does not track.
//!
//! The address comes from `TIDEGATE_KAFKA`; without it the tests fail. Plugins are those that `cargo x plugins` built;
//! `TIDEGATE_BIN` compiles them.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod counting;
mod world;

use counting::Counting;
use futures_util::future::join_all;
use host_core::id::{ConnectorId, TenantId};
use host_runtime::herder::HerderHandle;
use host_runtime::herder::entity::TargetState;
use host_runtime::tenant::Quotas;
use std::time::Duration;
use world::World;
use world::worker::{connector, standalone, standalone_with, until};

const NAME: &str = "acme.MaskPii";

async fn start(w: &World) -> HerderHandle {
    let h = standalone(
        w,
        Counting::slow(1_000_000),
        &world::bootstrap(),
        Duration::from_secs(5),
    );
    h.started().await.unwrap();
    h
}

fn component() -> Vec<u8> {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/plugins");
    let folder = std::env::var("TIDEGATE_PLUGINS_DIR").unwrap_or_else(|_| built.to_owned());
    std::fs::read(format!("{folder}/mask-pii.wasm")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_patches_at_the_same_time_none_is_lost() {
    let w = World::new("patch").await;
    let h = start(&w).await;
    let id = ConnectorId::new(TenantId::default(), "c");
    h.create(&id.tenant, Some("c"), connector(&w), TargetState::Stopped)
        .await
        .unwrap();
    let keys: Vec<String> = (0..8).map(|n| format!("transforms.note{n}")).collect();
    let patches = keys.iter().map(|k| {
        let patch = vec![(k.clone(), Some("1".to_owned()))];
        h.patch_config(&id, patch)
    });
    for patched in join_all(patches).await {
        patched.unwrap();
    }
    let config = h.connector_config(&id).unwrap();
    let missing: Vec<_> = keys.iter().filter(|k| config.get(k).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    h.delete(&id).await.unwrap();
    let gone = h
        .patch_config(&id, vec![("a".to_owned(), None)])
        .await
        .unwrap_err();
    assert_eq!(gone.status(), 404, "{gone}");
    h.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_at_the_same_time_keep_to_the_quota_together() {
    let w = World::new("uploads").await;
    let h = start(&w).await;
    // The catalog is shared by the tests of this program.
    let tenant = TenantId::new("uploads").unwrap();
    let bytes = component();
    let quotas = Quotas {
        plugins: Some(3),
        plugin_bytes: Some(2 * bytes.len() as u64),
        ..Quotas::default()
    };
    h.put_quotas(&tenant, quotas).await.unwrap();
    let versions: Vec<String> = (0..6).map(|n| format!("1.{n}.0")).collect();
    let uploads = versions
        .iter()
        .map(|v| h.upload_plugin(&tenant, NAME, v, bytes.clone()));
    let answers = join_all(uploads).await;
    for e in answers.iter().filter_map(|a| a.as_ref().err()) {
        assert!(
            e.status() == 403 && e.message.contains("'plugin_bytes'"),
            "{e}"
        );
    }
    let stored = |h: &HerderHandle| h.plugins(&tenant).len();
    assert_eq!(
        (answers.iter().filter(|a| a.is_ok()).count(), stored(&h)),
        (2, 2)
    );
    // What was refused has left no room taken: one goes, one comes.
    let first = h.plugins(&tenant).remove(0).version;
    h.delete_plugin(&tenant, NAME, &first).await.unwrap();
    let (_, new) = h
        .upload_plugin(&tenant, NAME, "2.0.0", bytes.clone())
        .await
        .unwrap();
    let (_, again) = h
        .upload_plugin(&tenant, NAME, "2.0.0", bytes)
        .await
        .unwrap();
    assert_eq!((new, again, stored(&h)), (true, false, 2));
    h.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_uses_a_version_is_answered_as_it_is_enforced() {
    let w = World::new("users").await;
    let h = start(&w).await;
    let tenant = TenantId::new("users").unwrap();
    for version in ["1.0.0", "1.1.0"] {
        h.upload_plugin(&tenant, NAME, version, component())
            .await
            .unwrap();
    }
    for (name, pinned) in [("pinned", Some("1.0.0")), ("newest", None)] {
        let mut config = connector(&w);
        config.set("transforms", "m");
        config.set("transforms.m.type", format!("wasm.{NAME}"));
        config.set("transforms.m.fields", "x");
        if let Some(version) = pinned {
            config.set("transforms.m.plugin.version", version);
        }
        h.create(&tenant, Some(name), config, TargetState::Stopped)
            .await
            .unwrap();
    }
    for (version, user) in [("1.0.0", "pinned"), ("1.1.0", "newest")] {
        assert_eq!(h.plugin_users(&tenant, NAME, version), [user]);
        let e = h.delete_plugin(&tenant, NAME, version).await.unwrap_err();
        assert!(e.status() == 409 && e.message.contains(user), "{e}");
    }
    h.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_not_tracked_are_not_told() {
    let w = World::new("tracking").await;
    let off = [("topic.tracking.enable", "false")];
    let source = Counting::slow(1_000_000);
    let h = standalone_with(
        &w,
        source,
        &world::bootstrap(),
        Duration::from_secs(5),
        &off,
    );
    h.started().await.unwrap();
    let id = ConnectorId::new(TenantId::default(), "c");
    h.create(&id.tenant, Some("c"), connector(&w), TargetState::Started)
        .await
        .unwrap();
    until("records arrive", || w.high_watermark(&w.topic) > 100).await;
    for e in [
        h.topics(&id).unwrap_err(),
        h.reset_topics(&id).await.unwrap_err(),
    ] {
        assert_eq!(
            (e.status(), e.message.as_str()),
            (403, "Topic tracking is disabled.")
        );
    }
    h.shutdown().await;
}
