//! Sending an SMS: reading the form as Restcomm does, and taking the message over.

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Bytes, Query},
};

use super::{
    Simulator, answer, json, life,
    message::{self, Message, Status},
    reply::{self, Format},
    script::SmsFate,
    xml,
};

const API_VERSION: &str = "2012-04-24";

pub(super) fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.content_type();
    content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

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
    answer::give(planned, &simulator.0.clock, format, proceed).await
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
        sid: message::new_sid(),
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
        let body = String::from_utf8_lossy(body);
        let form = Query::<Vec<(String, String)>>::from_query(&body);
        let form = form.map_err(|_| Fault::Uncaught)?.into_inner();
        let first = |key: &str| {
            let found = form.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.clone())
        };
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

/// Roughly what `java.net.URI.create` takes: relative references too, but no stray characters.
fn is_uri(text: &str) -> bool {
    let stray = |c: char| c.is_control() || c.is_whitespace() || "\"<>\\^`{|}".contains(c);
    let mut escapes = text.split('%').skip(1);
    !text.contains(stray)
        && escapes.all(|rest| {
            let digits = rest.bytes().take(2).filter(u8::is_ascii_hexdigit);
            digits.count() == 2
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_uri_is_told_from_what_merely_leads_nowhere() {
        for uri in [
            "https://u:p@example.com:8080/a%2Fb?c=d#e",
            "foo",
            "",
            "/a;b",
        ] {
            assert!(is_uri(uri), "{uri}");
        }
        for text in ["http://example.com/a b", "a|b", "%", "%2", "%zz", "<a>"] {
            assert!(!is_uri(text), "{text}");
        }
    }
}
