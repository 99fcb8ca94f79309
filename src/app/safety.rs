//! What must not be, though each setting by itself is fine: the configuration held against the database.

use super::StartError;
use crate::{config::Config, crypto::KeyRing, domain::clock::Timestamp, store::Store};

/// What the configuration alone cannot know to be wrong.
pub(super) async fn refuse_unsafe(
    config: &Config,
    store: &Store,
    ring: &KeyRing,
    now: Timestamp,
) -> Result<(), StartError> {
    let mut faults = Vec::new();
    let stored = store.stored_tenants().await?;
    for tenant in &config.tenants {
        if stored.iter().any(|other| other.name == tenant.name) {
            faults.push(format!(
                "the tenant `{0}` stands in the configuration and in the database; rename or remove [tenants.{0}]",
                tenant.name
            ));
        }
    }
    for tenant in &stored {
        for name in &tenant.policy.accounts {
            if !config.accounts.iter().any(|account| account.name == *name) {
                faults.push(format!(
                    "the tenant `{}` names the account `{name}`, and there is no [[restcomm]] of that name; add it, or \
                     apply the tenant without it",
                    tenant.name
                ));
            }
        }
    }
    let known: Vec<&str> = ring.ids().collect();
    for (id, until) in store.keys_still_needed(&known, now).await? {
        let until = if until == Timestamp::MAX {
            "until an operator unlocks the numbers that are locked under it".to_owned()
        } else {
            format!("until {}", until.rfc3339_not_before())
        };
        faults.push(format!(
            "the root key `{id}` is still needed {until}; put it back at the end of keys.root"
        ));
    }
    // Only a start that nothing else forbids may say what an id means from now on.
    if faults.is_empty() {
        for (id, fingerprint) in ring.fingerprints() {
            if !store.remember_root_key(id, fingerprint).await? {
                faults.push(format!(
                    "the root key `{id}` is not the one that bore this id before; put that one back, and give the new one an \
                     id of its own"
                ));
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(StartError::Unsafe(faults))
    }
}

pub(super) fn several(faults: &[String]) -> String {
    let lines: Vec<_> = faults.iter().map(|fault| format!("  - {fault}")).collect();
    format!("it would not be safe to start:\n{}", lines.join("\n"))
}
