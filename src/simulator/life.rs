//! What happens to an accepted message afterwards: sent, on the phone, reported.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::{
    Simulator,
    callback::Notice,
    message::{Failure, Message, Status},
    phones::Item,
    script::SmsFate,
};
use crate::domain::clock::Timestamp;

/// After this long the carrier has taken the message.
const SENT_AFTER: Duration = Duration::from_millis(50);
/// The carrier's receipt comes this long after the message reached the phone, or failed to.
const RECEIPT_AFTER: Duration = Duration::from_millis(200);

/// How much the platform learns of what becomes of a message, and tells: it depends on the route that a message takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reports {
    /// By SMPP: the carrier sends receipts, and each is told.
    #[default]
    Told,
    /// The same, but what is told gets lost on its way.
    Lost,
    /// By SIP: that a message was sent is the last that is known, and nothing is told.
    None,
}

/// Stores the message and sets its clock going. What is not delayed is on the phone at once: a handset
/// has the text before the platform has the receipt.
pub(super) fn begin(simulator: &Simulator, message: Message, fate: SmsFate) {
    let born = message.created;
    let sid = message.sid.clone();
    simulator.0.sms.stored.add();
    let mut state = simulator.state();
    if fate == SmsFate::Deliver {
        state.phones.receive(&message.to, item(&message, born));
    }
    state.messages.store(message);
    drop(state);
    let tracker = Tracker {
        simulator: simulator.clone(),
        sid,
        told: None,
    };
    tokio::spawn(tracker.follow(born, fate));
}

fn item(message: &Message, at: Timestamp) -> Item {
    Item::Sms {
        from: message.from.clone(),
        text: message.body.clone(),
        at,
    }
}

struct Tracker {
    simulator: Simulator,
    sid: String,
    /// The previous report, which the next one waits for: Restcomm promises no order, tests like one.
    told: Option<JoinHandle<()>>,
}

impl Tracker {
    /// The instants are fixed at birth, so that a manual clock may be moved before this task first runs.
    async fn follow(mut self, born: Timestamp, fate: SmsFate) {
        let clock = self.simulator.0.clock.clone();
        clock.sleep_until(born.plus(SENT_AFTER)).await;
        self.change(Status::Sent, None);
        match fate {
            SmsFate::Deliver => {
                clock.sleep_until(born.plus(RECEIPT_AFTER)).await;
                self.change(Status::Delivered, None);
            }
            SmsFate::Delay(delay) => {
                clock.sleep_until(born.plus(delay)).await;
                self.arrive();
                clock
                    .sleep_until(born.plus(delay).plus(RECEIPT_AFTER))
                    .await;
                self.change(Status::Delivered, None);
            }
            SmsFate::Undeliver => {
                clock.sleep_until(born.plus(RECEIPT_AFTER)).await;
                self.change(
                    Status::Undelivered,
                    Some(Failure::LandlineOrUnreachableCarrier),
                );
            }
            SmsFate::Lose | SmsFate::Refuse => {}
        }
    }

    fn arrive(&self) {
        let now = self.simulator.0.clock.now();
        let mut state = self.simulator.state();
        if let Some(message) = state.messages.get(&self.sid) {
            let (to, item) = (message.to.clone(), item(message, now));
            state.phones.receive(&to, item);
        }
    }

    fn change(&mut self, status: Status, failure: Option<Failure>) {
        let now = self.simulator.0.clock.now();
        let mut state = self.simulator.state();
        let reports = state.reports;
        if reports == Reports::None && status != Status::Sent {
            return;
        }
        let Some(message) = state.messages.get_mut(&self.sid) else {
            return;
        };
        message.status = status;
        message.failure = failure;
        message.updated = now;
        if status == Status::Sent {
            message.sent = Some(now);
        }
        let notice = Notice::about(message, self.simulator.0.account.sid());
        let Some(notice) = notice.filter(|_| reports == Reports::Told) else {
            return;
        };
        drop(state);
        let http = self.simulator.0.http.clone();
        let previous = self.told.take();
        self.told = Some(tokio::spawn(async move {
            if let Some(previous) = previous {
                // A report that panicked is over too.
                let _ = previous.await;
            }
            notice.post(&http).await;
        }));
    }
}
