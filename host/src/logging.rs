//! Where log lines go and which are written.
//!
//! `tracing` to standard error, as text or JSON. The levels are `TIDEGATE_LOG`'s (`info`, or `info,host_mysql=debug`), and
//! can be changed while the worker runs (`/admin/loggers`). Invariant: only what the crates log is written; nothing is added that could be secret.

use anyhow::{Context, Result};
use clap::ValueEnum;
use std::io::IsTerminal;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Changes the filter of the running process.
pub type Reload = reload::Handle<Targets, Registry>;

/// Starts logging; `default` is the filter where `TIDEGATE_LOG` is not set.
pub fn start(form: Form, default: &str) -> Result<Reload> {
    let wanted = std::env::var("TIDEGATE_LOG").unwrap_or_else(|_| default.to_owned());
    let filter: Targets = wanted
        .parse()
        .with_context(|| format!("reading TIDEGATE_LOG={wanted}"))?;
    let (filter, handle) = reload::Layer::new(filter);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match form {
        Form::Text => {
            let colours = std::io::stderr().is_terminal();
            registry
                .with(fmt::layer().with_writer(std::io::stderr).with_ansi(colours))
                .try_init()
        }
        Form::Json => registry
            .with(fmt::layer().json().with_writer(std::io::stderr))
            .try_init(),
    };
    started.context("starting the log")?;
    Ok(handle)
}
