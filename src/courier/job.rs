//! One delivery on its way: handed over, looked up, or given up.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    Courier,
    breaker::Purpose,
    gate::{Health, Pass, Turn},
    shaper::PATIENCE,
    told::tell_end,
};
use crate::{
    domain::{
        clock::Timestamp,
        code::Code,
        delivery::{
            Cause, Channel, Delivery, GIVE_UP_BEFORE_END, LEASE, LOOK_UP_AFTER, Progress, Report,
            Work,
        },
        outbox::DeliveryReport,
        phone::PhoneNumber,
        policy::Tenant,
    },
    message,
    restcomm::{Account, Call, CallbackRoute, HandOff, HandedOver, Standing},
    store::{Claimed, Started, StoreError},
};

/// A person needs this long to find their phone; then voice mail would answer.
const CALL_RINGS: Duration = Duration::from_secs(30);
/// Long enough to be seen, and too short to be answered by most.
const FLASH_CALL_RINGS: Duration = Duration::from_secs(10);
/// Who came too late to its turn comes back after this.
const AFTER_LATENESS: Duration = Duration::from_millis(500);

/// A delivery with all that is needed to carry it.
pub(super) struct Job {
    pub(super) delivery: Delivery,
    tenant: Arc<Tenant>,
    pub(super) number: PhoneNumber,
    pub(super) code: Code,
    /// Until when no other process takes it.
    lease_end: Timestamp,
}

impl Job {
    /// What the phone shows as the one who writes or calls.
    pub(super) fn sender<'a>(&'a self, account: &'a Account) -> Option<&'a str> {
        let policy = &self.tenant.policy;
        account.sender(self.delivery.channel, policy, &self.number, &self.code)
    }
}

impl Courier {
    /// A delivery that was just committed, already claimed.
    pub(super) async fn start(&self, started: Started) {
        let Started {
            tenant,
            dispatch,
            tell,
            context: _,
        } = started;
        let delivery = *dispatch.delivery;
        let lease_end = delivery.due_at.unwrap_or_default();
        let job = Job {
            delivery,
            tenant,
            number: dispatch.number,
            code: dispatch.code,
            lease_end,
        };
        // Apart from its task, which is moved several times until it runs.
        Box::pin(self.hand_off(job, tell, Turn::Fresh)).await;
    }

    /// A delivery that waited in the outbox.
    pub(super) async fn resume(&self, Claimed { delivery, work }: Claimed) {
        match work {
            Work::Nothing => {}
            Work::GiveUp => {
                self.report(&delivery, Report::NotSent).await;
            }
            Work::HandOff | Work::LookUp => {
                let fallback = if work == Work::HandOff {
                    Report::NotSent
                } else {
                    Report::LookUpFailed
                };
                let Some(job) = self.open(delivery.clone()).await else {
                    // Its key or its tenant is missing: keep trying, somebody may put it back.
                    self.report(&delivery, fallback).await;
                    return;
                };
                if work == Work::HandOff {
                    self.hand_off(job, None, Turn::Returning).await;
                } else {
                    self.find_out(&job).await;
                }
            }
        }
    }

    async fn open(&self, delivery: Delivery) -> Option<Job> {
        let (code, number) = delivery.open(&self.0.ring)?;
        let tenant = self.0.directory.tenant(&delivery.tenant).await.ok()??;
        let lease_end = delivery.due_at?;
        Some(Job {
            delivery,
            tenant,
            number,
            code,
            lease_end,
        })
    }

    /// Tries one account after the other until one takes the message, refuses it, or might have it. An account that
    /// cannot be asked just now is passed over; where none can, the delivery is put off, which is no try.
    async fn hand_off(&self, mut job: Job, tell: Option<oneshot::Sender<Report>>, turn: Turn) {
        let (channel, policy) = (job.delivery.channel, &job.tenant.policy);
        let accounts = &self.0.accounts;
        let accounts: Vec<&Account> = accounts
            .senders(channel, policy, &job.number, &job.code)
            .collect();
        let (mut was_tried, mut soonest) = (false, None::<Duration>);
        for account in accounts {
            let gate = self.gate(account);
            if let Some(wait) = gate.refuses(turn) {
                soonest = Some(soonest.map_or(wait, |other| other.min(wait)));
                continue;
            }
            // Who has it must be durable before it can have it, and nobody may look it up too early.
            if job.delivery.account.as_deref() != Some(account.name()) || self.is_late(&job) {
                let moving = Report::Moving {
                    account: account.name().to_owned(),
                };
                let Some(lease_end) = self.renew(&job.delivery, moving).await else {
                    return;
                };
                job.delivery.account = Some(account.name().to_owned());
                job.lease_end = lease_end;
            }
            let left = self.0.clock.now().plus(LOOK_UP_AFTER).until(job.lease_end);
            let pass = match gate.enter(Purpose::HandOff, left.min(PATIENCE)).await {
                Ok(pass) => pass,
                Err(wait) => {
                    soonest = Some(soonest.map_or(wait, |other| other.min(wait)));
                    continue;
                }
            };
            if self.is_late(&job) {
                // Noting the account took too long, or the clock jumped.
                soonest = Some(AFTER_LATENESS);
                break;
            }
            match self.is_wanted(&job).await {
                Ok(true) => {}
                // Reported as not sent, it ends.
                Ok(false) => {
                    soonest = None;
                    break;
                }
                Err(_) => {
                    soonest = Some(AFTER_LATENESS);
                    break;
                }
            }
            was_tried = true;
            let requested_at = self.0.clock.now();
            let name = account.name().to_owned();
            match self.send(&job, account, pass).await {
                HandOff::Accepted { sid } => {
                    let accepted = Report::Accepted { account: name, sid };
                    // The answer need not wait for this to be durable: losing it costs one look-up. Who asks does.
                    let ride = self.0.journal.ride(job.delivery.verification);
                    tell.map(|tell| tell.send(accepted.clone()));
                    self.report(&job.delivery, accepted).await;
                    drop(ride);
                    return;
                }
                HandOff::Refused => {
                    // Only what is durable may be answered as an end.
                    if self.report(&job.delivery, Report::Refused).await {
                        tell.map(|tell| tell.send(Report::Refused));
                    }
                    return;
                }
                HandOff::Unknown => {
                    self.report(
                        &job.delivery,
                        Report::Unknown {
                            account: name,
                            requested_at,
                        },
                    )
                    .await;
                    return;
                }
                HandOff::NotSent => {}
            }
        }
        let report = match soonest {
            Some(wait) if !was_tried => self.put_off(wait),
            _ => Report::NotSent,
        };
        // Whoever waits need not wait for this to be noted.
        drop(tell);
        self.report(&job.delivery, report).await;
    }

