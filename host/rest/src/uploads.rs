//! How many uploads go on at a time, and how large one may be.
//!
//! An upload is held in memory until it is compiled, so number and size bound that memory; and no tenant may take all
//! places. It knows nothing of what is uploaded. Invariant: a place taken is given back when its guard is dropped.

use crate::error::RestError;
use axum::http::StatusCode;
use host_core::id::TenantId;
use host_runtime::tenant::Quotas;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Uploads of all tenants at a time.
pub(crate) const UPLOADS_MAX: usize = 8;
/// Uploads of one tenant at a time.
pub(crate) const UPLOADS_PER_TENANT_MAX: usize = 2;
/// Bytes of one upload; a tenant's quota may allow less.
const UPLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes that one upload of a tenant with these quotas may have.
pub(crate) fn bytes_max(quotas: &Quotas) -> usize {
    let own = quotas.upload_bytes.map(usize::try_from);
    own.and_then(Result::ok)
        .map_or(UPLOAD_BYTES_MAX, |own| own.min(UPLOAD_BYTES_MAX))
}

/// The places.
#[derive(Debug, Default)]
pub(crate) struct UploadSlots(Mutex<HashMap<TenantId, usize>>);

/// One place taken.
#[derive(Debug)]
pub(crate) struct UploadSlot {
    slots: Arc<UploadSlots>,
    tenant: TenantId,
}

impl UploadSlots {
    /// Takes a place; 429 when there is none.
    pub(crate) fn take(slots: &Arc<Self>, tenant: &TenantId) -> Result<UploadSlot, RestError> {
        let mut taken = slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(tenant).copied().unwrap_or(0);
        if own >= UPLOADS_PER_TENANT_MAX || taken.values().sum::<usize>() >= UPLOADS_MAX {
            return Err(RestError::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "Too many uploads are going on ({own} of this tenant, which may have {UPLOADS_PER_TENANT_MAX}); \
                     try again when they have ended"
                ),
            ));
        }
        taken.insert(tenant.clone(), own + 1);
        Ok(UploadSlot {
            slots: Arc::clone(slots),
            tenant: tenant.clone(),
        })
    }
}

impl Drop for UploadSlot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.tenant) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.tenant)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_lowers_the_hosts_limit_and_never_raises_it() {
        for (quota, expected) in [
            (None, UPLOAD_BYTES_MAX),
            (Some(1000), 1000),
            (Some(0), 0),
            (Some(u64::MAX), UPLOAD_BYTES_MAX),
        ] {
            let quotas = Quotas {
                upload_bytes: quota,
                ..Quotas::default()
            };
            assert_eq!(bytes_max(&quotas), expected, "{quota:?}");
        }
    }

    #[test]
    fn one_tenant_cannot_take_all_places() {
        let slots = Arc::new(UploadSlots::default());
        let tenant = |n: usize| TenantId::new(&format!("t{n}")).unwrap();
        let first = UploadSlots::take(&slots, &tenant(0)).unwrap();
        let mut held = vec![UploadSlots::take(&slots, &tenant(0)).unwrap()];
        let refused = UploadSlots::take(&slots, &tenant(0)).unwrap_err();
        assert_eq!(refused.text().0, 429);
        for n in 2..UPLOADS_MAX {
            held.push(UploadSlots::take(&slots, &tenant(n / 2)).unwrap());
        }
        assert!(UploadSlots::take(&slots, &tenant(99)).is_err());
        drop(first);
        drop(UploadSlots::take(&slots, &tenant(0)).unwrap());
        drop(held);
        assert!(slots.0.lock().unwrap().is_empty());
    }
}
