//! `POST /otp/send`

use std::{collections::BTreeMap, net::IpAddr};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web,
};
use utoipa::ToSchema;

use super::{
    DEFAULT_PURPOSE, FieldResult, VerificationView,
    autofill::{self, AutofillBody},
    examples, number, purpose, repeat, words,
};
use crate::{
    domain::{
        delivery::{Channel, DeliveryStatus},
        key::{Scope, Trust},
        language::{Language, MalformedTag},
        phone::PhoneNumber,
        policy::Policy,
        wording::Autofill,
    },
    http::{
        Api,
        call::{Body, Call},
        client_address,
        codes::ProblemCode,
        json::Members,
        openapi::Refusals,
        problem::{FieldCode, Problem},
    },
    store::Caller,
    verifier::{SendRequest, Sent},
};

pub(super) const MOST_METADATA: usize = 10;
pub(super) const LONGEST_METADATA: usize = 128;
/// Longer than any tag of use; RFC 5646 asks for room for 35.
const LONGEST_LOCALE: usize = 64;

/// Whom to send a code to, and what for.
#[derive(ToSchema)]
#[schema(as = Send)]
#[expect(
    dead_code,
    reason = "the document is made of it; members are read one by one, to name every fault"
)]
pub(in crate::http) struct SendBody {
    /// The number in E.164, with its `+` and calling code: the country is never guessed. ASCII spaces, `-`, `.`, `(` and
    /// `)` are dropped.
    #[schema(example = "+351 912 345 678", max_length = 32)]
    to: String,
    /// How the code is sent, one of the tenant's `channels`; `sms` where this is absent.
    #[schema(nullable = false, value_type = Option<words::Channel>)]
    channel: Option<String>,
    /// What the code is for; `login` where this is absent. A code never crosses purposes.
    #[schema(
        nullable = false,
        pattern = "^[a-z][a-z0-9_-]{0,31}$",
        example = "login"
    )]
    purpose: Option<String>,
    /// The language of the message, a tag of BCP 47. Of a tag such as `pt-BR` the language counts; where there are no texts
    /// in it, the tenant's `locale` does. There are texts in en, pt, es, fr, de, it, ar, hi, ja and zh.
    #[schema(nullable = false, example = "pt-BR", max_length = 64)]
    locale: Option<String>,
    #[schema(nullable = false)]
    autofill: Option<AutofillBody>,
    #[schema(schema_with = words::metadata, required = false)]
    metadata: Option<BTreeMap<String, String>>,
    /// The address of the end user, IPv4 or IPv6, for the limit `per_ip`. Secret keys only: with a publishable key the
    /// address is that of the caller.
    #[schema(nullable = false, example = "203.0.113.7", max_length = 45)]
    client_ip: Option<String>,
}

/// The body, read.
pub(in crate::http) struct Request {
    number: PhoneNumber,
    channel: Channel,
    purpose: String,
    /// The language wished for, if there are texts in it.
    language: Option<Language>,
    autofill: Option<Autofill>,
    metadata: BTreeMap<String, String>,
    client: Option<IpAddr>,
    /// What the tenant's policy says against it now: only a repeat of what it allowed before is answered. Never there
    /// without an `Idempotency-Key`.
    refused: Option<Problem>,
}

impl Body for Request {
    const SCOPE: Scope = Scope::Send;
    const EXPECTED: bool = true;
    const REFUSALS: &'static [ProblemCode] = &[
        ProblemCode::DestinationNotAllowed,
        ProblemCode::IdempotencyInProgress,
        ProblemCode::IdempotencyMismatch,
        ProblemCode::DeliveryRefused,
        ProblemCode::ResendTooSoon,
        ProblemCode::RateLimited,
        ProblemCode::TooManyAttempts,
    ];
    const FOR_PAGES: bool = true;
    const MAY_BE_REPEATED: bool = true;

    fn read(mut members: Members, caller: &Caller) -> Result<Self, Problem> {
        let policy = &caller.tenant.policy;
        let number = members.required("to", number);
        let channel = if members.has("channel") {
            members.optional("channel", channel)
        } else {
            Some(Channel::Sms)
        };
        if let Some(channel) = channel.filter(|channel| !policy.channels.contains(channel)) {
            members.against_policy("channel", not_allowed(channel, policy));
        }
        let has_purpose = members.has("purpose");
        let purpose = members.optional("purpose", purpose);
        let locale = members.optional("locale", locale);
        let autofill = autofill::read(&mut members, policy);
        let metadata = members.strings("metadata", MOST_METADATA, LONGEST_METADATA);
        let client = match caller.trust {
            Trust::Full => members.optional("client_ip", address),
            Trust::Public => members.not_allowed("client_ip", "is for secret keys only"),
        };
        // A member that is there and was not read is a fault, which `finish` tells.
        let purpose = if has_purpose {
            purpose
        } else {
            Some(DEFAULT_PURPOSE.to_owned())
        };
        let read = number.zip(channel).zip(purpose);
        let (((number, channel), purpose), refused) = members.finish_but_for_policy(read)?;
        Ok(Self {
            number,
            channel,
            purpose,
            language: locale.flatten(),
            autofill,
            metadata,
            client,
            refused,
        })
    }
}