    pub(super) fn put_off(&self, wait: Duration) -> Report {
        let until = self.0.clock.now().plus(wait);
        Report::PutOff { until }
    }

    /// Whether somebody could look a hand-off that begins now up too early. No time-out is longer than that.
    fn is_late(&self, job: &Job) -> bool {
        job.lease_end < self.0.clock.now().plus(LOOK_UP_AFTER)
    }

    /// Whether somebody still waits for the message. The code of a fallback is known to its person already, and may have
    /// been given back while this waited for its turn.
    async fn is_wanted(&self, job: &Job) -> Result<bool, StoreError> {
        if job.delivery.cause != Cause::Fallback {
            return Ok(true);
        }
        let row = self.0.store.delivery(job.delivery.id).await;
        let row = row.inspect_err(|error| self.0.store.count_error(error))?;
        Ok(row.is_some_and(|row| row.sealed.is_some()))
    }

    async fn send(&self, job: &Job, account: &Account, pass: Pass) -> HandOff {
        let Some(from) = job.sender(account) else {
            return HandOff::NotSent;
        };
        let watch = self.0.clock.stopwatch();
        let in_flight = self.0.store.metrics().hand_off();
        let HandedOver {
            outcome, standing, ..
        } = if job.delivery.channel.is_call() {
            self.place_call(job, account, from).await
        } else {
            self.send_sms(job, account, from).await
        };
        drop(in_flight);
        pass.done(match standing {
            Standing::Well => Health::Good,
            Standing::Ill => Health::Bad,
            Standing::Unclear => Health::Silent,
        });
        let (delivery, number) = (&job.delivery, &job.number);
        self.tell_hand_off(delivery, number, account.name(), &outcome, watch.elapsed());
        outcome
    }

    async fn send_sms(&self, job: &Job, account: &Account, from: &str) -> HandedOver {
        let end = job.delivery.give_up_at.plus(GIVE_UP_BEFORE_END);
        let validity = self.0.clock.now().until(end);
        let wording = &job.delivery.wording;
        let text = message::sms(&job.tenant.policy, wording, &job.code, validity);
        let unicode = !message::segments::is_gsm7(&text);
        let callback = self.callback_of(job.delivery.id, CallbackRoute::Sms);
        account
            .send_sms(&job.number, from, &text, unicode, &callback, &self.0.clock)
            .await
    }

    async fn place_call(&self, job: &Job, account: &Account, from: &str) -> HandedOver {
        let id = job.delivery.id;
        let call = Call {
            from,
            to: &job.number,
            rcml: &self.callback_of(id, CallbackRoute::Rcml),
            callback: &self.callback_of(id, CallbackRoute::Call),
            ring: if job.delivery.channel == Channel::Flashcall {
                FLASH_CALL_RINGS
            } else {
                CALL_RINGS
            },
        };
        account.place_call(&call, &self.0.clock).await
    }

    /// Notes what became of a delivery, and tells whether that counts: it is durable, and the delivery was still ours.
    pub(super) async fn report(&self, delivery: &Delivery, report: Report) -> bool {
        match self.0.journal.report(self.about(delivery, report)).await {
            Ok(outcome) => {
                tell_end(delivery, outcome.progress);
                outcome.progress != Progress::Stale
            }
            Err(error) => {
                // The lease will lapse, and whoever claims the delivery then asks Restcomm.
                tracing::warn!(%error, delivery.id = %delivery.id, "delivery.report_lost");
                false
            }
        }
    }

    /// Notes the account that is tried next; gives the new end of the lease, or `None` when the delivery is not ours any more.
    async fn renew(&self, delivery: &Delivery, report: Report) -> Option<Timestamp> {
        let now = self.0.clock.now();
        match self.0.journal.report(self.about(delivery, report)).await {
            Ok(outcome) if outcome.progress == Progress::Noted => Some(now.plus(LEASE)),
            Ok(_) | Err(_) => None,
        }
    }

    pub(super) fn about(&self, delivery: &Delivery, report: Report) -> DeliveryReport {
        DeliveryReport {
            delivery: delivery.id,
            verification: delivery.verification,
            claim: delivery.claim,
            report,
            jitter: u32::try_from(self.0.random.below(1000)).expect("a number below 1000"),
            charges: delivery.charges.clone(),
        }
    }
}
