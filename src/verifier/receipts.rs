//! What Restcomm reports of messages. It is believed about the message that its token names, and about nothing else: no
//! report approves, extends or revives a verification.

use super::Verifier;
use crate::{
    domain::{
        delivery::{Progress, Receipt, Report},
        id::Id,
        outbox::DeliveryReport,
    },
    restcomm::{CallbackRoute, CallbackToken, Notice},
    store::StoreError,
    telemetry::labels::{Callback, CalledBack},
};

impl Verifier {
    /// The delivery whose callback for text messages this token opens. It costs a keyed hash or three, and no query.
    pub fn called_back(&self, token: &str) -> Option<Id> {
        let delivery = CallbackToken::open(token, CallbackRoute::Sms, &self.0.ring);
        if delivery.is_none() {
            self.count(CalledBack::UnknownToken);
        }
        delivery
    }

    /// Notes what Restcomm reported of a delivery; `None`: it could not be read.
    pub async fn receive(&self, delivery: Id, notice: Option<Notice>) -> Result<(), StoreError> {
        let outcome = match notice {
            Some(notice) => self.note(delivery, notice).await,
            None => Ok(CalledBack::Unreadable),
        };
        self.count(match &outcome {
            Ok(outcome) => *outcome,
            Err(_) => CalledBack::Unavailable,
        });
        outcome.map(|_| ())
    }

    async fn note(&self, id: Id, notice: Notice) -> Result<CalledBack, StoreError> {
        let parts = &*self.0;
        let found = parts.store.delivery(id).await;
        let found = found.inspect_err(|error| parts.store.count_error(error))?;
        let Some(mut delivery) = found else {
            return Ok(CalledBack::Stale);
        };
        let account = match &notice.account_sid {
            None => None,
            Some(sid) => {
                let expected = delivery.account.as_deref();
                let Some(account) = parts.accounts.named_by_restcomm(sid, expected) else {
                    return Ok(CalledBack::Stale);
                };
                Some(account.name().to_owned())
            }
        };
        let receipt = Receipt {
            account,
            sid: notice.sid,
            news: notice.news,
        };
        let report = DeliveryReport {
            delivery: id,
            verification: delivery.verification,
            claim: delivery.claim,
            report: Report::Receipt(receipt),
            jitter: 0,
            charges: Vec::new(),
        };
        // Most callbacks say what is known. States only go forward: what changes nothing now never will.
        let before = delivery.clone();
        let progress = delivery.report(report.claim, &report.report, 0, parts.clock.now());
        let progress = if delivery == before {
            progress
        } else {
            parts.journal.report(report).await?.progress
        };
        Ok(match progress {
            Progress::Sent | Progress::Noted => CalledBack::Accepted,
            Progress::Stale | Progress::NothingSent(_) => CalledBack::Stale,
        })
    }

    fn count(&self, outcome: CalledBack) {
        let callbacks = &self.0.store.metrics().callbacks;
        callbacks.count(Callback::Sms, outcome);
    }
}
