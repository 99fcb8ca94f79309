//! Deliveries of unknown fate: the account that may have one is asked.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use tokio::sync::Mutex;

use super::{Courier, breaker::Purpose, gate::Health, job::Job, shaper::PATIENCE};
use crate::{
    domain::{delivery::Report, phone::PhoneNumber},
    restcomm::{Account, ListedCall, LookUpFailed, Message},
};

/// Clocks of machines differ: a message this much "older" than its hand-off may still be it.
const CLOCK_SLACK: Duration = Duration::from_mins(10);

/// One look-up of a call at a time for each number, until what it found is noted: two calls that look alike must not both
/// be taken for the same.
pub(super) struct Turns([Mutex<()>; 64]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    fn of(&self, number: &PhoneNumber) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        number.expose().hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % 64).unwrap_or(0);
        &self.0[place]
    }
}

impl Courier {
    /// Asks what became of a delivery, and notes it.
    pub(super) async fn find_out(&self, job: &Job) {
        let turn = if job.delivery.channel.is_call() {
            let turn = self.1.turns.of(&job.number).lock();
            // Whoever waits longer comes back, and stands in nobody's way meanwhile.
            tokio::time::timeout(PATIENCE, turn).await.map(Some)
        } else {
            Ok(None)
        };
        let looked_up = match turn {
            Ok(_) => self.look_up(job).await,
            Err(_) => Err(PATIENCE),
        };
        let report = looked_up.unwrap_or_else(|wait| self.put_off(wait));
        self.tell_look_up(&job.delivery, &report);
        self.report(&job.delivery, report).await;
        drop(turn);
    }

    /// Asks the account that may have the message: first by sender, and before it is taken for lost also without, since
    /// Restcomm may write a sender otherwise than it was given, and the configuration may name another by now.
    ///
    /// Where the account cannot be asked just now, tells after how long it may be.
    async fn look_up(&self, job: &Job) -> Result<Report, Duration> {
        let account = job.delivery.account.as_deref();
        let Some(account) = account.and_then(|name| self.0.accounts.get(name)) else {
            return Ok(Report::LookUpFailed);
        };
        for from in [job.sender(account), None] {
            let Ok(sids) = self.find(job, account, from).await? else {
                return Ok(Report::LookUpFailed);
            };
            // What is another delivery's is not this one's: a resend may carry the same code, and calls have none.
            let Ok(taken) = self.taken(job, &sids).await else {
                return Ok(Report::LookUpFailed);
            };
            if let Some(sid) = sids.into_iter().find(|sid| !taken.contains(sid)) {
                let account = account.name().to_owned();
                return Ok(Report::Accepted { account, sid });
            }
        }
        Ok(Report::NotSent)
    }

    /// Those of `sids` that are known to be something else.
    async fn taken(
        &self,
        job: &Job,
        sids: &[String],
    ) -> Result<Vec<String>, crate::store::StoreError> {
        let store = &self.0.store;
        let taken = if job.delivery.channel.is_call() {
            store.calls_among(sids).await
        } else {
            store.sids_to_number_of(job.delivery.verification).await
        };
        taken.inspect_err(|error| store.count_error(error))
    }

    /// The names of what may be this delivery: a message with its code, or a call that was placed since; a flash call from
    /// the number that is its code.
    async fn find(
        &self,
        job: &Job,
        account: &Account,
        from: Option<&str>,
    ) -> Result<Result<Vec<String>, LookUpFailed>, Duration> {
        let gate = self.gate(account);
        let pass = gate.enter(Purpose::LookUp, PATIENCE).await?;
        let (delivery, clock) = (&job.delivery, &self.0.clock);
        let found = if delivery.channel.is_call() {
            let since = delivery.handed_at.unwrap_or(delivery.created_at);
            let calls = account.find_calls(&job.number, from, since, clock).await;
            let is_it = |call: &ListedCall| call.may_be(delivery.channel, &job.code);
            calls.map(|all| {
                let found = all.into_iter().filter(is_it);
                found.map(|call| call.sid).collect()
            })
        } else {
            let since = delivery.created_at.minus(CLOCK_SLACK);
            let messages = account.find_sms(&job.number, from, since, clock).await;
            let is_it = |message: &Message| message.body.contains(job.code.expose());
            messages.map(|all| {
                let found = all.into_iter().filter(is_it);
                found.map(|message| message.sid).collect()
            })
        };
        pass.done(match found {
            Ok(_) => Health::Good,
            Err(LookUpFailed::Down) => Health::Bad,
            Err(LookUpFailed::Unclear) => Health::Silent,
        });
        Ok(found)
    }
}
