//! Looking at and changing stored offsets (KIP-875).
//!
//! Only a stopped connector's offsets may be changed, so that no task writes over them. Invariant: either all partitions
//! of a request are changed or none.

use super::entity::*;
use super::{Answer, Herder, HerderError, classes, internal};
use host_core::id::ConnectorId;
use host_core::offset::{Offset, SourcePartition};

const NOT_STOPPED: &str = "Connectors must be in the STOPPED state before their offsets can be modified. This can be done \
                           for the specified connector by issuing a 'PUT' request to the '/connectors/";

impl Herder {
    pub(super) fn offsets(&self, id: &ConnectorId) -> Answer<ConnectorOffsets> {
        self.stored(id)?;
        let all = self.stores()?.offsets.get(id).into_iter();
        let offsets = all.map(|(p, o)| PartitionOffset {
            partition: p.0,
            offset: Some(o.0),
        });
        Ok(ConnectorOffsets {
            offsets: offsets.collect(),
        })
    }

    fn check_stopped(&self, id: &ConnectorId) -> Answer<()> {
        let target = self.stored(id)?.target;
        let shown = self.stores()?.statuses.connector(id).map(|s| s.state);
        if target == TargetState::Stopped && shown == Some(State::Stopped) {
            return Ok(());
        }
        Err(HerderError::bad(format!(
            "{NOT_STOPPED}{}/stop' endpoint",
            id.name
        )))
    }

    pub(super) async fn alter_offsets(
        &self,
        id: &ConnectorId,
        offsets: ConnectorOffsets,
    ) -> Answer<String> {
        if offsets.offsets.is_empty() {
            return Err(HerderError::bad(
                "Partitions / offsets need to be provided for an alter offsets request",
            ));
        }
        self.check_stopped(id)?;
        let config = self.stored(id)?.config;
        let class = config.get("connector.class").unwrap_or_default();
        let kind = classes::find(&self.kinds, class)
            .ok_or_else(|| HerderError::bad(classes::not_found(&self.kinds, class)))?;
        for o in &offsets.offsets {
            kind.check_offset(&o.partition, o.offset.as_ref())
                .map_err(HerderError::bad)?;
        }
        let entries: Vec<_> = offsets
            .offsets
            .into_iter()
            .map(|o| (SourcePartition(o.partition), o.offset.map(Offset)))
            .collect();
        self.stores()?
            .offsets
            .commit(id, &entries)
            .await
            .map_err(|e| internal(&e))?;
        Ok(done("altered"))
    }

    pub(super) async fn reset_offsets(&self, id: &ConnectorId) -> Answer<String> {
        self.check_stopped(id)?;
        let stores = self.stores()?;
        let entries: Vec<_> = stores
            .offsets
            .get(id)
            .into_iter()
            .map(|(p, _)| (p, None))
            .collect();
        stores
            .offsets
            .commit(id, &entries)
            .await
            .map_err(|e| internal(&e))?;
        Ok(done("reset"))
    }
}

fn done(what: &str) -> String {
    format!(
        "The Connect framework-managed offsets for this connector have been {what} successfully. However, if this \
         connector manages offsets externally, they will need to be manually {what} in the system that the connector \
         uses."
    )
}
