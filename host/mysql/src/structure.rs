//! The tables as they are at the current position, and what their records look like.
//!
//! It follows DDL through `ddl::apply` and plans a table's records when its first row comes. It stores nothing; the
//! history does. Invariant: a plan never outlives the definition it was made from.

use crate::config::MysqlConfig;
use crate::ddl::{self, DdlError, SchemaChange, Session};
use crate::event::{Fixed, TableEvents};
use crate::table::{TableId, Tables};
use host_core::error::TaskError;
use host_core::schema::SharedSchemas;
use std::collections::HashMap;
use std::sync::Arc;

/// Current definitions and plans.
#[derive(Debug)]
pub(crate) struct Structure {
    /// The definitions.
    pub(crate) tables: Tables,
    plans: HashMap<TableId, Arc<TableEvents>>,
    /// Grows with every statement that changed something; row plans of older versions are stale.
    pub(crate) version: u64,
    config: Arc<MysqlConfig>,
    fixed: Fixed,
    schemas: SharedSchemas,
}

impl Structure {
    /// Nothing known yet.
    pub(crate) fn new(
        tables: Tables,
        config: Arc<MysqlConfig>,
        fixed: Fixed,
        schemas: SharedSchemas,
    ) -> Self {
        Self {
            tables,
            plans: HashMap::new(),
            version: 0,
            config,
            fixed,
            schemas,
        }
    }

    /// Applies a statement; what changed, as Debezium splits it.
    pub(crate) fn apply(
        &mut self,
        sql: &str,
        session: &Session,
    ) -> Result<Vec<SchemaChange>, DdlError> {
        let changes = ddl::apply(sql, session, &mut self.tables)?;
        self.plans.clear();
        self.version += 1;
        Ok(changes)
    }

    /// What a table's records look like; `None` for a table that is not known.
    pub(crate) fn plan(&mut self, id: &TableId) -> Result<Option<Arc<TableEvents>>, TaskError> {
        if let Some(plan) = self.plans.get(id) {
            return Ok(Some(Arc::clone(plan)));
        }
        let Some(table) = self.tables.get(id).cloned() else {
            return Ok(None);
        };
        let plan =
            TableEvents::new(table, &self.config, &self.fixed, &self.schemas).map_err(|e| {
                TaskError::fail("MYSQL-COLUMN", format!("planning the events of {id}: {e}"))
            })?;
        let plan = Arc::new(plan);
        self.plans.insert(id.clone(), Arc::clone(&plan));
        Ok(Some(plan))
    }

    /// Whether a change is shown: with `store.only.captured.*` only what concerns something captured
    /// (`BinlogDatabaseSchema.parseDdl`, `EventDispatcher.dispatchSchemaChangeEvent`).
    pub(crate) fn shows(&self, c: &SchemaChange) -> bool {
        let h = &self.config.history;
        let tables = &self.config.tables;
        let here = c.database.is_empty() || tables.captures_database(&c.database);
        if h.only_captured_databases && !here {
            return false;
        }
        !h.only_captured_tables
            || match (&c.id, &c.source_table) {
                (Some(id), _) => tables.captures(id),
                (None, None) => here,
                // A statement without effect.
                (None, Some(_)) => false,
            }
    }

    /// Whether a change that is shown is also recorded (`BinlogDatabaseSchema.applySchemaChange`).
    pub(crate) fn records(&self, change: &SchemaChange) -> bool {
        let captures = |id: &TableId| self.config.tables.captures(id);
        !self.config.history.only_captured_tables
            || change.id.as_ref().is_some_and(captures)
            || (change.id.is_none() && change.database.is_empty())
    }
}
