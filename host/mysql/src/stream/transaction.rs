//! Transaction metadata: BEGIN and END records, and each event's order.
//!
//! Off unless `provide.transaction.metadata`. Source: `TransactionMonitor`, `TransactionContext`.
//! Invariant: after a restart in the middle of a transaction the counts go on and BEGIN is not sent again.

use crate::ddl::java_set;
use crate::event::{Block, Writer};
use crate::position::{Base, Position, Stored};
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Transactions {
    topic: Option<String>,
    id: Option<Arc<str>>,
    total: u64,
    tables: Vec<(Arc<str>, u64)>,
}

impl Transactions {
    pub(super) fn new(topic: Option<String>, stored: Option<&Stored>) -> Self {
        let tables: Vec<(Arc<str>, u64)> = stored
            .iter()
            .flat_map(|s| s.orders.iter().map(|(t, n)| (t.as_str().into(), *n)))
            .collect();
        Self {
            topic,
            id: stored.and_then(|s| s.transaction_id.as_deref().map(Into::into)),
            total: tables.iter().map(|(_, n)| n).sum(),
            tables,
        }
    }

    /// What the offsets of records made now share.
    pub(super) fn base(&self, position: &Position) -> Base {
        Base {
            transaction_id: self.id.clone().filter(|_| self.topic.is_some()),
            ..position.base(false)
        }
    }

    pub(super) fn begin(
        &mut self,
        writer: &mut Writer,
        position: &Position,
        id: &Arc<str>,
        ts_ns: i64,
    ) {
        let Some(topic) = self.topic.clone() else {
            return;
        };
        if self.id.as_ref() == Some(id) {
            return;
        }
        self.id = Some(Arc::clone(id));
        self.total = 0;
        self.tables.clear();
        writer.at(self.base(position), ts_ns);
        writer.set_orders(None);
        writer.transaction(
            &topic,
            id,
            ts_ns.div_euclid(1_000_000),
            None,
            position.event,
        );
    }

    pub(super) fn end(&mut self, writer: &mut Writer, position: &Position, ts_ns: i64) {
        let (Some(topic), Some(id)) = (self.topic.clone(), self.id.clone()) else {
            return;
        };
        writer.at(self.base(position), ts_ns);
        let tables = in_java_order(&self.tables);
        writer.transaction(
            &topic,
            &id,
            ts_ns.div_euclid(1_000_000),
            Some(&tables),
            position.event,
        );
        writer.set_orders(None);
        self.id = None;
        self.total = 0;
        self.tables.clear();
    }

    /// Counts one change event of a table.
    pub(super) fn count(
        &mut self,
        writer: &mut Writer,
        table: &Arc<str>,
        in_transaction: bool,
    ) -> Option<Block> {
        let id = self
            .id
            .clone()
            .filter(|_| self.topic.is_some() && in_transaction)?;
        self.total += 1;
        let order = match self.tables.iter_mut().find(|(t, _)| t == table) {
            Some((_, n)) => {
                *n += 1;
                *n
            }
            None => {
                self.tables.push((Arc::clone(table), 1));
                1
            }
        };
        writer.set_orders(Some(self.tables.as_slice().into()));
        Some(Block {
            id,
            total_order: self.total,
            order,
        })
    }
}

/// Entries in the order in which a `java.util.HashMap<String, Long>` iterates.
fn in_java_order(tables: &[(Arc<str>, u64)]) -> Vec<(Arc<str>, u64)> {
    let mut buckets = 16usize;
    while tables.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    let mut sorted = tables.to_vec();
    sorted.sort_by_key(|(t, _)| java_set::bucket(t, buckets));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_listed_as_debezium_was_seen_to() {
        let tables: Vec<(Arc<str>, u64)> = vec![("inv.a".into(), 2), ("inv.b".into(), 2)];
        let names: Vec<String> = in_java_order(&tables)
            .iter()
            .map(|(t, _)| t.to_string())
            .collect();
        assert_eq!(names, ["inv.b", "inv.a"]);
    }
}
