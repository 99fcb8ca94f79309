//! Deliveries that were not confirmed: the tenant's plan goes on to its next step.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio_util::sync::CancellationToken;

use super::Courier;
use crate::{
    domain::{
        code::Code,
        delivery::Delivery,
        fallback::{FallBack, Step},
    },
    store::StoreError,
};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Taken up in one look.
const AT_ONCE: usize = 64;

impl Courier {
    /// Goes on with what is due, until `stop`. Replicas may see the same: it is decided under lock, and happens once.
    pub(super) async fn watch_fallbacks(self, stop: CancellationToken) {
        let watch = async {
            loop {
                let next = self.0.clock.now().plus(LOOK_EVERY);
                if let Err(error) = self.fall_back_where_due().await {
                    self.0.store.count_error(&error);
                    tracing::warn!(%error, "outbox.unreadable");
                }
                self.0.clock.sleep_until(next).await;
            }
        };
        tokio::select! {
            () = watch => {}
            () = stop.cancelled() => {}
        }
    }

    /// All that is due, side by side: where one account fails, many are due at once.
    async fn fall_back_where_due(&self) -> Result<(), StoreError> {
        let parts = &self.0;
        loop {
            let due = parts
                .store
                .fallbacks_due(AT_ONCE, parts.clock.now())
                .await?;
            let decided = try_join_all(due.iter().map(|delivery| self.fall_back(delivery))).await?;
            // What was decided is due no more.
            if decided.len() < AT_ONCE {
                return Ok(());
            }
        }
    }

    async fn fall_back(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let step = self.step_after(delivery).await?;
        let due = FallBack {
            delivery: delivery.id,
            verification: delivery.verification,
            charges: delivery.charges.clone(),
            step,
        };
        self.0.journal.fall_back(due).await?;
        Ok(())
    }

    /// What the plan of the tenant, as it is now, does after `delivery`; `None`: nothing that can be done.
    async fn step_after(&self, delivery: &Delivery) -> Result<Option<Step>, StoreError> {
        let parts = &self.0;
        let Some(tenant) = parts.directory.tenant(&delivery.tenant).await? else {
            return Ok(None);
        };
        let Some((live, number)) = delivery.open(&parts.ring) else {
            return Ok(None);
        };
        let next = delivery.next.map(|next| next.index);
        let policy = &tenant.policy;
        let next = next.and_then(|index| policy.next_step(index, delivery.channel));
        let Some(next) = next else {
            return Ok(None);
        };
        let channel = policy.fallback[usize::from(next.index)].channel;
        let account = parts.accounts.first(channel, policy, &number, &live);
        let next = policy.next_step(next.index + 1, channel);
        let code = Code::generate(policy.code.length, &parts.random);
        Ok(account.map(|account| Step {
            channel,
            account: account.name().to_owned(),
            next,
            code,
            delivery_seed: parts.random.bytes(),
            tenant: tenant.clone(),
        }))
    }
}
