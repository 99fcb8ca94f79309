//! Deliveries that were not confirmed: the tenant's plan goes on to its next step.

use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::Courier;
use crate::{
    domain::{
        code::Code,
        delivery::Delivery,
        fallback::{Due, FallBack, Step},
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
            // What cannot be decided holds up nothing else.
            let decided = join_all(due.iter().map(|delivery| self.fall_back(delivery))).await;
            let mut failed = decided.into_iter().filter_map(Result::err);
            if let Some(error) = failed.next() {
                return Err(error);
            }
            // What was decided is due no more.
            if due.len() < AT_ONCE {
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

    /// What the plan of the tenant, as it is now, does after `delivery`; a step that no
    /// account can take is left out.
    async fn step_after(&self, delivery: &Delivery) -> Result<Due, StoreError> {
        let parts = &self.0;
        let Some(tenant) = parts.directory.tenant(&delivery.tenant).await? else {
            return Ok(Due::Unknown);
        };
        let Some((live, number)) = delivery.open(&parts.ring) else {
            return Ok(Due::Unknown);
        };
        let policy = &tenant.policy;
        let mut index = delivery.next.map(|next| next.index);
        while let Some(step) = index.and_then(|index| policy.next_step(index, delivery.channel)) {
            let channel = policy.fallback[usize::from(step.index)].channel;
            if let Some(account) = parts.accounts.first(channel, policy, &number, &live) {
                return Ok(Due::Step(Box::new(Step {
                    channel,
                    account: account.name().to_owned(),
                    next: policy.next_step(step.index + 1, channel),
                    code: Code::generate(policy.code.length, &parts.random),
                    delivery_seed: parts.random.bytes(),
                    tenant: tenant.clone(),
                })));
            }
            index = Some(step.index + 1);
        }
        Ok(Due::Nothing)
    }
}
