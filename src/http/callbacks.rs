//! What Restcomm calls. The token in the path alone decides; the path is a secret, and stands in no log.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Api, call::read_body, codes::ProblemCode, problem::Problem};
use crate::restcomm::Notice;

/// Restcomm repeats the text of the message, twice, and no more than that.
const LONGEST_BODY: usize = 64 * 1024;

/// What became of a text message. By `POST`, or by `GET` with what is told in the query: Restcomm, proxies and redirects
/// move it from one to the other. Whatever is told is answered with 204: Restcomm would not know what to do about it.
pub(super) async fn sms(
    request: HttpRequest,
    token: web::Path<String>,
    payload: web::Payload,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let delivery = api.verifier.called_back(&token);
    let delivery = delivery.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    let body = read_body(&request, payload.into_inner(), LONGEST_BODY).await?;
    let query = request.uri().query().unwrap_or_default();
    let notice = Notice::of_form(&[&body, query.as_bytes()]);
    api.verifier.receive(delivery, notice).await?;
    Ok(HttpResponse::NoContent().finish())
}
