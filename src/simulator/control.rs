//! What Restcomm does not have: looking at a phone, and telling phones and platform what to do.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Counters, Simulator,
    answer::Plan,
    phones::{Item, canonical},
    script::{Answer, CallFate, Script, SmsFate},
};

#[derive(Serialize)]
struct PhoneView<'a> {
    number: &'a str,
    items: Vec<Item>,
}

pub(super) async fn show_phone(
    simulator: web::Data<Simulator>,
    number: web::Path<String>,
) -> HttpResponse {
    HttpResponse::Ok().json(PhoneView {
        number: &canonical(&number),
        items: simulator.inbox(&number),
    })
}

/// Replaces the members that are given; refuses all of them when one is not understood.
pub(super) async fn script_phone(
    simulator: web::Data<Simulator>,
    number: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let mut script = simulator.state().phones.script(&number);
    if let Err(detail) = update_script(&mut script, &body) {
        return refuse(&detail);
    }
    simulator.script(&number, script);
    HttpResponse::Ok()
        .json(json!({ "sms": script.sms.to_string(), "call": script.call.to_string() }))
}

fn update_script(script: &mut Script, body: &[u8]) -> Result<(), String> {
    for (name, value) in object(body)? {
        match name.as_str() {
            "sms" => script.sms = word(&name, &value, SmsFate::parse, SmsFate::ALLOWED)?,
            "call" => script.call = word(&name, &value, CallFate::parse, CallFate::ALLOWED)?,
            _ => return Err("the members allowed are \"sms\" and \"call\"".to_owned()),
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct PlatformView {
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    lookup: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup_times: Option<u32>,
    #[serde(flatten)]
    counters: Counters,
}

pub(super) async fn show_platform(simulator: web::Data<Simulator>) -> HttpResponse {
    let counters = simulator.requests();
    let state = simulator.state();
    HttpResponse::Ok().json(PlatformView {
        answer: state.sends.answer.to_string(),
        times: state.sends.times,
        lookup: state.lookups.answer.to_string(),
        lookup_times: state.lookups.times,
        counters,
    })
}

/// `answer` and `lookup` replace what was scripted before, together with its count.
pub(super) async fn script_platform(
    simulator: web::Data<Simulator>,
    body: web::Bytes,
) -> HttpResponse {
    match read_plans(&body) {
        Ok((sends, lookups)) => {
            let mut state = simulator.state();
            state.sends = sends.unwrap_or(state.sends);
            state.lookups = lookups.unwrap_or(state.lookups);
        }
        Err(detail) => return refuse(&detail),
    }
    show_platform(simulator).await
}

fn read_plans(body: &[u8]) -> Result<(Option<Plan>, Option<Plan>), String> {
    let (mut answer, mut times, mut lookup, mut lookup_times) = (None, None, None, None);
    for (name, value) in object(body)? {
        match name.as_str() {
            "answer" => answer = Some(word(&name, &value, Answer::parse, Answer::ALLOWED)?),
            "times" => times = Some(count(&name, &value)?),
            "lookup" => lookup = Some(word(&name, &value, Answer::parse, Answer::ALLOWED)?),
            "lookup_times" => lookup_times = Some(count(&name, &value)?),
            _ => {
                let allowed = "\"answer\", \"times\", \"lookup\" and \"lookup_times\"";
                return Err(format!("the members allowed are {allowed}"));
            }
        }
    }
    if (answer.is_none() && times.is_some()) || (lookup.is_none() && lookup_times.is_some()) {
        return Err("a count needs its \"answer\" or \"lookup\"".to_owned());
    }
    let plan = |answer: Option<Answer>, times| answer.map(|answer| Plan::new(answer, times));
    Ok((plan(answer, times), plan(lookup, lookup_times)))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(body).map_err(|_| "the body must be one JSON object".to_owned())
}

fn word<T>(
    name: &str,
    value: &Value,
    parse: fn(&str) -> Option<T>,
    allowed: &str,
) -> Result<T, String> {
    let parsed = value.as_str().and_then(parse);
    parsed.ok_or_else(|| format!("\"{name}\" must be {allowed}"))
}

fn count(name: &str, value: &Value) -> Result<u32, String> {
    let parsed = value.as_u64().and_then(|count| u32::try_from(count).ok());
    parsed.ok_or_else(|| format!("\"{name}\" must be a whole number"))
}

fn refuse(detail: &str) -> HttpResponse {
    let problem =
        json!({ "type": "about:blank", "title": "Bad Request", "status": 400, "detail": detail });
    HttpResponse::BadRequest()
        .content_type("application/problem+json")
        .json(problem)
}
