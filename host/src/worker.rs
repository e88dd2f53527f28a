//! `tidegate worker`: configuration, build, serve, drain.
//!
//! Everything that can be wrong with the configuration is said before anything listens. It then binds, starts the herder,
//! answers REST from the first moment (503 until the stores are read), creates the connectors of the command line, and on
//! SIGTERM or Ctrl-C stops tasks, stores what was acknowledged, and leaves.
//! Invariant: a polite stop repeats nothing that was acknowledged.

use crate::{kinds, logging, properties};
use anyhow::{Context, Result, bail};
use host_core::config::Config;
use host_core::id::TenantId;
use host_rest::{LoggerLevels, Loggers, RestState};
use host_runtime::herder::entity::TargetState;
use host_runtime::herder::{ErrorKind, HerderHandle, Setup};
use host_runtime::tenant::Tenants;
use host_runtime::worker_config::WorkerConfig;
use host_wasm::compile::{Compiler, Settings};
use host_wasm::{Catalog, Engine, Limits};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Names shown by `/admin/loggers` before any level is set.
const LOGGERS: [&str; 7] = [
    "host_mysql",
    "host_rest",
    "host_runtime",
    "host_wasm",
    "tidegate",
    "tidegate::kafka",
    "tidegate::plugin",
];

/// A connector on the command line, as in `POST /connectors`.
#[derive(Debug, Deserialize)]
struct ConnectorFile {
    name: String,
    config: Config,
}

/// Runs a worker until it is told to stop.
pub fn run(properties: &Path, connectors: &[PathBuf], log: logging::Form) -> Result<()> {
    let reload = logging::start(log, "info")?;
    let raw = properties::read(properties)?;
    let config = WorkerConfig::parse(&raw).map_err(|findings| {
        let all: Vec<_> = findings
            .into_iter()
            .map(|f| format!("  {}: {}", f.key, f.message))
            .collect();
        anyhow::anyhow!(
            "the worker configuration {} has errors:\n{}",
            properties.display(),
            all.join("\n")
        )
    })?;
    let connectors = connectors
        .iter()
        .map(|file| connector(file))
        .collect::<Result<Vec<_>>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(Box::pin(serve(config, connectors, reload)))
}

fn connector(file: &Path) -> Result<ConnectorFile> {
    let told = || format!("reading the connector {}", file.display());
    serde_json::from_slice(&std::fs::read(file).with_context(told)?).with_context(told)
}

async fn serve(
    config: WorkerConfig,
    connectors: Vec<ConnectorFile>,
    reload: logging::Reload,
) -> Result<()> {
    let tenants = match &config.auth_file {
        Some(file) => Some(Arc::new(Tenants::load(file).map_err(anyhow::Error::msg)?)),
        None => None,
    };
    let listeners = bind(&config.listeners).await?;
    let engine = Engine::new().context("starting the WebAssembly engine")?;
    let compiler = Arc::new(Compiler::new(engine, Settings::new(&config.cache))?);
    let limits = Limits::default();
    let catalog =
        Arc::new(Catalog::open(compiler, limits).context("loading the built-in plugins")?);
    let setup = Setup {
        config,
        kinds: kinds::all(),
        catalog,
        limits,
        tenants: tenants.clone(),
    };
    let herder = HerderHandle::start(setup)?;
    let loggers = Loggers::new(LevelFilter::INFO, &LOGGERS, move |levels| {
        reload
            .reload(targets(levels))
            .map_err(|e| format!("changing log levels: {e}"))
    });
    let state = RestState::new(herder.clone(), tenants, loggers, env!("CARGO_PKG_VERSION"));
    let (stop, _) = tokio::sync::watch::channel(false);
    let mut servers = Vec::new();
    for listener in listeners {
        tracing::info!("listening on http://{}", listener.local_addr()?);
        let mut stopped = stop.subscribe();
        let serving = host_rest::serve(listener, state.clone(), async move {
            // Only a worker that is gone drops the other end.
            drop(stopped.wait_for(|s| *s).await);
        });
        servers.push(tokio::spawn(serving));
    }
    let ended = tokio::select! {
        failed = started(&herder, connectors) => failed,
        () = signalled() => Ok(()),
    };
    tracing::info!("stopping: tasks are drained and offsets stored");
    herder.shutdown().await;
    stop.send_replace(true);
    for server in servers {
        server.await.context("serving REST")??;
    }
    ended
}

/// Creates the connectors of the command line once the worker is ready; ends only with an error.
async fn started(herder: &HerderHandle, connectors: Vec<ConnectorFile>) -> Result<()> {
    herder.started().await?;
    for ConnectorFile { name, config } in connectors {
        let created = herder
            .create(
                &TenantId::default(),
                Some(&name),
                config,
                TargetState::Started,
            )
            .await;
        match created {
            Ok(_) => tracing::info!(connector = name, "created"),
            // After a restart it is in the config topic already.
            Err(e) if e.kind == ErrorKind::Conflict => {
                tracing::info!(connector = name, "is there already");
            }
            Err(e) => bail!("creating the connector {name}: {e}"),
        }
    }
    std::future::pending().await
}

async fn bind(listeners: &[String]) -> Result<Vec<TcpListener>> {
    let mut bound = Vec::new();
    for listener in listeners {
        let address = listener.strip_prefix("http://").unwrap_or(listener);
        let address = address
            .strip_prefix(':')
            .map_or_else(|| address.to_owned(), |port| format!("0.0.0.0:{port}"));
        let told = || {
            format!(
                "listening on {listener}; is another worker running? `listeners` names the address"
            )
        };
        bound.push(TcpListener::bind(&address).await.with_context(told)?);
    }
    Ok(bound)
}

async fn signalled() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut s) => drop(s.recv().await),
            Err(e) => {
                tracing::warn!("watching for SIGTERM: {e}");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn targets(levels: &LoggerLevels) -> Targets {
    let own = levels
        .targets
        .iter()
        .map(|(name, level)| (name.clone(), *level));
    Targets::new().with_default(levels.root).with_targets(own)
}