/// A tag of BCP 47; well-formed ones of other languages are none of ours, and no fault.
fn locale(text: &str) -> FieldResult<Option<Language>> {
    if LONGEST_LOCALE < text.len() {
        let detail = format!("must have at most {LONGEST_LOCALE} characters");
        return Err((FieldCode::TooLong, detail));
    }
    Language::look_up(text).map_err(|MalformedTag| {
        let detail = "must be a language tag, such as pt-BR";
        (FieldCode::Invalid, detail.to_owned())
    })
}

/// An address without a port or a zone. IPv4 written as IPv6 is IPv4.
fn address(text: &str) -> FieldResult<IpAddr> {
    let address = text.parse::<IpAddr>().map(|address| address.to_canonical());
    address.map_err(|_| {
        (
            FieldCode::Invalid,
            "must be an IPv4 or IPv6 address".to_owned(),
        )
    })
}

fn channel(word: &str) -> FieldResult<Channel> {
    Channel::parse(word).ok_or_else(|| {
        let detail = format!("must be one of {}", Channel::WORDS.join(", "));
        (FieldCode::Invalid, detail)
    })
}

fn not_allowed(channel: Channel, policy: &Policy) -> String {
    let channels: Vec<&str> = policy.channels.iter().map(|own| own.as_str()).collect();
    format!(
        "is {}, which is not among the tenant's channels: {}",
        channel.as_str(),
        channels.join(", ")
    )
}

/// Sends a code to a phone: begins a verification, or sends again for a pending one.
///
/// A send for the same number and purpose while a verification is pending is a resend: same id, same expiry, same
/// guesses, after a cool-down of 30, 60, 120, … seconds. With less than 60 seconds of life left, a new verification
/// begins instead. A resend makes a new code, and the old one is dead at once, unless the tenant's policy says `same`.
/// The first change to a channel that the verification was not sent over before need not wait for the cool-down.
///
/// A flash call (`flashcall`) rings and is not to be answered: its code is the last four digits of the number that calls,
/// or the whole number, and two guesses are allowed while it is the live one. Its worth is log2 of how many numbers the
/// account calls from, so 6.6 bits for 100 of them.
///
/// Where a delivery is not confirmed, the tenant's plan (`fallback`) may send the same code over another channel by
/// itself; `deliveries` of the status then shows it with the cause `fallback`. With such a plan a refused message does not
/// fail the verification.
///
/// What is answered with a 2xx is stored, and survives a crash. With `503 unavailable` nothing is stored and nothing will
/// be sent; only under an `Idempotency-Key` it may be, and its repeat is told how it went. A send that led to no message
/// counts against no limit. Scope: `send`.
#[utoipa::path(post, path = "/otp/send", tag = "otp", operation_id = "sendCode", security(("key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A name for this send in double quotes, such \
        as `\"8e03978e-40d5-43dd-bc93-6894a57f9324\"`: 1 to 255 visible ASCII characters and spaces \
        (draft-ietf-httpapi-idempotency-key-header). It lets a call be repeated when its answer was lost: only one message \
        is sent, and the answer is the same again, with `Idempotent-Replayed: true`. While the first is waiting for \
        Restcomm, a repeat is refused with `idempotency_in_progress`; another request under the same key, or the same \
        with another `Prefer`, with `idempotency_mismatch`. A key holds within its tenant, for secret and publishable \
        keys apart, on all replicas and over restarts, for 24 hours, or for the tenant's `retention` if that is shorter, also \
        where the tenant's policy would not allow the send any more. \
        What was refused, but for `delivery_refused`, stored nothing, and its key can be used again."),
        ("Prefer" = Option<String>, Header, nullable = false, description = "With `respond-async`, the answer does not wait for \
        Restcomm to take the message (RFC 7240). Other preferences are ignored.")),
    request_body(content = SendBody, content_type = "application/json", description = "Whom to send a code to.",
        examples(
            ("login" = (summary = "The least that is needed", value = json!({"to": "+351912345678"}))),
            ("signup" = (summary = "Everything that can be said", value = json!({"to": "+351 912 345 678",
                "channel": "sms", "purpose": "signup", "locale": "pt-PT", "autofill": {"origin": "app.acme.example"},
                "metadata": {"order": "1001"}}))),
        )),
    responses(
        (status = 201, description = "A new verification; Restcomm took the message within the wait.",
            body = VerificationView, headers(("Location"), ("Idempotent-Replayed")), example = json!(examples::sent())),
        (status = 202, description = "A new verification; it is stored, and the message will be handed over: \
            `delivery.status` is `queued`. Restcomm is slow or down, or the caller does not wait. With a plan for fallback also a \
            message that Restcomm refused: then it is `failed`, and the next delivery follows.",
            body = VerificationView, headers(("Location"), ("Preference-Applied"), ("Idempotent-Replayed")),
            example = json!(examples::queued())),
        (status = 200, description = "A resend of a pending verification, whatever became of its hand-off: \
            `delivery.status` tells.", body = VerificationView,
            headers(("Location"), ("Preference-Applied"), ("Idempotent-Replayed")), example = json!(examples::resent())),
        Refusals<Request>,
    ))]
