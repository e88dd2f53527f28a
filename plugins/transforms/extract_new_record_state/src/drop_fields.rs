//! Fields named in a header are left out of the row and, if configured, of the key.
//!
//! The header holds a list of names. Invariant: without that header nothing is dropped.

use tidegate_sdk::{Record, Result, Slot, Tag};

use crate::reference::basics;

/// `drop.fields.*`
#[derive(Debug)]
pub(crate) struct DropFields {
    pub(crate) header: String,
    pub(crate) from_key: bool,
    /// Only optional fields are dropped.
    pub(crate) keep_compatible: bool,
}

impl DropFields {
    /// The names in the record's header.
    pub(crate) fn names(&self, r: &Record<'_>) -> Result<Vec<String>> {
        let Some(list) = r
            .header(&self.header)?
            .filter(|v| v.slot().tag == Tag::Array)
        else {
            return Ok(Vec::new());
        };
        let texts = list.elements()?.filter_map(|v| v.as_str());
        Ok(texts.map(str::to_owned).collect())
    }

    /// Leaves the named fields out of the key.
    pub(crate) fn shorten_key(&self, r: &mut Record<'_>) -> Result<()> {
        if !self.from_key {
            return Ok(());
        }
        let (names, key) = (self.names(r)?, r.raw_key());
        let Some(schema) = key.schema().filter(|_| key.slot().tag == Tag::Struct) else {
            return Ok(());
        };
        let mut slots: Vec<Slot> = Vec::new();
        let mut new = basics(schema, false);
        new.fields = Vec::new();
        for (i, f) in schema.fields.iter().enumerate() {
            let may = f.schema.is_optional() || !self.keep_compatible;
            if may && names.iter().any(|n| **n == *f.name) {
                continue;
            }
            new = new.field(f.name.clone(), f.schema.schema_id());
            slots.extend(key.field_at(i).map(|v| v.slot()));
        }
        if new.fields.len() < schema.fields.len() {
            let new = r.schemas().intern(new)?;
            let key = r.arena().structure(&slots);
            r.set_key(Some(new), key);
        }
        Ok(())
    }
}
