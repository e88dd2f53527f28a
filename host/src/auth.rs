//! `tidegate auth`: makes what `tidegate.auth.file` holds.
//!
//! Invariant: a password is read from standard input and never from the arguments, which other users can see.

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use std::io::Read;

/// What to make.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Print the argon2 hash of a password or token that is given on standard input.
    Hash,
}

/// Longest password, in bytes.
const PASSWORD_BYTES_MAX: u64 = 1024;

/// Runs the command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Hash => {
            let mut password = String::new();
            std::io::stdin()
                .take(PASSWORD_BYTES_MAX + 1)
                .read_to_string(&mut password)
                .context("reading the password from standard input")?;
            let password = password.trim_end_matches(['\r', '\n']);
            if password.is_empty() || password.len() as u64 > PASSWORD_BYTES_MAX {
                bail!(
                    "reading the password from standard input: it must have 1 to {PASSWORD_BYTES_MAX} bytes"
                );
            }
            println!(
                "{}",
                host_runtime::tenant::hash_password(password).map_err(|e| anyhow!(e))?
            );
            Ok(())
        }
    }
}
