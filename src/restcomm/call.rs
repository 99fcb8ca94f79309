//! Calls: `POST` and `GET …/Calls.json`.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Account, HandedOver, LookUpFailed, Notice, Standing,
    callback::is_name,
    exchange::{PAGE, instant},
};
use crate::domain::{
    clock::{Clock, Timestamp},
    code::Code,
    delivery::Channel,
    phone::PhoneNumber,
};

pub(super) const CALLS: &str = "Calls.json";
/// The machine that answers may not be the one that dates its calls.
const CLOCK_SLACK: Duration = Duration::from_mins(1);

/// A call to be placed.
pub struct Call<'a> {
    pub from: &'a str,
    pub to: &'a PhoneNumber,
    /// What is to be said is asked for here, once somebody has answered. A secret.
    pub rcml: &'a str,
    /// What becomes of the call is told here. A secret.
    pub callback: &'a str,
    /// It rings so long at most.
    pub ring: Duration,
}

/// A call as a list of them shows it.
#[derive(Deserialize)]
pub struct ListedCall {
    pub sid: String,
    #[serde(default)]
    from: String,
    date_created: Option<String>,
}

#[derive(Deserialize)]
struct Resource {
    status: String,
}

#[derive(Deserialize)]
struct List {
    calls: Vec<ListedCall>,
}

impl ListedCall {
    /// Whether it may carry `code`: a flash call comes from the number that ends in it.
    pub fn may_be(&self, channel: Channel, code: &Code) -> bool {
        channel != Channel::Flashcall || self.from.ends_with(code.expose())
    }
}

impl Account {
    /// Has one call placed. Restcomm names four events whatever it is asked for, so it is not asked.
    pub async fn place_call(&self, call: &Call<'_>, clock: &Clock) -> HandedOver {
        let ring = call.ring.as_secs().to_string();
        let form = [
            ("From", call.from),
            ("To", call.to.expose()),
            ("Url", call.rcml),
            ("Method", "POST"),
            ("StatusCallback", call.callback),
            ("StatusCallbackMethod", "POST"),
            ("Timeout", &ring),
        ];
        let mut placed = self.hand_over(&self.new_call, &form, clock).await;
        // Restcomm answers calls with 500 for many reasons that have nothing to do with messages: its extensions deny
        // some, or no way out is set up for any.
        if placed.is_doubtful {
            placed.standing = Standing::Unclear;
        }
        placed
    }

    /// How one call fares, as Restcomm's resource of it says.
    pub async fn ask_call(&self, sid: &str) -> Result<Notice, LookUpFailed> {
        let body = self.ask("Calls", sid).await?;
        let Resource { status } =
            serde_json::from_slice(&body).map_err(|_| LookUpFailed::Unclear)?;
        Notice::of_call(&status).ok_or(LookUpFailed::Unclear)
    }

    /// The calls to `to` from `from` that were placed at `requested_at` or later, by our clock. If there may be more
    /// than the account tells, or one has a name that cannot be one, that is no answer.
    pub async fn find_calls(
        &self,
        to: &PhoneNumber,
        from: Option<&str>,
        requested_at: Timestamp,
        clock: &Clock,
    ) -> Result<Vec<ListedCall>, LookUpFailed> {
        let page = self.list(CALLS, to, from).await?;
        // A call says nothing that would tell it from another one but when it was placed, so that by the account's own
        // clock.
        let since = page.on_their_clock(requested_at, clock).minus(CLOCK_SLACK);
        let list = serde_json::from_slice(&page.body);
        let List { mut calls } = list.map_err(|_| LookUpFailed::Unclear)?;
        let on_page = calls.len();
        calls.retain(|call| {
            let created = call.date_created.as_deref().and_then(instant);
            created.is_none_or(|date| since <= date)
        });
        let are_named = calls.iter().all(|call| is_name(&call.sid));
        if !are_named || PAGE <= calls.len() && calls.len() == on_page {
            return Err(LookUpFailed::Unclear);
        }
        Ok(calls)
    }
}
