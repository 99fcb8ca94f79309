//! Sends that may be repeated, under an `Idempotency-Key`: one message, and always the same answer.

use super::{Refusal, SendRequest, Sent, Verifier, outcomes::begun};
use crate::{
    crypto::UnderEveryKey,
    domain::{
        delivery::DeliveryStatus,
        id::Id,
        idempotency::{Answer, IdempotencyKey, Keep, Known, Once, Place},
        key::Trust,
        language::Language,
        send::SendOutcome,
        verification::Reason,
        wording::Autofill,
    },
    store::{Caller, StoreError},
};

/// The answer to a send that may be repeated.
pub struct Answered {
    pub verification: Id,
    pub status: u16,
    pub body: String,
    /// It was given before.
    pub replayed: bool,
}

impl Verifier {
    /// Like [`Verifier::send`], but only the first send under a key sends anything. What it is answered with, as `words`
    /// puts it, is noted before it is given, and is the answer to every other. Where it cannot be noted, nobody is answered: the
    /// send stands, and a repeat gets its answer.
    ///
    /// Run it to its end even where the caller hangs up: else nobody gets an answer before the wait for Restcomm is over.
    pub async fn send_once(
        &self,
        caller: &Caller,
        request: SendRequest,
        key: &IdempotencyKey,
        words: impl Fn(&Sent) -> (u16, String),
    ) -> Result<Answered, Refusal> {
        let once = self.once(caller, &request, key);
        let (row, respond_async) = (once.row.newest, request.respond_async);
        let (outcome, wait) = self.begin(caller, request, Some(once)).await?;
        if let SendOutcome::Known(known) = outcome {
            return self.again(caller, known, respond_async, words).await;
        }
        let begun = begun(outcome)?;
        let (verification, delivery) = (begun.verification.id, begun.delivery.id);
        let sent = self.finish(caller, begun, wait).await;
        let place = Place { row, delivery };
        let answer = self.keep(place, sent, words).await?;
        Answered::new(verification, answer, false)
    }

    /// Answers a send that is refused now, if it is the repeat of one that was not: what was answered once stays the answer,
    /// whatever the tenant's policy says since.
    pub async fn repeat(
        &self,
        caller: &Caller,
        request: SendRequest,
        key: &IdempotencyKey,
        words: impl Fn(&Sent) -> (u16, String),
    ) -> Result<Option<Answered>, Refusal> {
        let respond_async = request.respond_async;
        let once = Once {
            only_repeats: true,
            ..self.once(caller, &request, key)
        };
        match self.begin(caller, request, Some(once)).await {
            Ok((SendOutcome::Known(known), _)) => self
                .again(caller, known, respond_async, words)
                .await
                .map(Some),
            Ok((SendOutcome::NotKnown, _)) | Err(Refusal::Destination(_)) => Ok(None),
            Ok((other, _)) => Err(begun(other)
                .err()
                .unwrap_or_else(|| unreachable!("it begins nothing"))),
            Err(refusal) => Err(refusal),
        }
    }

    /// Answers a send whose key is known.
    async fn again(
        &self,
        caller: &Caller,
        known: Known,
        respond_async: bool,
        words: impl Fn(&Sent) -> (u16, String),
    ) -> Result<Answered, Refusal> {
        match known {
            Known::InProgress { answered_by } => Err(Refusal::InProgress { answered_by }),
            Known::Mismatch => Err(Refusal::Mismatch),
            Known::Answered {
                verification,
                answer,
            } => Answered::new(verification, answer, true),
            Known::Unanswered {
                verification,
                resent,
                place,
            } => {
                let sent = self.found(caller, verification, place, resent, respond_async);
                let answer = self.keep(place, sent.await, words).await?;
                Answered::new(verification, answer, true)
            }
        }
    }

