//! Looking up one call, or a list of them.

use actix_web::{HttpResponse, http::StatusCode};

use super::{json, modify::is_sid, xml};
use crate::simulator::{
    Simulator,
    answer::{self, Service},
    api::refuse_list,
    listing::{Listing, Table},
    reply::{self, Format},
    send::API_VERSION,
};

pub(in crate::simulator) async fn look_up(
    simulator: &Simulator,
    format: Format,
    sid: &str,
) -> HttpResponse {
    let planned = simulator.state().lookups.next();
    let proceed = || {
        if !is_sid(sid) {
            return reply::container_error();
        }
        let Some(call) = simulator.state().calls.get(sid).cloned() else {
            return reply::empty(StatusCode::NOT_FOUND);
        };
        let account = simulator.0.account.sid();
        match format {
            Format::Json => reply::resource(format, json::call(account, &call)),
            Format::Xml => reply::resource(format, xml::call(account, &call)),
        }
    };
    let clock = &simulator.0.clock;
    answer::give(Service::Calls, planned, clock, format, proceed).await
}

pub(in crate::simulator) async fn list(
    simulator: &Simulator,
    format: Format,
    query: &str,
) -> HttpResponse {
    let planned = simulator.state().lookups.next();
    let proceed = || {
        let page = match Listing::page(query, Table::Calls, &simulator.state().calls) {
            Ok(page) if !page.is_short() => page,
            // For both formats, since the XML of calls says where the next page is, too.
            Ok(_) => return reply::container_error(),
            Err(fault) => return refuse_list(&fault, format),
        };
        let account = simulator.0.account.sid();
        let path = format!("/{API_VERSION}/Accounts/{account}/Calls");
        match format {
            Format::Json => reply::resource(format, json::list(account, &path, &page)),
            Format::Xml => reply::resource(format, xml::list(account, &path, &page)),
        }
    };
    let clock = &simulator.0.clock;
    answer::give(Service::Calls, planned, clock, format, proceed).await
}
