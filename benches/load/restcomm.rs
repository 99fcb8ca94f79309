//! A Restcomm that takes every message at once, the same for the relay and for the service. It remembers the codes it
//! saw, which checks need.

use std::{fmt::Write as _, net::SocketAddr, sync::Mutex};

use actix_web::{App, HttpResponse, HttpServer, http::header::ContentType, web};

use crate::{Outcome, processes::Place};

pub(crate) const SID: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "token-of-the-load-bench-0123456789";
pub(crate) const SENDER: &str = "+13055550100";

/// Digits of numbers and their codes, as they came in.
#[derive(Default)]
struct Seen(Mutex<Vec<(u64, u32)>>);

pub(crate) fn base_url(address: SocketAddr) -> String {
    format!("http://{address}/restcomm/2012-04-24")
}

pub(crate) fn messages_url(address: SocketAddr) -> String {
    format!("{}/Accounts/{SID}/SMS/Messages.json", base_url(address))
}

/// One worker: it shares its processor with the load.
#[actix_web::main]
pub(crate) async fn serve(place: &Place) -> Outcome {
    place.take()?;
    let listener = Place::announce()?;
    let seen = web::Data::new(Seen::default());
    let server = HttpServer::new(move || {
        let messages = format!("/restcomm/2012-04-24/Accounts/{SID}/SMS/Messages.json");
        App::new()
            .app_data(seen.clone())
            .route(&messages, web::post().to(take))
            .route("/codes", web::get().to(tell))
    });
    Ok(server.workers(1).listen(listener)?.run().await?)
}

/// Answers in the shape of the real one, which is 200 and not 201.
async fn take(seen: web::Data<Seen>, form: web::Bytes) -> HttpResponse {
    let Some((number, code)) = read(&form) else {
        return HttpResponse::BadRequest().finish();
    };
    let mut seen = seen.0.lock().expect("nobody panics with the list");
    seen.push((number, code));
    let sid = seen.len();
    drop(seen);
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(format!(
            r#"{{"sid":"SM{sid:032x}","date_created":"Thu, 19 Nov 2015 07:21:35 +0000","date_updated":"Thu, 19 Nov 2015 07:21:35 +0000","account_sid":"{SID}","from":"{SENDER}","to":"+{number}","body":"{code:06} is your code","status":"sending","direction":"outbound-api","price":"0","price_unit":"USD","api_version":"2012-04-24","uri":"/2012-04-24/Accounts/{SID}/SMS/Messages/SM{sid:032x}.json"}}"#
        ))
}

/// Everything seen since the last time, as lines of number and code.
async fn tell(seen: web::Data<Seen>) -> String {
    let seen = std::mem::take(&mut *seen.0.lock().expect("nobody panics with the list"));
    let mut lines = String::with_capacity(seen.len() * 21);
    for (number, code) in seen {
        let _ = writeln!(lines, "{number} {code:06}");
    }
    lines
}

/// The digits behind `To=%2B`, and the six that the text begins with. Both clients write the form in this way.
fn read(form: &[u8]) -> Option<(u64, u32)> {
    let mut fields = form.split(|byte| *byte == b'&');
    let number = fields
        .clone()
        .find_map(|field| field.strip_prefix(b"To=%2B"))?;
    let code = fields
        .find_map(|field| field.strip_prefix(b"Body="))?
        .get(..6)?;
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    let code = std::str::from_utf8(code).ok()?.parse().ok()?;
    Some((number, code))
}
