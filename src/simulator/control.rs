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
    call: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_times: Option<u32>,
    calls: Counters,
}

pub(super) async fn show_platform(simulator: web::Data<Simulator>) -> HttpResponse {
    let (counters, calls) = (simulator.requests(), simulator.call_requests());
    let state = simulator.state();
    HttpResponse::Ok().json(PlatformView {
        answer: state.sends.answer.to_string(),
        times: state.sends.times,
        lookup: state.lookups.answer.to_string(),
        lookup_times: state.lookups.times,
        counters,
        call: state.placings.answer.to_string(),
        call_times: state.placings.times,
        calls,
    })
}

/// `answer` (for messages), `call` and `lookup` (for both) replace what was scripted before, together with
/// its count.
pub(super) async fn script_platform(
    simulator: web::Data<Simulator>,
    body: web::Bytes,
) -> HttpResponse {
    match read_plans(&body) {
        Ok(plans) => {
            let mut state = simulator.state();
            state.sends = plans.sends.unwrap_or(state.sends);
            state.lookups = plans.lookups.unwrap_or(state.lookups);
            state.placings = plans.placings.unwrap_or(state.placings);
        }
        Err(detail) => return refuse(&detail),
    }
    show_platform(simulator).await
}

struct Plans {
    sends: Option<Plan>,
    lookups: Option<Plan>,
    placings: Option<Plan>,
}

fn read_plans(body: &[u8]) -> Result<Plans, String> {
    let members = object(body)?;
    let allowed = [
        "answer",
        "times",
        "lookup",
        "lookup_times",
        "call",
        "call_times",
    ];
    if members.keys().any(|name| !allowed.contains(&name.as_str())) {
        let allowed =
            "\"answer\", \"times\", \"lookup\", \"lookup_times\", \"call\" and \"call_times\"";
        return Err(format!("the members allowed are {allowed}"));
    }
    let plan = |answer, times| plan(&members, answer, times);
    Ok(Plans {
        sends: plan("answer", "times")?,
        lookups: plan("lookup", "lookup_times")?,
        placings: plan("call", "call_times")?,
    })
}

fn plan(members: &Map<String, Value>, answer: &str, times: &str) -> Result<Option<Plan>, String> {
    let times = members.get(times).map(|value| count(times, value));
    let times = times.transpose()?;
    match members.get(answer) {
        Some(value) => {
            let answer = word(answer, value, Answer::parse, Answer::ALLOWED)?;
            Ok(Some(Plan::new(answer, times)))
        }
        None if times.is_some() => Err(format!("a count needs its \"{answer}\"")),
        None => Ok(None),
    }
}

pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, String> {
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

pub(super) fn refuse(detail: &str) -> HttpResponse {
    let problem =
        json!({ "type": "about:blank", "title": "Bad Request", "status": 400, "detail": detail });
    HttpResponse::BadRequest()
        .content_type("application/problem+json")
        .json(problem)
}
