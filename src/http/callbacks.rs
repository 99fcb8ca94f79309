//! What Restcomm calls. The token in the path alone decides; the path is a secret, and stands in no log.
//!
//! By `POST`, or by `GET` with what is told in the query: Restcomm, proxies and redirects move it from one to the other.

use actix_web::{HttpRequest, HttpResponse, http::header::ContentType, web};

use super::{Api, call::read_body, codes::ProblemCode, problem::Problem};
use crate::restcomm::{CallToSpeakOn, CallbackRoute, Notice, rcml};

/// Restcomm repeats the text of the message, twice, and no more than that.
const LONGEST_BODY: usize = 64 * 1024;

/// What became of a text message. Whatever is told is answered with 204: Restcomm would not know what to do about it.
pub(super) async fn sms(
    request: HttpRequest,
    token: web::Path<String>,
    payload: web::Payload,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let read = |texts: &[&[u8]]| Notice::of_form(texts);
    report(CallbackRoute::Sms, read, &request, &token, payload, &api).await
}

/// What became of a call.
pub(super) async fn call(
    request: HttpRequest,
    token: web::Path<String>,
    payload: web::Payload,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let read = |texts: &[&[u8]]| Notice::of_call_form(texts);
    report(CallbackRoute::Call, read, &request, &token, payload, &api).await
}

/// What to say on a call. Always 200, since after 404 Restcomm leaves the line open, and silent.
pub(super) async fn rcml(
    request: HttpRequest,
    token: web::Path<String>,
    payload: web::Payload,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let Some(delivery) = api.verifier.called_back(&token, CallbackRoute::Rcml) else {
        return Ok(markup(rcml::hang_up()));
    };
    let body = read_body(&request, payload.into_inner(), LONGEST_BODY).await?;
    let call = CallToSpeakOn::of_form(&[&body, query(&request)]);
    let said = api.verifier.speak(delivery, call).await?;
    Ok(markup(
        said.as_ref().map_or(rcml::hang_up(), rcml::Rcml::expose),
    ))
}

async fn report(
    route: CallbackRoute,
    read: impl Fn(&[&[u8]]) -> Option<Notice>,
    request: &HttpRequest,
    token: &str,
    payload: web::Payload,
    api: &Api,
) -> Result<HttpResponse, Problem> {
    let delivery = api.verifier.called_back(token, route);
    let delivery = delivery.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    let body = read_body(request, payload.into_inner(), LONGEST_BODY).await?;
    let notice = read(&[&body, query(request)]);
    api.verifier.receive(delivery, route, notice).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn query(request: &HttpRequest) -> &[u8] {
    request.uri().query().unwrap_or_default().as_bytes()
}

fn markup(document: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::xml())
        .body(document.to_owned())
}
