//! What is said on a call that was answered.

use super::Verifier;
use crate::{
    domain::{
        clock::Timestamp,
        delivery::{Channel, Delivery},
        id::Id,
        policy::Tenant,
        speak::{Speak, SpeakOutcome},
        synthesizer::Synthesizer,
    },
    message::speech,
    restcomm::{Account, CallToSpeakOn, CallbackRoute, CallbackToken, rcml},
    store::StoreError,
    telemetry::labels::{Callback, CalledBack},
};

/// The key that asks to hear the code again.
const AGAIN: &str = "1";

impl Verifier {
    /// What Restcomm is to say on the call of a delivery, as RCML; `None`: nothing, it is to hang up.
    pub async fn speak(
        &self,
        delivery: Id,
        call: CallToSpeakOn,
    ) -> Result<Option<rcml::Rcml>, StoreError> {
        let said = self.say(delivery, call).await;
        self.count(
            Callback::Rcml,
            match &said {
                Ok(Some(_)) => CalledBack::Accepted,
                Ok(None) => CalledBack::Stale,
                Err(_) => CalledBack::Unavailable,
            },
        );
        said
    }

    async fn say(&self, id: Id, call: CallToSpeakOn) -> Result<Option<rcml::Rcml>, StoreError> {
        let parts = &*self.0;
        if call.keys.as_deref().is_some_and(|keys| keys != AGAIN) {
            return Ok(None);
        }
        let found = parts.store.delivery(id).await;
        let found = found.inspect_err(|error| parts.store.count_error(error))?;
        let Some(delivery) = found.filter(|found| found.channel.is_call()) else {
            return Ok(None);
        };
        let Some(tenant) = parts.directory.tenant(&delivery.tenant).await? else {
            return Ok(None);
        };
        let engine = self.engine_of(&delivery);
        if delivery.channel == Channel::Flashcall {
            return Ok(thanks(&delivery, &tenant, engine, parts.clock.now()));
        }
        let speak = Speak {
            delivery: id,
            verification: delivery.verification,
            call: call.sid,
            is_answered: call.is_answered,
        };
        let SpeakOutcome::Say {
            code,
            language,
            again,
        } = parts.journal.speak(speak).await?
        else {
            return Ok(None);
        };
        let speech = speech::spoken_code(&tenant.policy, language, &code);
        let address =
            || CallbackToken::address(id, CallbackRoute::Rcml, &parts.callback_url, &parts.ring);
        let again = again.then(address);
        Ok(Some(rcml::code(&speech, engine, again.as_deref())))
    }

    /// The synthesizer of the account that placed the call, as far as that is known.
    fn engine_of(&self, delivery: &Delivery) -> Synthesizer {
        let account = delivery.account.as_deref();
        let account = account.and_then(|name| self.0.accounts.get(name));
        account.map_or(Synthesizer::Any, Account::synthesizer)
    }
}

/// What somebody hears who answers a flash call, as long as it can be one.
fn thanks(
    delivery: &Delivery,
    tenant: &Tenant,
    engine: Synthesizer,
    now: Timestamp,
) -> Option<rcml::Rcml> {
    let is_over = delivery.over_at.is_some() || delivery.give_up_at <= now;
    let speech = speech::flash_call(&tenant.policy, delivery.wording.language);
    (!is_over).then(|| rcml::flash_call(&speech, engine))
}
