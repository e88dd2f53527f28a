//! `org.apache.kafka.connect.transforms.MaskField$Key` and `$Value` of Connect 4.3.
//!
//! Masked fields become the null value of their type, or the replacement converted to it. One deliberate difference: a
//! masked decimal keeps its column's scale (Connect's zero has scale 0, and its JSON converter then fails the task).
//! Invariant: the record's schema stays as it is.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

mod masked;

use masked::Mask;
use tidegate_sdk::config::non_empty;
use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Error, Importance, Key, PerSchema, Record, Result,
    SchemaRef, Slot, Tag, Transform, Value, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct MaskField {
    fields: Vec<String>,
    mask: Mask,
    defaults: bool,
    of_key: bool,
    plans: PerSchema<Plan>,
}

/// Positions of a schema's fields that may have to change.
#[derive(Debug)]
struct Plan {
    masked: Vec<usize>,
    with_default: Vec<usize>,
}

impl Transform for MaskField {
    fn config() -> ConfigDef {
        ConfigDef::new("4.3.1")
            .key(
                Key::list("fields")
                    .importance(Importance::High)
                    .doc("Names of fields to mask.")
                    .distinct(),
            )
            .key(
                Key::string("replacement")
                    .optional()
                    .doc("Custom value replacement, that will be applied to all 'fields' values (numeric or non-empty string values only).")
                    .validate(non_empty),
            )
            .key(
                Key::boolean("replace.null.with.default")
                    .default("true")
                    .importance(Importance::Medium)
                    .doc("Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used."),
            )
    }

    fn new(context: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            fields: config.list("fields"),
            mask: Mask::new(config.get("replacement")),
            defaults: config.boolean("replace.null.with.default"),
            of_key: context.class.ends_with("$Key"),
            plans: PerSchema::default(),
        })
    }

    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        let value = if self.of_key {
            record.raw_key()
        } else {
            record.raw_value()
        };
        match value.schema() {
            Some(schema) => self.with_schema(record, value, schema),
            None => self.schemaless(record, value),
        }
    }
}

impl MaskField {
    fn with_schema(&mut self, r: &mut Record<'_>, value: Value<'_>, s: SchemaRef) -> Result<()> {
        if value.slot().tag != Tag::Struct {
            return Err(refused("Only Struct objects supported for", value));
        }
        let (fields, defaults) = (&self.fields, self.defaults);
        let plan = self.plans.get(s, || Plan::new(s, fields, defaults));
        let mut edit = Edit::new(self.of_key, value);
        for &at in &plan.with_default {
            let Some(field) = value.field_at(at).filter(Value::is_null) else {
                continue;
            };
            let copy = r.copy(field.or_default())?;
            edit.set(r, at, copy)?;
        }
        for &at in &plan.masked {
            let Some(field) = value.field_at(at) else {
                continue;
            };
            let field = if defaults { field.or_default() } else { field };
            if !field.is_null() {
                let masked = self.mask.of(r, field)?;
                edit.set(r, at, masked)?;
            }
        }
        edit.finish(r);
        Ok(())
    }

    fn schemaless(&mut self, r: &mut Record<'_>, value: Value<'_>) -> Result<()> {
        if value.slot().tag != Tag::Map {
            let what = "Only Map objects supported in absence of schema for";
            return Err(refused(what, value));
        }
        let mut slots = Vec::new();
        for (key, held) in value.entries()? {
            let name = key.as_str().unwrap_or_default();
            let masked = self.fields.iter().any(|f| f == name) && !held.is_null();
            let held = if masked {
                self.mask.of(r, held)?
            } else {
                held.slot()
            };
            slots.extend([key.slot(), held]);
        }
        // Connect puts a null for a masked field that is missing.
        for f in self.fields.iter().filter(|f| value.get(f).is_none()) {
            let name = r.text(f);
            slots.extend([name, Slot::NULL]);
        }
        let map = r.arena().map(&slots);
        if self.of_key {
            r.set_key(None, map);
        } else {
            r.set_value(None, map);
        }
        Ok(())
    }
}

impl Plan {
    fn new(schema: SchemaRef, fields: &[String], defaults: bool) -> Self {
        let masked = |i: &usize| fields.iter().any(|f| **f == *schema.fields[*i].name);
        let default = |i: &usize| defaults && schema.fields[*i].schema.has_default();
        let all = 0..schema.fields.len();
        Self {
            masked: all.clone().filter(masked).collect(),
            with_default: all.filter(|i| default(i) && !masked(i)).collect(),
        }
    }
}

/// Changes of one struct: in place for the value, by a copy of the slots for the key.
struct Edit<'a> {
    of_key: bool,
    original: Value<'a>,
    key: Option<Slot>,
}

impl<'a> Edit<'a> {
    fn new(of_key: bool, original: Value<'a>) -> Self {
        Self {
            of_key,
            original,
            key: None,
        }
    }
    fn set(&mut self, r: &mut Record<'_>, at: usize, to: Slot) -> Result<()> {
        if !self.of_key {
            r.set_field_at(&[at], to)?;
            return Ok(());
        }
        let key = match self.key {
            Some(key) => key,
            None => {
                let slots = self.original.reader().slots(self.original.slot())?;
                let slots = slots.iter().collect::<Result<Vec<Slot>, _>>()?;
                *self.key.insert(r.arena().structure(&slots))
            }
        };
        r.arena().set_field(key, at, to);
        Ok(())
    }
    fn finish(self, r: &mut Record<'_>) {
        if let Some(key) = self.key {
            r.set_key(self.original.schema(), key);
        }
    }
}

/// Connect's `Requirements.requireStruct` and `requireMap`.
fn refused(what: &str, found: Value<'_>) -> Error {
    let class = masked::java_class(found.slot().tag);
    Error::record(format!("{what} [mask fields], found: {class}"))
}

export_transform!(MaskField);
