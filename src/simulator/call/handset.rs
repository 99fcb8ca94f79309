//! What Restcomm does not have: seeing the call on a phone, and taking it by hand.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{LiveCall, lines::Order};
use crate::simulator::{
    Simulator,
    control::{object, refuse},
    phones::canonical,
};

/// What the owner of a phone does with the call on it.
#[derive(Clone, PartialEq, Eq)]
pub enum Hand {
    Answer,
    Decline,
    HangUp,
    /// Any of `0` to `9`, `*` and `#`.
    Press(String),
}

impl Hand {
    /// Why it could not be done.
    const fn reason(&self) -> &'static str {
        match self {
            Self::Answer | Self::Decline => "this phone does not ring",
            Self::HangUp | Self::Press(_) => "this phone has not taken a call",
        }
    }
}

impl Simulator {
    /// The call that this phone rings for, or that it took.
    pub fn live_call(&self, number: &str) -> Option<LiveCall> {
        self.state().lines.on(&canonical(number))
    }

    /// Gives the reason where there is no such call.
    pub async fn hand(&self, number: &str, hand: Hand) -> Result<(), &'static str> {
        let reason = hand.reason();
        let call = self.live_call(number).ok_or(reason)?;
        let order = match hand {
            Hand::Answer => Order::Answer,
            Hand::Decline => Order::Decline,
            Hand::HangUp => Order::HangUp,
            Hand::Press(keys) => Order::Keys(keys),
        };
        if self.order(&call.sid, order).await {
            Ok(())
        } else {
            Err(reason)
        }
    }

    /// Has a live call follow an order, and tells whether it did, once it has.
    pub(super) async fn order(&self, sid: &str, order: Order) -> bool {
        let Some(orders) = self.state().lines.orders(sid) else {
            return false;
        };
        let (ask, done) = oneshot::channel();
        // What does not reach the call any more was not done.
        orders.send((order, ask)).await.is_ok() && done.await.unwrap_or(false)
    }
}

#[derive(Serialize)]
struct CallView<'a> {
    number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<LiveCall>,
}

pub(in crate::simulator) async fn show(
    simulator: web::Data<Simulator>,
    number: web::Path<String>,
) -> HttpResponse {
    HttpResponse::Ok().json(CallView {
        number: &canonical(&number),
        call: simulator.live_call(&number),
    })
}

pub(in crate::simulator) async fn answer(
    simulator: web::Data<Simulator>,
    number: web::Path<String>,
) -> HttpResponse {
    take(&simulator, &number, Hand::Answer).await
}

pub(in crate::simulator) async fn decline(
    simulator: web::Data<Simulator>,
    number: web::Path<String>,
) -> HttpResponse {
    take(&simulator, &number, Hand::Decline).await
}

pub(in crate::simulator) async fn hang_up(
    simulator: web::Data<Simulator>,
    number: web::Path<String>,
) -> HttpResponse {
    take(&simulator, &number, Hand::HangUp).await
}

pub(in crate::simulator) async fn press(
    simulator: web::Data<Simulator>,
    number: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    match read_keys(&body) {
        Ok(keys) => take(&simulator, &number, Hand::Press(keys)).await,
        Err(detail) => refuse(&detail),
    }
}

async fn take(simulator: &Simulator, number: &str, hand: Hand) -> HttpResponse {
    match simulator.hand(number, hand).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(message) => HttpResponse::Conflict().json(json!({ "message": message })),
    }
}

fn read_keys(body: &[u8]) -> Result<String, String> {
    let members = object(body)?;
    let keys = members.get("keys").and_then(Value::as_str);
    let allowed = |keys: &&str| {
        (1..=32).contains(&keys.len()) && keys.bytes().all(|key| b"0123456789*#".contains(&key))
    };
    match keys.filter(allowed) {
        Some(keys) if members.len() == 1 => Ok(keys.to_owned()),
        _ => Err("the one member is \"keys\": 1 to 32 of 0 to 9, * and #".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_a_phone() {
        assert_eq!(read_keys(br#"{"keys":"12*#"}"#), Ok("12*#".to_owned()));
        let long = format!("{{\"keys\":\"{}\"}}", "1".repeat(33));
        for body in [
            "{}",
            "[]",
            r#"{"keys":""}"#,
            r#"{"keys":"a"}"#,
            r#"{"keys":1}"#,
            &long,
        ] {
            assert!(read_keys(body.as_bytes()).is_err(), "{body}");
        }
    }
}
