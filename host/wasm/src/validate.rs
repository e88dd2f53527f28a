//! Whether a plugin would take a configuration, without starting it.
//!
//! Types and required keys are checked by its definition, the rest by the guest's own `validate`. It changes nothing.
//! Invariant: a plugin that fails to answer is a finding about its class, never a success.

use crate::context::Context;
use crate::convert;
use crate::cpu::Pace;
use crate::instance::ask_validate;
use crate::limits::Limits;
use crate::plugin::Plugin;
use host_core::config::{Config, Finding, Parser};

/// Everything wrong with a plugin's configuration; keys come without prefix. A converter's `converter.type` is taken
/// from the context, as in Connect, and never missing. A fault of the plugin itself is a
/// finding about `type`. Blocks for at most [`Limits::start_deadline_ms`] of CPU time, twice, at this pace.
pub fn validate_config(
    plugin: &Plugin,
    context: &Context,
    config: &Config,
    limits: &Limits,
    pace: &Pace,
) -> Vec<Finding> {
    let config = &convert::with_part(plugin.definition(), config, context.part);
    let mut parser = Parser::new(plugin.definition(), config);
    parser.check_all();
    let mut findings = parser.findings;
    // A guest may rely on types and required keys, as Connect's `Configurable` does.
    if findings.is_empty() {
        match ask_validate(plugin, context, config, limits, pace) {
            Ok(more) => findings = more,
            Err(fault) => findings.push(Finding::new(
                "type",
                format!(
                    "asking {} to validate its configuration: {fault}",
                    context.class
                ),
            )),
        }
    }
    findings
}
