//! What becomes of messages that Restcomm took: it is told where to report, and asked where it did not.

use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::{Courier, breaker::Purpose, gate::Health};
use crate::{
    domain::{
        delivery::{Channel, Delivery, News, Receipt, Report},
        id::Id,
    },
    restcomm::{Account, CallbackRoute, CallbackToken, LookUpFailed, Notice},
    telemetry::labels::Asked,
};

/// Messages that one process asks for at once, and in one second.
const AT_ONCE: usize = 32;
/// Of what the accounts may be asked in a second, one in so many is such a question at most: the rest is for hand-offs.
const ONE_IN: u32 = 4;
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A question that waits longer for its turn at the account is asked another time. Of the next second it takes no more
/// than its part.
const PATIENCE: Duration = Duration::from_millis(1000 / ONE_IN as u64);

impl Courier {
    /// Where Restcomm calls about a delivery. It is a secret.
    pub(super) fn callback_of(&self, delivery: Id, route: CallbackRoute) -> String {
        CallbackToken::address(delivery, route, &self.0.callback_url, &self.0.ring)
    }

    /// Asks for messages of which nothing was heard, until `stop`. Restcomm never repeats a callback, and makes none at
    /// all for messages that leave it by SIP.
    pub(super) async fn watch_receipts(self, stop: CancellationToken) {
        let watch = async {
            loop {
                let next = self.0.clock.now().plus(ASK_EVERY);
                self.ask_for_some().await;
                self.0.clock.sleep_until(next).await;
            }
        };
        // A question that is broken off is asked again.
        tokio::select! {
            () = watch => {}
            () = stop.cancelled() => {}
        }
    }

    async fn ask_for_some(&self) {
        let parts = &self.0;
        let (op, now) = (parts.random.name(), parts.clock.now());
        match parts.store.claim_asks(self.at_once(), op, now).await {
            Ok(asked) => {
                join_all(asked.iter().map(|delivery| self.ask(delivery))).await;
            }
            Err(error) => {
                parts.store.count_error(&error);
                tracing::warn!(%error, "outbox.unreadable");
            }
        }
    }

    /// How many questions the accounts can be asked in a second without being in the way of a hand-off.
    fn at_once(&self) -> usize {
        let paces = self.0.accounts.iter().map(Account::max_per_second);
        let together = paces.fold(0, u32::saturating_add) / ONE_IN;
        usize::try_from(together).map_or(AT_ONCE, |part| part.clamp(1, AT_ONCE))
    }

    /// One question, through the gate like every other request. `None`: nothing was learnt.
    async fn ask_account(&self, account: &Account, sid: &str, channel: Channel) -> Option<Notice> {
        let pass = self.gate(account).enter(Purpose::Receipt, PATIENCE).await;
        let pass = pass.ok()?;
        let told = match channel {
            Channel::Sms => account.ask_sms(sid).await,
            Channel::Voice | Channel::Flashcall => account.ask_call(sid).await,
        };
        // An account that tells nothing of messages may take them all the same.
        pass.done(match told {
            Ok(_) => Health::Good,
            Err(LookUpFailed::Down | LookUpFailed::Unclear) => Health::Silent,
        });
        told.ok()
    }

    async fn ask(&self, delivery: &Delivery) {
        let parts = &self.0;
        let account = delivery.account.as_deref();
        let account = account.and_then(|name| parts.accounts.get(name));
        let polls = &parts.store.metrics().polls;
        let told = match (account, &delivery.sid) {
            (Some(account), Some(sid)) => self.ask_account(account, sid, delivery.channel).await,
            _ => None,
        };
        let Some(notice) = told else {
            // It is asked again: when, was noted before.
            polls.count(Asked::Failed);
            tracing::warn!(delivery.id = %delivery.id, account = delivery.account, "delivery.not_told");
            return;
        };
        if notice.news == News::OnItsWay {
            polls.count(Asked::Open);
            return;
        }
        polls.count(Asked::Settled);
        let receipt = Receipt {
            account: delivery.account.clone(),
            sid: delivery.sid.clone(),
            news: notice.news,
        };
        let report = self.about(delivery, Report::Receipt(receipt));
        if let Err(error) = parts.journal.report(report).await {
            tracing::warn!(%error, delivery.id = %delivery.id, "delivery.report_lost");
        }
    }
}
