//! The rule book: what happens when somebody wants a code sent, checks one, asks how it stands, or cancels.

mod calls;
mod outcomes;
mod receipts;
mod repeats;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use thiserror::Error;
use tokio::sync::oneshot;

use crate::{
    crypto::KeyRing,
    domain::{
        check::{Check, CheckOutcome, Decoys, Target},
        clock::{Clock, Timestamp},
        code::Code,
        delivery::{Channel, Delivery, DeliveryStatus, Report},
        ending::{Cancel, CancelOutcome},
        failures::Block,
        id::Id,
        idempotency::Once,
        key::Trust,
        language::Language,
        limits::{LimitName, Rate},
        phone::PhoneNumber,
        policy::Policy,
        random::Random,
        send::{Send, SendOutcome},
        verification::{Reason, Verification},
        wording::Autofill,
    },
    guard::{self, DestinationRefused},
    restcomm::Accounts,
    store::{Caller, Directory, Journal, Snapshot, Store, StoreError, channel_label},
    telemetry::labels,
};

use outcomes::{begun, why_ended};

/// For so long a status waits for what was told before it was written.
const ARRIVES_WITHIN: Duration = Duration::from_secs(4);

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Parts>);

pub struct Parts {
    pub store: Store,
    pub journal: Journal,
    pub accounts: Arc<Accounts>,
    pub ring: KeyRing,
    pub clock: Clock,
    pub random: Random,
    /// How long a send waits for Restcomm before it is answered with "queued".
    pub wait: Duration,
    /// Limits on sends to one number, counted over all tenants.
    pub per_number: Vec<Rate>,
    /// For what is said on a call.
    pub directory: Directory,
    /// Where Restcomm reaches this service; no slash at its end.
    pub callback_url: String,
}

/// What a caller asks to be sent.
pub struct SendRequest {
    pub number: PhoneNumber,
    pub channel: Channel,
    pub purpose: String,
    pub metadata: BTreeMap<String, String>,
    /// The language of the message; `None`: the tenant's.
    pub language: Option<Language>,
    /// Who may fill the code in by itself.
    pub autofill: Option<Autofill>,
    /// The end user's address, as far as it is known.
    pub client: Option<IpAddr>,
    /// The caller does not want to wait for Restcomm.
    pub respond_async: bool,
}

/// A code is on its way, or will be.
pub struct Sent {
    pub verification: Verification,
    pub delivery: Delivery,
    /// A pending verification was sent to again; else a new one began.
    pub resent: bool,
}

/// A hand-off that a send waits for.
struct Wait {
    told: oneshot::Receiver<Report>,
    /// `None`: the caller does not want to wait.
    until: Option<Timestamp>,
}

/// Which verification a code is checked against.
pub enum CheckedBy {
    Id(Id),
    /// The youngest of this number and purpose.
    Number {
        number: PhoneNumber,
        purpose: String,
    },
}

/// Why something was not done.
#[derive(Debug, Error)]
pub enum Refusal {
    #[error("the API key was revoked or has expired")]
    KeyRefused,
    #[error("this destination is not allowed")]
    Destination(DestinationRefused),
    #[error("a code was sent too recently")]
    TooSoon {
        id: Id,
        resend_after: Option<Timestamp>,
        expires_at: Timestamp,
        retry_at: Timestamp,
    },
    #[error("a limit on sends is reached")]
    Limited {
        limit: LimitName,
        retry_at: Timestamp,
    },
    #[error("too many wrong codes for this number")]
    Blocked(Block),
    #[error("Restcomm refused the message for good")]
    DeliveryRefused {
        /// It is the answer to an earlier send with the same `Idempotency-Key`.
        replayed: bool,
    },
    #[error("the code is wrong")]
    WrongCode { attempts_left: u8 },
    #[error("no such verification")]
    Unknown,
    #[error("approved before")]
    AlreadyApproved { approved_at: Option<Timestamp> },
    #[error("its time is over")]
    Expired,
    #[error("it was canceled")]
    Canceled,
    #[error("its guesses are spent")]
    MaxAttemptsReached,
    #[error("the guesses at this flash call are spent")]
    CodeSpent,
    #[error("it failed")]
    Failed(Option<Reason>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a key that this needs is missing from the ring")]
    KeyMissing,
    #[error("a send with this idempotency key is waiting for its answer")]
    InProgress {
        /// By then there is one, whoever gives it.
        answered_by: Timestamp,
    },
    #[error("another send has this idempotency key")]
    Mismatch,
}

impl Verifier {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Sends a code: begins a verification, or sends again for a pending one.
    ///
    /// What is answered is durable. Restcomm is given `wait` to take the message; a hand-off that takes longer goes on
    /// without the caller.
    pub async fn send(&self, caller: &Caller, request: SendRequest) -> Result<Sent, Refusal> {
        let (outcome, wait) = self.begin(caller, request, None).await?;
        self.finish(caller, begun(outcome)?, wait).await
    }

