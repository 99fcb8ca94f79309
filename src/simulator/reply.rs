//! Answers as Restcomm words them: bare texts, empty bodies, the container's own pages.

use std::io;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{ACCEPT, ALLOW, WWW_AUTHENTICATE},
    },
    web::Bytes,
};
use futures_util::stream;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

impl Format {
    /// A `.json` anywhere in the path decides, then an `Accept` that contains the word; else XML.
    pub(super) fn negotiate(request: &HttpRequest, dot_json: bool) -> Self {
        let accept = request.headers().get(ACCEPT);
        let accepted = accept.and_then(|value| value.to_str().ok());
        if dot_json || accepted.is_some_and(|accept| accept.contains("json")) {
            Self::Json
        } else {
            Self::Xml
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }
}

pub(super) fn resource(format: Format, body: String) -> HttpResponse {
    text(StatusCode::OK, format, body)
}

/// Restcomm's error texts are plain, whatever the content type says.
pub(super) fn text(status: StatusCode, format: Format, body: impl Into<String>) -> HttpResponse {
    let body: String = body.into();
    HttpResponse::build(status)
        .content_type(format.content_type())
        .body(body)
}

pub(super) fn empty(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status).finish()
}

pub(super) fn unauthorized() -> HttpResponse {
    HttpResponse::Unauthorized()
        .insert_header((WWW_AUTHENTICATE, "Basic realm=\"Restcomm realm\""))
        .finish()
}

pub(super) fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header((ALLOW, allowed))
        .finish()
}

pub(super) fn bad_sort(format: Format, reason: &str) -> HttpResponse {
    let message = format!("Error parsing the SortBy parameter: {reason}");
    let body = match format {
        Format::Json => format!("{{\"message\":\"{message}\"}}"),
        Format::Xml => {
            format!("<RestcommResponse><Message>{message}</Message></RestcommResponse>")
        }
    };
    text(StatusCode::BAD_REQUEST, format, body)
}

/// What an extension answers that limits sending. The misspelling is Restcomm's.
pub(super) fn limit_exceeded(format: Format) -> HttpResponse {
    let body = match format {
        Format::Json => {
            "{\"message\":\"Now allowed to create SmsSession\",\n\"error\":\"SMS_LIMIT_EXCEEDED\"}"
        }
        Format::Xml => {
            "<RestcommResponse><Message>Now allowed to create SmsSession</Message>\
             <Error>SMS_LIMIT_EXCEEDED</Error></RestcommResponse>"
        }
    };
    text(StatusCode::FORBIDDEN, format, body)
}

/// An uncaught exception ends in the servlet container's page.
pub(super) fn container_error() -> HttpResponse {
    web_page(StatusCode::INTERNAL_SERVER_ERROR, "HTTP Status 500")
}

pub(super) fn web_page(status: StatusCode, title: &str) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html;charset=utf-8")
        .body(format!(
            "<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        ))
}

/// A success of which only the first bytes make sense.
pub(super) fn cut_short(format: Format) -> HttpResponse {
    resource(format, "{\n  \"sid\": \"".to_owned())
}

/// No answer at all. The body fails before its head has been flushed, so actix-web drops the connection
/// without having written a byte (and logs "Response payload stream error").
pub(super) fn none() -> HttpResponse {
    let failure = io::Error::new(io::ErrorKind::ConnectionAborted, "scripted to close");
    HttpResponse::Ok().streaming(stream::iter([Err::<Bytes, _>(failure)]))
}
