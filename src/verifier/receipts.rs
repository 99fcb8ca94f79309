//! What Restcomm reports of messages. It is believed about the message that its token names, and about nothing else: no
//! report approves, extends or revives a verification.

use super::Verifier;
use crate::{
    domain::{
        delivery::{Delivery, Progress, Receipt, Report, Stage},
        id::Id,
        outbox::DeliveryReport,
    },
    restcomm::{CallbackRoute, CallbackToken, Notice},
    store::StoreError,
    telemetry::labels::{Callback, CalledBack},
};

impl Verifier {
    /// The delivery whose `route` this token opens. It costs a keyed hash or three, and no query.
    pub fn called_back(&self, token: &str, route: CallbackRoute) -> Option<Id> {
        let delivery = CallbackToken::open(token, route, &self.0.ring);
        if delivery.is_none() {
            self.count(label(route), CalledBack::UnknownToken);
        }
        delivery
    }

    /// Notes what Restcomm reported of a delivery; `None`: it could not be read.
    pub async fn receive(
        &self,
        delivery: Id,
        route: CallbackRoute,
        notice: Option<Notice>,
    ) -> Result<(), StoreError> {
        let outcome = match notice {
            Some(notice) => self.note(delivery, notice).await,
            None => Ok(CalledBack::Unreadable),
        };
        let counted = outcome.as_ref().copied().unwrap_or(CalledBack::Unavailable);
        self.count(label(route), counted);
        outcome.map(|_| ())
    }

    async fn note(&self, id: Id, notice: Notice) -> Result<CalledBack, StoreError> {
        let parts = &*self.0;
        let found = parts.store.delivery(id).await;
        let found = found.inspect_err(|error| parts.store.count_error(error))?;
        let Some(mut delivery) = found else {
            return Ok(CalledBack::Stale);
        };
        if delivery.sealed.is_none() && self.ended_early(&delivery).await? {
            return Ok(CalledBack::Stale);
        }
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

    /// Whether what becomes of a message matters to nobody any more: its verification ended before its time. A hand-off that
    /// is under way then still has to come to its end.
    async fn ended_early(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let store = &self.0.store;
        if delivery.stage != Stage::Done {
            return Ok(false);
        }
        let found = store.verification(delivery.verification).await;
        let found = found.inspect_err(|error| store.count_error(error))?;
        Ok(found.is_none_or(|found| found.ended_early()))
    }

    pub(super) fn count(&self, route: Callback, outcome: CalledBack) {
        self.0.store.metrics().callbacks.count(route, outcome);
    }
}

fn label(route: CallbackRoute) -> Callback {
    match route {
        CallbackRoute::Sms => Callback::Sms,
        CallbackRoute::Call => Callback::Call,
        CallbackRoute::Rcml => Callback::Rcml,
    }
}