pub(in crate::http) async fn send(
    call: Call<Request>,
    request: HttpRequest,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let Request {
        number,
        channel,
        purpose,
        language,
        autofill,
        metadata,
        client,
        refused,
    } = call.body;
    let trust = call.caller.trust;
    // A page's visitor is whoever calls; a backend says who it calls for.
    let peer = request.peer_addr().filter(|_| trust == Trust::Public);
    let caller_address =
        peer.map(|peer| client_address::of(peer.ip(), request.headers(), &api.trusted_proxies));
    let respond_async = prefers_async(&request);
    let wanted = SendRequest {
        number,
        channel,
        purpose,
        language,
        autofill,
        metadata,
        client: client.or(caller_address),
        respond_async,
    };
    let mut answer = match call.key {
        Some(key) => repeat::send_once(&api, call.caller, wanted, key, refused).await?,
        None => send_anew(&api, &call.caller, wanted).await?,
    };
    if respond_async {
        let applied = HeaderValue::from_static("respond-async");
        let name = HeaderName::from_static("preference-applied");
        answer.headers_mut().insert(name, applied);
    }
    Ok(answer)
}

async fn send_anew(
    api: &Api,
    caller: &Caller,
    wanted: SendRequest,
) -> Result<HttpResponse, Problem> {
    let sent = api.verifier.send(caller, wanted).await;
    let sent = sent.map_err(|refusal| Problem::of(refusal, caller.trust, api.clock.now()))?;
    let view = VerificationView::new(&sent.verification, &sent.delivery, caller.trust);
    let mut answer = HttpResponse::build(status_of(&sent));
    answer.insert_header((header::LOCATION, format!("/otp/{}", sent.verification.id)));
    Ok(answer.json(view))
}

pub(super) fn status_of(sent: &Sent) -> StatusCode {
    match (sent.resent, sent.delivery.status) {
        (true, _) => StatusCode::OK,
        (
            false,
            DeliveryStatus::Sent
            | DeliveryStatus::Delivered
            | DeliveryStatus::Ringing
            | DeliveryStatus::Answered,
        ) => StatusCode::CREATED,
        (
            false,
            DeliveryStatus::Queued
            | DeliveryStatus::Undelivered
            | DeliveryStatus::Failed
            | DeliveryStatus::Unanswered
            | DeliveryStatus::Busy,
        ) => StatusCode::ACCEPTED,
    }
}

/// RFC 7240: unknown preferences are ignored, whatever they look like.
fn prefers_async(request: &HttpRequest) -> bool {
    let preferences = request
        .headers()
        .get_all("prefer")
        .filter_map(|value| value.to_str().ok());
    preferences
        .flat_map(|value| value.split(','))
        .any(|preference| {
            preference
                .split(';')
                .next()
                .is_some_and(|name| name.trim().eq_ignore_ascii_case("respond-async"))
        })
}
