//! The secret part of the addresses that Restcomm calls. Restcomm signs nothing, so who knows the address is believed.
//!
//! A token is the id of its delivery, and a keyed hash of that and of the one route that it opens. So it is recognised,
//! or refused, without asking the database.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    crypto::{KeyRing, equal_in_constant_time},
    domain::id::{ID_LENGTH, Id},
};

/// Bytes of the keyed hash that a token carries.
const TAG_LENGTH: usize = 20;
/// Base64url digits of the whole: 42 bytes leave no digit half used, so that a token has one spelling.
const TEXT_LENGTH: usize = (ID_LENGTH + TAG_LENGTH) / 3 * 4;

/// What Restcomm calls. Each has a token of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackRoute {
    /// What became of a text message.
    Sms,
    /// What became of a call.
    Call,
    /// What to say on a call.
    Rcml,
}

/// Opens one route of one delivery. It cannot be printed.
pub struct CallbackToken(String);

impl CallbackRoute {
    const fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "call",
            Self::Rcml => "rcml",
        }
    }
}

impl CallbackToken {
    /// The token of a delivery, under the newest key.
    pub fn issue(delivery: Id, route: CallbackRoute, ring: &KeyRing) -> Self {
        let tag = ring
            .callback_tag(&[route.name().as_bytes(), delivery.as_bytes()])
            .newest;
        let bytes = [delivery.as_bytes(), &tag[..TAG_LENGTH]].concat();
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The address that Restcomm calls for it, below `base`, which has no slash at its end. A secret.
    pub fn address(delivery: Id, route: CallbackRoute, base: &str, ring: &KeyRing) -> String {
        let token = Self::issue(delivery, route, ring);
        format!("{base}/callbacks/restcomm/{}/{}", token.0, route.name())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The delivery whose `route` this text opens, under any key of the ring.
    pub fn open(text: &str, route: CallbackRoute, ring: &KeyRing) -> Option<Id> {
        if text.len() != TEXT_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, given) = bytes.split_at_checked(ID_LENGTH)?;
        let delivery = Id::from_bytes(id)?;
        let tags = ring.callback_tag(&[route.name().as_bytes(), id]);
        let fits = |tag: &[u8; 32]| equal_in_constant_time(&tag[..TAG_LENGTH], given);
        tags.all().any(fits).then_some(delivery)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        crypto::{ROOT_KEY_LENGTH, RootKey},
        domain::clock::Timestamp,
    };

    const ROUTES: [CallbackRoute; 3] =
        [CallbackRoute::Sms, CallbackRoute::Call, CallbackRoute::Rcml];

    fn ring(keys: &[u8]) -> KeyRing {
        let roots: Vec<RootKey> = keys
            .iter()
            .map(|byte| RootKey {
                id: format!("k{byte}"),
                secret: Zeroizing::new([*byte; ROOT_KEY_LENGTH]),
            })
            .collect();
        KeyRing::new(&roots)
    }

    fn id(byte: u8) -> Id {
        Id::new(Timestamp::from_millis(1_769_860_800_000), [byte; 16])
    }

    #[test]
    fn a_token_opens_its_own_route_of_its_own_delivery() {
        let ring = ring(&[1]);
        for made_for in ROUTES {
            let token = CallbackToken::issue(id(1), made_for, &ring);
            assert_eq!(token.expose().len(), TEXT_LENGTH);
            for route in ROUTES {
                let opened = CallbackToken::open(token.expose(), route, &ring);
                assert_eq!(opened, (route == made_for).then(|| id(1)));
            }
            let foreign = CallbackToken::issue(id(2), made_for, &ring);
            assert_ne!(foreign.expose()[32..], token.expose()[32..]);
        }
    }

    #[test]
    fn a_token_lives_as_long_as_its_key_is_in_the_ring() {
        let route = CallbackRoute::Sms;
        let token = CallbackToken::issue(id(1), route, &ring(&[1]));
        let open = |keys: &[u8]| CallbackToken::open(token.expose(), route, &ring(keys));
        assert_eq!(open(&[2, 1]), Some(id(1)));
        assert_eq!(open(&[3, 2, 1]), Some(id(1)));
        assert_eq!(open(&[2, 3]), None);
    }

    #[test]
    fn a_token_of_which_one_digit_differs_opens_nothing() {
        let ring = ring(&[1]);
        let token = CallbackToken::issue(id(1), CallbackRoute::Sms, &ring);
        for position in 0..TEXT_LENGTH {
            let mut text = token.expose().as_bytes().to_vec();
            text[position] = if text[position] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(text).unwrap();
            assert_eq!(CallbackToken::open(&text, CallbackRoute::Sms, &ring), None);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_token_by_chance(text in ".*", digits in "[A-Za-z0-9_-]{56}") {
            let ring = ring(&[1]);
            prop_assert_eq!(CallbackToken::open(&text, CallbackRoute::Sms, &ring), None);
            prop_assert_eq!(CallbackToken::open(&digits, CallbackRoute::Sms, &ring), None);
        }
    }
}
