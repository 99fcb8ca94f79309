//! Sending an SMS: reading the form as Restcomm does, and taking the message over.

use actix_web::{HttpResponse, http::StatusCode, web::Bytes};

use super::{
    Simulator,
    answer::{self, Service},
    form::{Form, is_uri},
    json, life,
    message::{Message, Status},
    reply::{self, Format},
    script::SmsFate,
    sid::new_sid,
    xml,
};

/// What resources say where the client names no other.
pub(super) const API_VERSION: &str = "2012-04-24";

pub(super) async fn send(simulator: &Simulator, format: Format, body: &Bytes) -> HttpResponse {
    let draft = match Draft::parse(body) {
        Ok(draft) => draft,
        Err(Fault::Missing(text)) => return reply::text(StatusCode::BAD_REQUEST, format, text),
        Err(Fault::TooLong) => {
            let text = "data exception: string data, right truncation";
            return reply::text(StatusCode::INTERNAL_SERVER_ERROR, format, text);
        }
        Err(Fault::Uncaught) => return reply::container_error(),
    };
    let planned = simulator.state().sends.next();
    let proceed = || accept(simulator, format, draft);
    answer::give(Service::Sms, planned, &simulator.0.clock, format, proceed).await
}

fn accept(simulator: &Simulator, format: Format, draft: Draft) -> HttpResponse {
    let fate = simulator.state().phones.script(&draft.to).sms;
    if fate == SmsFate::Refuse {
        let text =
            "Error type: NOT_A_NUMBER. The string supplied did not seem to be a phone number.";
        return reply::text(StatusCode::BAD_REQUEST, format, text);
    }
    let now = simulator.0.clock.now();
    let message = Message {
        sid: new_sid("SM"),
        created: now,
        updated: now,
        sent: None,
        from: draft.from,
        to: draft.to,
        body: draft.body,
        encoding: draft.encoding,
        status: Status::Sending,
        failure: None,
        api_version: draft.api_version.unwrap_or_else(|| API_VERSION.to_owned()),
        callback: draft.callback,
    };
    let account = simulator.0.account.sid();
    let resource = match format {
        Format::Json => json::message(account, &message),
        Format::Xml => xml::message(account, &message),
    };
    life::begin(simulator, message, fate);
    reply::resource(format, resource)
}

struct Draft {
    from: String,
    to: String,
    body: String,
    encoding: Option<String>,
    callback: Option<String>,
    api_version: Option<String>,
}

enum Fault {
    /// The key of a required parameter is missing; an empty value is fine.
    Missing(&'static str),
    /// Longer than the column of Restcomm's database.
    TooLong,
    /// What Restcomm does not catch: an unknown encoding, a callback that is no URI.
    Uncaught,
}

impl Draft {
    fn parse(body: &Bytes) -> Result<Self, Fault> {
        let form = Form::parse(body).ok_or(Fault::Uncaught)?;
        let first = |key: &str| form.first(key).map(str::to_owned);
        let draft = Self {
            from: first("From").ok_or(Fault::Missing("From can not be null."))?,
            to: first("To").ok_or(Fault::Missing("To can not be null."))?,
            body: first("Body").ok_or(Fault::Missing("Body can not be null."))?,
            encoding: first("Encoding"),
            callback: first("StatusCallback"),
            api_version: first("ApiVersion"),
        };
        if !matches!(
            draft.encoding.as_deref(),
            None | Some("GSM" | "UCS-2" | "UTF-8")
        ) || draft.callback.as_deref().is_some_and(|uri| !is_uri(uri))
        {
            return Err(Fault::Uncaught);
        }
        let fits = |text: &str, column: usize| text.chars().count() <= column;
        if !fits(&draft.from, 255) || !fits(&draft.to, 64) || !fits(&draft.body, 999) {
            return Err(Fault::TooLong);
        }
        Ok(draft)
    }
}
