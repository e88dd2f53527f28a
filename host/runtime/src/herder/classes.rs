//! From a `connector.class` to a kind of connector, as Connect's `Plugins` finds it.
//!
//! Full name, simple name, or simple name without `Connector`. Invariant: an unknown class is never guessed.

use host_core::source::SourceKind;
use std::sync::Arc;

/// The kind of this class or alias.
pub(super) fn find(kinds: &[Arc<dyn SourceKind>], class: &str) -> Option<Arc<dyn SourceKind>> {
    let class = class.trim();
    kinds.iter().find(|k| answers_to(k.class(), class)).cloned()
}

/// Whether a full class name answers to what was configured.
pub(super) fn answers_to(full: &str, wanted: &str) -> bool {
    let simple = full.rsplit('.').next().unwrap_or(full);
    full == wanted
        || simple == wanted
        || simple
            .strip_suffix("Connector")
            .is_some_and(|s| !s.is_empty() && s == wanted)
}

/// Connect's message for a class that is not there.
pub(super) fn not_found(kinds: &[Arc<dyn SourceKind>], class: &str) -> String {
    let all: Vec<String> = kinds
        .iter()
        .map(|k| {
            let (class, version) = (k.class(), k.version());
            format!(
                "PluginDesc{{klass=class {class}, name='{class}', version='{version}', encodedVersion={version}, \
                 type=source, typeName='source', location='classpath'}}"
            )
        })
        .collect();
    format!(
        "Failed to find any class that implements Connector and which name matches {class}, available connectors are: {}",
        all.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_connects() {
        let full = "org.apache.kafka.connect.file.FileStreamSourceConnector";
        for (wanted, found) in [
            (full, true),
            ("FileStreamSourceConnector", true),
            ("FileStreamSource", true),
            ("FileStream", false),
            ("", false),
        ] {
            assert_eq!(answers_to(full, wanted), found, "{wanted}");
        }
    }
}
