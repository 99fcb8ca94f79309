//! Placing a call: reading the form as Restcomm does, and taking the call over.

use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode, web::Bytes};

use super::{Call, CallStatus, json, life, xml};
use crate::simulator::{
    Simulator,
    answer::{self, Service},
    errand::{Address, Method},
    form::{Form, is_uri},
    reply::{self, Format},
    send::API_VERSION,
    sid::new_sid,
};

/// Restcomm's columns for both parties.
const LONGEST_PARTY: usize = 255;
/// For the memory's sake; Restcomm has no such bound.
const LONGEST_ADDRESS: usize = 4096;

pub(in crate::simulator) async fn place(
    simulator: &Simulator,
    format: Format,
    body: &Bytes,
) -> HttpResponse {
    let draft = match Draft::parse(body) {
        Ok(draft) => draft,
        Err(Fault::Missing(text)) => return reply::text(StatusCode::BAD_REQUEST, format, text),
        Err(Fault::TooLong) => {
            let text = "data exception: string data, right truncation";
            return reply::text(StatusCode::INTERNAL_SERVER_ERROR, format, text);
        }
        Err(Fault::Uncaught) => return reply::container_error(),
    };
    let planned = simulator.state().placings.next();
    let proceed = || accept(simulator, format, draft);
    let clock = &simulator.0.clock;
    answer::give(Service::Calls, planned, clock, format, proceed).await
}

fn accept(simulator: &Simulator, format: Format, draft: Draft) -> HttpResponse {
    let now = simulator.0.clock.now();
    let call = Call {
        sid: format!("{}-{}", simulator.0.instance, new_sid("CA")),
        created: now,
        updated: now,
        started: now,
        ended: None,
        from: draft.from,
        to: draft.to,
        status: CallStatus::Queued,
        answered: false,
        duration: None,
        ring_duration: None,
        api_version: draft.api_version.unwrap_or_else(|| API_VERSION.to_owned()),
        rcml: draft.rcml,
        fallback: draft.fallback,
        callback: draft.callback,
        timeout: draft.timeout,
    };
    let account = simulator.0.account.sid();
    let resource = match format {
        Format::Json => json::call(account, &call),
        Format::Xml => xml::placed(account, &call),
    };
    life::begin(simulator, call);
    reply::resource(format, resource)
}

struct Draft {
    from: String,
    to: String,
    rcml: Address,
    fallback: Option<Address>,
    callback: Option<Address>,
    timeout: Duration,
    api_version: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// The key of a required parameter is missing; an empty value is fine.
    Missing(&'static str),
    TooLong,
    /// What Restcomm does not catch: an address that is no URI, a time-out that is no number.
    Uncaught,
}

impl Draft {
    fn parse(body: &Bytes) -> Result<Self, Fault> {
        let form = Form::parse(body).ok_or(Fault::Uncaught)?;
        let method = |key| form.first(key).map(Method::parse).unwrap_or_default();
        let from = form
            .first("From")
            .ok_or(Fault::Missing("From can not be null."))?;
        let to = form
            .first("To")
            .ok_or(Fault::Missing("To can not be null."))?;
        let url = form
            .first("Url")
            .ok_or(Fault::Missing("Url can not be null."))?;
        let fallback = form.first("FallbackUrl");
        if !is_uri(url) || fallback.is_some_and(|url| !is_uri(url)) {
            return Err(Fault::Uncaught);
        }
        // A callback that is no URI is passed over in silence.
        let callback = form.first("StatusCallback").map(str::trim);
        let callback = callback.filter(|url| is_uri(url));
        let timeout = form.first("Timeout").map_or(Ok(60), str::parse::<i32>);
        let timeout = timeout.map_err(|_| Fault::Uncaught)?;
        let address = |url: &str, method| Address {
            url: url.to_owned(),
            method,
        };
        let addresses = [Some(url), fallback, callback];
        let parties = [from, to];
        if parties
            .iter()
            .any(|party| LONGEST_PARTY < party.chars().count())
            || addresses
                .iter()
                .flatten()
                .any(|url| LONGEST_ADDRESS < url.len())
        {
            return Err(Fault::TooLong);
        }
        Ok(Self {
            from: from.trim().to_owned(),
            // What follows a question mark are headers for the far end.
            to: to.split('?').next().unwrap_or_default().trim().to_owned(),
            rcml: address(url, method("Method")),
            fallback: fallback.map(|url| address(url, method("FallbackMethod"))),
            callback: callback.map(|url| address(url, method("StatusCallbackMethod"))),
            timeout: Duration::from_secs(u64::try_from(timeout).unwrap_or(0)),
            api_version: form.first("ApiVersion").map(str::to_owned),
        })
    }
}