    /// Notes the answer, and gives the one that counts.
    async fn keep(
        &self,
        place: Place,
        sent: Result<Sent, Refusal>,
        words: impl Fn(&Sent) -> (u16, String),
    ) -> Result<Answer, Refusal> {
        let answer = match sent {
            Ok(sent) => {
                let (status, body) = words(&sent);
                Answer::Given { status, body }
            }
            Err(Refusal::DeliveryRefused { .. }) => Answer::Refused,
            Err(other) => return Err(other),
        };
        let keep = Keep { place, answer };
        // What cannot be noted is not told: a repeat might be told something else.
        let noted = self.0.journal.keep(keep).await;
        Ok(noted.inspect_err(|error| tracing::warn!(%error, "send.answer_not_noted"))?)
    }

    /// How a send stands whose answer nobody has noted.
    async fn found(
        &self,
        caller: &Caller,
        verification: Id,
        place: Place,
        resent: bool,
        respond_async: bool,
    ) -> Result<Sent, Refusal> {
        let gone = || StoreError::Unavailable("a send is deleted, and its key is not".to_owned());
        let snapshot = match self.status(caller, verification).await {
            Err(Refusal::Unknown) => return Err(gone().into()),
            other => other?,
        };
        let mut deliveries = snapshot.deliveries.into_iter();
        let delivery = deliveries.find(|delivery| delivery.id == place.delivery);
        let mut sent = Sent {
            verification: snapshot.verification,
            delivery: delivery.ok_or_else(gone)?,
            resent,
        };
        if respond_async {
            // Its caller was not to be told what became of the hand-off.
            sent.delivery.status = DeliveryStatus::Queued;
        } else if !resent && sent.verification.reason == Some(Reason::DeliveryRefused) {
            return Err(Refusal::DeliveryRefused { replayed: true });
        }
        Ok(sent)
    }

    /// Names a key, and what is asked for under it. Pages are strangers: what they name is not what backends name.
    fn once(&self, caller: &Caller, request: &SendRequest, key: &IdempotencyKey) -> Once {
        let parts = &*self.0;
        let whose: &[u8] = match caller.trust {
            Trust::Full => b"backend",
            Trust::Public => b"page",
        };
        let tenant = caller.tenant.name.as_bytes();
        let now = parts.clock.now();
        Once {
            row: parts
                .ring
                .idempotency_tag(&[b"key", tenant, whose, key.as_bytes()]),
            fingerprint: self.fingerprint(caller, request),
            answer_by: if request.respond_async {
                now
            } else {
                now.plus(parts.wait)
            },
            only_repeats: false,
        }
    }

    /// Of what was read, so that two spellings of one request are the same. A member that is added some day must leave the
    /// fingerprint as it is where the member is absent: the version before is still running beside that one.
    fn fingerprint(&self, caller: &Caller, request: &SendRequest) -> UnderEveryKey<[u8; 32]> {
        let language = request.language.map(Language::as_str);
        let autofill = request.autofill.as_ref().map(Autofill::kept);
        // A page's visitor may come back from another address.
        let client = request.client.filter(|_| caller.trust == Trust::Full);
        let client = client.map(|address| address.to_string());
        let mut parts = vec![
            &b"send"[..],
            request.number.expose().as_bytes(),
            request.channel.as_str().as_bytes(),
            request.purpose.as_bytes(),
            language.unwrap_or_default().as_bytes(),
            autofill.as_deref().unwrap_or_default().as_bytes(),
            client.as_deref().unwrap_or_default().as_bytes(),
            if request.respond_async { b"async" } else { b"" },
        ];
        for (name, value) in &request.metadata {
            parts.extend([name.as_bytes(), value.as_bytes()]);
        }
        self.0.ring.idempotency_tag(&parts)
    }
}

impl Answered {
    fn new(verification: Id, answer: Answer, replayed: bool) -> Result<Self, Refusal> {
        match answer {
            Answer::Given { status, body } => Ok(Self {
                verification,
                status,
                body,
                replayed,
            }),
            Answer::Refused => Err(Refusal::DeliveryRefused { replayed }),
        }
    }
}
