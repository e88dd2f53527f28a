//! pending
use crate::logging;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
/// pending
pub fn run(_: &Path, _: &[PathBuf], _: logging::Form) -> Result<()> {
    bail!("pending")
}
