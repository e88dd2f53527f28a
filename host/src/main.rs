//! The `tidegate` executable: reads its arguments and hands over.
//!
//! Commands live in modules of their own; this file only maps arguments to them and errors to exit codes.
//! Invariant: exit code 0 means that the command did what it was asked; a wrong configuration exits before anything
//! listens.

use clap::{Parser, Subcommand};
use host::{auth, logging, memory, tail, worker};
use std::path::PathBuf;
use std::process::ExitCode;

/// A connector host that speaks Kafka Connect and Debezium, with transforms and formats in WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a worker: Kafka Connect's REST interface and its connectors.
    Worker {
        /// Worker configuration, with Kafka Connect's own keys.
        properties: PathBuf,
        /// Connectors to create at start, each `{"name": …, "config": {…}}` as in `POST /connectors`.
        connectors: Vec<PathBuf>,
        /// How log lines look.
        #[arg(long, value_enum, default_value_t = logging::Form::Text)]
        log: logging::Form,
    },
    /// Print the events of a live MySQL to the terminal, without Kafka.
    Tail(tail::Options),
    /// Credentials for `tidegate.auth.file`.
    Auth {
        #[command(subcommand)]
        command: auth::Command,
    },
    /// Compile a component from standard input to standard output, under limits (used by the worker itself).
    #[command(hide = true)]
    Compile,
}

fn main() -> ExitCode {
    memory::keep_little();
    let done = match Arguments::parse().command {
        Command::Compile => return host_wasm::compile::run_child(),
        Command::Auth { command } => auth::run(&command),
        Command::Tail(options) => tail::run(options),
        Command::Worker {
            properties,
            connectors,
            log,
        } => worker::run(&properties, &connectors, log),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("tidegate: {e:#}");
            ExitCode::FAILURE
        }
    }
}
