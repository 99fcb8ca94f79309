//! Ending a call that is live, as its client.

use actix_web::{HttpResponse, http::StatusCode, web::Bytes};

use super::{json, lines::Order, xml};
use crate::simulator::{
    Simulator,
    form::Form,
    reply::{self, Format},
};

/// The answer shows the call as it was before.
pub(in crate::simulator) async fn modify(
    simulator: &Simulator,
    format: Format,
    sid: &str,
    body: &Bytes,
) -> HttpResponse {
    if !is_sid(sid) {
        return reply::empty(StatusCode::BAD_REQUEST);
    }
    let Some(call) = simulator.state().calls.get(sid).cloned() else {
        return reply::empty(StatusCode::NOT_ACCEPTABLE);
    };
    if !simulator.state().lines.is_live(sid) {
        return reply::text(StatusCode::GONE, format, "Call is already completed.");
    }
    let form = Form::parse(body);
    let status = form.as_ref().and_then(|form| form.first("Status"));
    let order = status.and_then(|status| match status.to_ascii_lowercase().as_str() {
        "canceled" => Some(Order::Cancel),
        "completed" => Some(Order::Complete),
        _ => None,
    });
    if let Some(order) = order {
        // Whether it was in time is not told.
        simulator.order(sid, order).await;
    }
    let account = simulator.0.account.sid();
    match format {
        Format::Json => reply::resource(format, json::call(account, &call)),
        Format::Xml => reply::resource(format, xml::call(account, &call)),
    }
}

/// Those of calls, old ones included.
pub(super) fn is_sid(text: &str) -> bool {
    let part =
        |text: &str| text.len() == 34 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match text.split_once('-') {
        Some((instance, call)) => part(instance) && part(call),
        None => part(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_are_told_from_other_words() {
        let (instance, call) = (format!("ID{:032}", 1), format!("CA{:032}", 2));
        assert!(is_sid(&format!("{instance}-{call}")));
        assert!(is_sid(&call));
        assert!(!is_sid("CA1"));
        assert!(!is_sid(&format!("{instance}-CA1")));
    }
}
