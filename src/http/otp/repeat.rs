//! `Idempotency-Key`: a send that may be repeated.

use actix_web::{HttpResponse, http::StatusCode, http::header};
use tokio::task::JoinError;

use super::VerificationView;
use crate::{
    domain::idempotency::IdempotencyKey,
    http::{
        Api,
        problem::{Problem, REPLAYED},
    },
    store::Caller,
    telemetry::Context,
    verifier::{SendRequest, Sent},
};

/// Sends once, and answers always alike; what is `refused` now begins nothing.
pub(super) async fn send_once(
    api: &Api,
    caller: Caller,
    wanted: SendRequest,
    key: IdempotencyKey,
    refused: Option<Problem>,
) -> Result<HttpResponse, Problem> {
    let (trust, verifier) = (caller.trust, api.verifier.clone());
    let words = move |sent: &Sent| {
        let view = VerificationView::new(&sent.verification, &sent.delivery, trust);
        let body = serde_json::to_string(&view).expect("plain values always serialise");
        (super::send::status_of(sent).as_u16(), body)
    };
    let only_repeats = refused.is_some();
    let sending = async move {
        if only_repeats {
            verifier.repeat(&caller, wanted, &key, words).await
        } else {
            let sent = verifier.send_once(&caller, wanted, &key, words).await;
            sent.map(Some)
        }
    };
    // A task of its own, which a caller who hangs up does not take along: the next one wants the answer.
    let sending = tokio::spawn(Context::current().within(sending)).await;
    let sent = match sending.map_err(JoinError::try_into_panic) {
        Ok(sent) => sent,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The process ends, before its time. A repeat will tell.
        Err(Err(_)) => return Err(Problem::unavailable()),
    };
    let answered = sent.map_err(|refusal| Problem::of(refusal, trust, api.clock.now()))?;
    let answered = match (answered, refused) {
        (Some(answered), _) => answered,
        (None, Some(refused)) => return Err(refused),
        (None, None) => unreachable!("what is not refused is sent"),
    };
    let status = StatusCode::from_u16(answered.status).expect("we answered with it before");
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::LOCATION, format!("/otp/{}", answered.verification)));
    if answered.replayed {
        answer.insert_header((REPLAYED, "true"));
    }
    Ok(answer.content_type("application/json").body(answered.body))
}
