//! `POST /otp/send`

use std::{collections::BTreeMap, net::IpAddr};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use utoipa::ToSchema;

use super::{DEFAULT_PURPOSE, FieldResult, VerificationView, number, purpose};
use crate::{
    domain::{
        delivery::{Channel, DeliveryStatus},
        key::{Scope, Trust},
        phone::PhoneNumber,
    },
    http::{
        Api,
        call::{Body, Call},
        client_address,
        json::Members,
        problem::{FieldCode, Problem, ProblemBody},
    },
    verifier::{SendRequest, Sent},
};

const MOST_METADATA: usize = 10;
const LONGEST_METADATA: usize = 128;

/// Whom to send a code to, and what for.
#[derive(ToSchema)]
#[schema(as = Send)]
#[expect(
    dead_code,
    reason = "the document is made of it; members are read one by one, to name every fault"
)]
pub(in crate::http) struct SendBody {
    /// E.164. ASCII spaces, `-`, `.`, `(` and `)` are dropped.
    #[schema(example = "+351 912 345 678", max_length = 32)]
    to: String,
    /// `sms`; the tenant must allow it.
    #[schema(nullable = false, example = "sms", default = "sms")]
    channel: Option<String>,
    /// A code never crosses purposes.
    #[schema(
        nullable = false,
        pattern = "^[a-z][a-z0-9_-]{0,31}$",
        example = "login",
        default = "login"
    )]
    purpose: Option<String>,
    /// At most 10 strings of at most 128 characters; given back in the status.
    #[schema(nullable = false)]
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
    metadata: BTreeMap<String, String>,
    client: Option<IpAddr>,
}

impl Body for Request {
    const SCOPE: Scope = Scope::Send;
    const EXPECTED: bool = true;
    const FOR_PAGES: bool = true;

    fn read(mut members: Members, trust: Trust) -> Result<Self, Problem> {
        let has_channel = members.has("channel");
        let number = members.required("to", number);
        let channel = members.optional("channel", channel);
        let has_purpose = members.has("purpose");
        let purpose = members.optional("purpose", purpose);
        let metadata = members.strings("metadata", MOST_METADATA, LONGEST_METADATA);
        let client = match trust {
            Trust::Full => members.optional("client_ip", address),
            Trust::Public => members.not_allowed("client_ip", "is for secret keys only"),
        };
        // A member that is there and was not read is a fault, which `finish` tells.
        let channel = if has_channel {
            channel
        } else {
            Some(Channel::Sms)
        };
        let purpose = if has_purpose {
            purpose
        } else {
            Some(DEFAULT_PURPOSE.to_owned())
        };
        let read = number.zip(channel).zip(purpose);
        let ((number, channel), purpose) = members.finish(read)?;
        Ok(Self {
            number,
            channel,
            purpose,
            metadata,
            client,
        })
    }
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
    match Channel::parse(word) {
        Some(Channel::Sms) => Ok(Channel::Sms),
        Some(Channel::Voice | Channel::Flashcall) => Err((
            FieldCode::NotAllowed,
            "is not among the tenant's channels".to_owned(),
        )),
        None => Err((FieldCode::Invalid, "must be sms".to_owned())),
    }
}

/// Sends a code to a phone: begins a verification, or sends again for a pending one.
///
/// A send for the same number and purpose while a verification is pending is a resend: same id, same expiry, same
/// guesses, after a cool-down of 30, 60, 120, … seconds. With less than 60 seconds of life left, a new verification
/// begins instead. A resend makes a new code, and the old one is dead at once, unless the tenant's policy says `same`.
#[utoipa::path(post, path = "/otp/send", tag = "otp", operation_id = "sendCode", security(("key" = [])),
    params(("Prefer" = Option<String>, Header, description = "`respond-async`: do not wait for the hand-off (RFC 7240).",
        example = "respond-async")),
    request_body(content = SendBody, content_type = "application/json",
        example = json!({"purpose": "login", "to": "+351912345678"})),
    responses(
        (status = 201, description = "A new verification; the message was taken within the wait.",
            body = VerificationView, headers(
                ("Location" = String, description = "The verification: `/otp/{id}`."),
            )),
        (status = 202, description = "A new verification; it is stored, and the message will be handed over \
            (`delivery.status` is `queued`).", body = VerificationView, headers(
                ("Location" = String, description = "The verification: `/otp/{id}`."),
                ("Preference-Applied" = String, description = "`respond-async` where it was asked for."),
            )),
        (status = 200, description = "A resend of a pending verification; `delivery.status` tells of its hand-off.",
            body = VerificationView, headers(
                ("Location" = String, description = "The verification: `/otp/{id}`."),
            )),
        (status = 400, description = "`malformed_request`", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = ProblemBody,
            content_type = "application/problem+json", headers(("WWW-Authenticate" = String, description = "`Bearer`"))),
        (status = 403, description = "`forbidden` (scope, origin), `destination_not_allowed` (country, kind of number)",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 406, description = "`not_acceptable`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid_request` with `errors`, or `delivery_refused`: the message was refused \
            for good, and the verification has failed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`resend_too_soon` with `id`, `resend_after` and `expires_at`; `rate_limited` with \
            `limit`; `too_many_attempts`. With a publishable key none of these members is there, `too_many_attempts` \
            reads `rate_limited`, and its Retry-After is rounded up to half a minute.", body = ProblemBody, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Whole seconds, at least 1."))),
        (status = 500, description = "`internal`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: nothing is stored, nothing will be sent", body = ProblemBody,
            content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Whole seconds, at least 1."))),
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
        metadata,
        client,
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
        metadata,
        client: client.or(caller_address),
        respond_async,
    };
    let sent = api
        .verifier
        .send(&call.caller, wanted)
        .await
        .map_err(|refusal| Problem::of(refusal, trust, api.clock.now()))?;
    let view = VerificationView::new(&sent.verification, &sent.delivery, trust);
    let mut answer = HttpResponse::build(status_of(&sent));
    answer.insert_header((header::LOCATION, format!("/otp/{}", sent.verification.id)));
    if respond_async {
        answer.insert_header(("Preference-Applied", "respond-async"));
    }
    Ok(answer.json(view))
}

fn status_of(sent: &Sent) -> StatusCode {
    match (sent.resent, sent.delivery.status) {
        (true, _) => StatusCode::OK,
        (false, DeliveryStatus::Sent | DeliveryStatus::Delivered) => StatusCode::CREATED,
        (false, DeliveryStatus::Queued | DeliveryStatus::Undelivered | DeliveryStatus::Failed) => {
            StatusCode::ACCEPTED
        }
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
