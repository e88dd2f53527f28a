//! The demo's transform: masks configured text columns, in change events and in plain rows.
//!
//! What a user writes: a struct, its configuration and one function. It deliberately leaves everything but texts
//! alone, and null stays null. Invariant: a text in a configured column never leaves with its content.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Tag, Transform, Value,
    export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct MaskPii {
    fields: Vec<String>,
    replacement: String,
}

impl Transform for MaskPii {
    fn config() -> ConfigDef {
        ConfigDef::new("0.1.0")
            .key(Key::list("fields").default("email").doc("Columns to mask."))
            .key(
                Key::string("replacement")
                    .default("****")
                    .doc("Text in their place."),
            )
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            fields: config.list("fields"),
            replacement: config.string("replacement").into(),
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        let Some(value) = record.value() else {
            return Ok(()); // a tombstone
        };
        for image in ["before", "after"] {
            if let Some(row) = value.field(image) {
                self.mask(record, row, &[image])?;
            }
        }
        self.mask(record, value, &[]) // a row without an envelope
    }
}

impl MaskPii {
    fn mask(&self, record: &mut Record<'_>, row: Value<'_>, path: &[&str]) -> Result<()> {
        for field in &self.fields {
            if row
                .field(field)
                .is_some_and(|v| v.slot().tag == Tag::String)
            {
                let mask = record.text(&self.replacement);
                record.set_field(&[path, &[field]].concat(), mask)?;
            }
        }
        Ok(())
    }
}

export_transform!(MaskPii);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Data, Host, TestRecord, Typed, recorded};

    const GOLDEN: &str =
        include_str!("../../../../tests/golden/notebook/main/topics/dbserver1.testdb.users1.json");

    /// Recorded change events: every e-mail is masked, in both images, and nothing else changes.
    #[test]
    fn emails_of_recorded_events_are_masked() {
        let mut host = Host::new();
        let mut mask = host.transform::<MaskPii>("acme.MaskPii", &[]).unwrap();
        let topic: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
        let mut seen = 0;
        for r in topic["records"].as_array().unwrap() {
            let value = recorded::typed(&mut host, r["value"].as_str()).unwrap();
            let record = TestRecord::new("t", Typed::none(), value.clone());
            let out = host.run(&mut mask, &[record]).unwrap().remove(0).value;
            let mut want = value;
            if let Data::Struct(envelope) = &mut want.data {
                for row in &mut envelope[..2] {
                    if let Data::Struct(columns) = row {
                        assert!(
                            matches!(&columns[2], Data::String(_)),
                            "the third column is email"
                        );
                        columns[2] = "****".into();
                        seen += 1;
                    }
                }
            }
            assert_eq!(out, want);
        }
        assert!(seen > 30, "only {seen} rows were seen");
    }

    #[test]
    fn plain_rows_and_other_columns() {
        let mut host = Host::new();
        let text = host.schema(tidegate_sdk::NewSchema::new(
            tidegate_sdk::SchemaType::String,
        ));
        let int = host.schema(tidegate_sdk::NewSchema::new(
            tidegate_sdk::SchemaType::Int32,
        ));
        let row = tidegate_sdk::NewSchema::new(tidegate_sdk::SchemaType::Struct);
        let row = host.schema(
            row.field("id", int)
                .field("phone", text)
                .field("email", text),
        );
        let config = [("fields", "phone,id"), ("replacement", "")];
        let mut mask = host.transform::<MaskPii>("acme.MaskPii", &config).unwrap();
        let value = |phone: &str| Data::structure([1.into(), phone.into(), "e".into()]);
        let record = TestRecord::new("t", Typed::none(), Typed::new(row, value("123")));
        let out = host.run(&mut mask, &[record]).unwrap();
        assert_eq!(out[0].value.data, value(""));
    }
}
