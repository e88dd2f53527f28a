//! Connect schemas of one task, shared between its source, its transforms and its formats.
//!
//! The schema model itself lives in the layout crate, because guests use it too. Invariant: ids only grow while the
//! task lives, so whoever remembers how many it has seen knows which are new.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

pub use tidegate_layout::schema::{
    Field, Schema, SchemaError, SchemaId, SchemaType, Schemas, default_value,
};

/// Bytes of schemas that one task may hold.
pub const SCHEMA_BYTES_MAX: usize = 512 * 1024 * 1024;

/// A handle on a task's schemas; clones share them.
#[derive(Debug, Clone)]
pub struct SharedSchemas(Arc<RwLock<Schemas>>);

impl Default for SharedSchemas {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Schemas::new(SCHEMA_BYTES_MAX))))
    }
}

impl SharedSchemas {
    /// The id of a schema, stored if it is new.
    pub fn intern(&self, schema: Schema) -> Result<SchemaId, SchemaError> {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .intern(schema)
    }
    /// The schema with this id.
    pub fn get(&self, id: SchemaId) -> Option<Arc<Schema>> {
        self.read().get(id).cloned()
    }
    /// Read access to all of them.
    pub fn read(&self) -> RwLockReadGuard<'_, Schemas> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