    /// Has a send decided. What is not allowed now may still be the repeat of one that was.
    async fn begin(
        &self,
        caller: &Caller,
        request: SendRequest,
        mut once: Option<Once>,
    ) -> Result<(SendOutcome, Wait), Refusal> {
        let parts = &*self.0;
        let policy = &caller.tenant.policy;
        let channel = channel_label(request.channel);
        let sends = &parts.store.metrics().sends;
        let refused = |why| {
            sends.count(channel, labels::Send::Destination);
            Refusal::Destination(why)
        };
        let allowed = self.code_for(&request, policy);
        let why_not = allowed.as_ref().err().copied();
        let (account, code) = match (allowed, &mut once) {
            (Ok(allowed), _) => allowed,
            (Err(why), None) => return Err(refused(why)),
            (Err(_), Some(once)) => {
                once.only_repeats = true;
                ("", Code::generate(policy.code.length, &parts.random))
            }
        };
        let until = (!request.respond_async).then(|| parts.clock.now().plus(parts.wait));
        let (tell, told) = oneshot::channel();
        let [verification_seed, delivery_seed] = parts.random.several();
        let send = Send {
            tenant: caller.tenant.clone(),
            key: caller.key,
            index: parts
                .ring
                .number_index(&caller.tenant.name, request.number.expose()),
            limits: if once.as_ref().is_some_and(|once| once.only_repeats) {
                Vec::new()
            } else {
                guard::limits(
                    caller,
                    &request.number,
                    request.client,
                    &parts.per_number,
                    &parts.ring,
                )
            },
            channel: request.channel,
            purpose: request.purpose,
            metadata: request.metadata,
            language: request.language.unwrap_or(policy.locale),
            autofill: request.autofill,
            code,
            verification_seed,
            delivery_seed,
            account: account.to_owned(),
            number: request.number,
            once,
        };
        let outcome = parts.journal.send(send, until.map(|_| tell)).await?;
        if let (SendOutcome::NotKnown, Some(why)) = (&outcome, why_not) {
            return Err(refused(why));
        }
        Ok((outcome, Wait { told, until }))
    }

    /// Waits for the hand-off of what has begun, and tells how it stands then.
    async fn finish(&self, caller: &Caller, begun: Sent, wait: Wait) -> Result<Sent, Refusal> {
        let Sent {
            mut verification,
            mut delivery,
            resent,
        } = begun;
        // An error means that nobody will tell: the hand-off was put off, or the caller does not want to wait.
        let report = tokio::select! {
            report = wait.told => report.ok(),
            () = self.0.clock.sleep_until(wait.until.unwrap_or_default()), if wait.until.is_some() => None,
        };
        match report {
            Some(Report::Refused) if !resent && delivery.next.is_none() => {
                return Err(Refusal::DeliveryRefused { replayed: false });
            }
            Some(Report::Refused) => {
                // The tenant's plan goes on, or the resend failed, and perhaps the verification with it.
                // What is stored is stored, also where it cannot be read now.
                if let Ok(snapshot) = self.status(caller, verification.id).await {
                    verification = snapshot.verification;
                    delivery = snapshot.deliveries.into_iter().last().unwrap_or(delivery);
                }
            }
            Some(Report::Accepted { .. }) => delivery.status = DeliveryStatus::Sent,
            _ => {}
        }
        Ok(Sent {
            verification,
            delivery,
            resent,
        })
    }

