//! `/connectors/{c}/offsets` (KIP-875): read, alter, reset.
//!
//! Whether a connector is stopped and its offsets make sense is the herder's question. Invariant: an answer names what
//! was done only after it was stored.

use super::Answer;
use crate::access::OfConnector;
use crate::body::Json as Body;
use crate::error::RestError;
use crate::state::RestState;
use axum::Json;
use axum::extract::State;
use host_runtime::herder::entity::ConnectorOffsets;
use serde::Serialize;

/// Connect's `Message`.
#[derive(Debug, Serialize)]
pub(crate) struct Message {
    message: String,
}

/// `GET`.
pub(crate) async fn get(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Answer<ConnectorOffsets> {
    Ok(Json(state.herder.offsets(&id)?))
}

/// `PATCH`: an offset of null takes its partition back to the start.
pub(crate) async fn alter(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
    Body(offsets): Body<ConnectorOffsets>,
) -> Answer<Message> {
    if offsets.offsets.is_empty() {
        return Err(RestError::bad(
            "Partitions / offsets need to be provided for an alter offsets request",
        ));
    }
    let message = state.herder.alter_offsets(&id, offsets).await?;
    Ok(Json(Message { message }))
}

/// `DELETE`.
pub(crate) async fn reset(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Answer<Message> {
    let message = state.herder.reset_offsets(&id).await?;
    Ok(Json(Message { message }))
}