    /// Where it may be sent: the account that is tried first, and the code, should a new one be needed. A flash call's is what
    /// the number ends in that it comes from.
    fn code_for(
        &self,
        request: &SendRequest,
        policy: &Policy,
    ) -> Result<(&str, Code), DestinationRefused> {
        let Parts {
            accounts, random, ..
        } = &*self.0;
        guard::destination(policy, &request.number)?;
        let none = DestinationRefused::NoSender;
        let code = match request.channel {
            Channel::Flashcall => accounts.draw_caller(policy, random).ok_or(none)?,
            Channel::Sms | Channel::Voice => Code::generate(policy.code.length, random),
        };
        let account = accounts.first(request.channel, policy, &request.number, &code);
        Ok((account.ok_or(none)?.name(), code))
    }

    /// Checks a code. Exactly one check of a verification is ever approved.
    pub async fn verify(
        &self,
        caller: &Caller,
        by: CheckedBy,
        code: Code,
    ) -> Result<Verification, Refusal> {
        let target = match by {
            CheckedBy::Id(id) => Target::Id(id),
            CheckedBy::Number { number, purpose } => Target::Number {
                index: self
                    .0
                    .ring
                    .number_index(&caller.tenant.name, number.expose()),
                purpose,
            },
        };
        let uniform = match caller.trust {
            Trust::Full => None,
            Trust::Public => Some(self.decoys(caller, &target)),
        };
        let check = Check {
            uniform,
            tenant: caller.tenant.name.clone(),
            key: caller.key,
            target,
            caller: self.0.accounts.ending_of(&caller.tenant.policy, &code),
            code,
        };
        match self.0.journal.check(check).await? {
            CheckOutcome::Approved(verification) => Ok(*verification),
            CheckOutcome::Wrong { attempts_left } => Err(Refusal::WrongCode { attempts_left }),
            CheckOutcome::Ended(verification) => Err(why_ended(&verification)),
            CheckOutcome::Blocked(block) => Err(Refusal::Blocked(block)),
            CheckOutcome::Unknown => Err(Refusal::Unknown),
            CheckOutcome::CodeSpent => Err(Refusal::CodeSpent),
            CheckOutcome::KeyRefused => Err(Refusal::KeyRefused),
            CheckOutcome::Undecidable => Err(Refusal::KeyMissing),
        }
    }

    /// What a check of `target` touches where it counts nothing.
    fn decoys(&self, caller: &Caller, target: &Target) -> Decoys {
        let parts = &*self.0;
        let seed = match target {
            Target::Id(id) => id.as_bytes(),
            Target::Number { index, .. } => &index.newest[..],
        };
        let (budget, counter) = parts.ring.decoys(&caller.tenant.name, seed);
        Decoys {
            budget,
            counter,
            delivery: Id::new(parts.clock.now(), parts.random.bytes()),
        }
    }

    /// How a verification stands now: never less than a caller of this process was told before.
    pub async fn status(&self, caller: &Caller, id: Id) -> Result<Snapshot, Refusal> {
        let arrived = self.0.journal.arrived(id);
        if tokio::time::timeout(ARRIVES_WITHIN, arrived).await.is_err() {
            let why = "what was told of it is not written yet";
            return Err(StoreError::Unavailable(why.to_owned()).into());
        }
        let found = self.0.store.snapshot(&caller.tenant.name, id).await;
        let found = found.inspect_err(|error| self.0.store.count_error(error))?;
        let mut snapshot = found.ok_or(Refusal::Unknown)?;
        snapshot.verification.settle(self.0.clock.now());
        Ok(snapshot)
    }

    /// Ends a pending verification; saying it twice changes nothing.
    pub async fn cancel(&self, caller: &Caller, id: Id) -> Result<Snapshot, Refusal> {
        let cancel = Cancel {
            tenant: caller.tenant.name.clone(),
            key: caller.key,
            id,
        };
        match self.0.journal.cancel(cancel).await? {
            CancelOutcome::Canceled(_) => self.status(caller, id).await,
            CancelOutcome::Ended(verification) => Err(why_ended(&verification)),
            CancelOutcome::Unknown => Err(Refusal::Unknown),
            CancelOutcome::KeyRefused => Err(Refusal::KeyRefused),
        }
    }
}
