//! Who asks, for what, and what the answer is when nothing is amiss.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign::domain::clock::Timestamp;
use tokio::time::Instant;

use super::{
    calls::Call,
    form::{self, Pairs, value},
    listing,
    manners::{Manner, Reply},
    platform::{Platform, Standing},
    resource::{Sms, gson},
    wire::{Request, Response},
};

const PREFIX: &str = "/restcomm/2012-04-24/";
const TEXT: &str = "text/plain";

/// What is done with a request, and what there is to say.
pub(super) struct Handled {
    pub(super) manner: Manner,
    pub(super) response: Response,
    /// The message that was taken.
    pub(super) taken: Option<String>,
    /// The call that was placed.
    pub(super) placed: Option<String>,
}

/// The form in which a client wants its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Xml,
}

impl Kind {
    fn wanted(request: &Request) -> Self {
        let suffixed = request
            .path
            .split('/')
            .any(|part| part.strip_suffix(".json").is_some());
        let accept = request.header("accept").unwrap_or_default();
        if suffixed || accept.contains("json") {
            Self::Json
        } else {
            Self::Xml
        }
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }
}

pub(super) fn handle(platform: &mut Platform, request: &Request, now: Timestamp) -> Handled {
    let parts: Option<Vec<&str>> = request.path.strip_prefix(PREFIX).map(|path| {
        path.split('/')
            .map(|part| part.strip_suffix(".json").unwrap_or(part))
            .collect()
    });
    let parts = parts.unwrap_or_default();
    let (manners, account) = match (request.method.as_str(), &parts[..]) {
        ("POST", ["Accounts", account, "SMS", "Messages"]) => (&mut platform.sends, account),
        ("GET", ["Accounts", account, "SMS", "Messages"]) => (&mut platform.lists, account),
        ("GET", ["Accounts", account, "SMS", "Messages", _]) => (&mut platform.reads, account),
        ("POST", ["Accounts", account, "Calls"]) => (&mut platform.call_sends, account),
        ("GET", ["Accounts", account, "Calls"]) => (&mut platform.call_lists, account),
        ("GET", ["Accounts", account, "Calls", _]) => (&mut platform.call_reads, account),
        _ => {
            return Handled {
                manner: Manner::well(),
                response: Response::of(404, "text/html", "<html><h1>HTTP Status 404</h1></html>"),
                taken: None,
                placed: None,
            };
        }
    };
    let manner = manners.take();
    platform.arrivals.push(Instant::now());
    let kind = if matches!(manner.reply, Reply::Xml) {
        Kind::Xml
    } else {
        Kind::wanted(request)
    };
    let nulls = matches!(manner.reply, Reply::Nulls);
    let (mut taken, mut placed) = (None, None);
    let posted = form::parse(std::str::from_utf8(&request.body).unwrap());
    let refused = refuse(platform, request, account);
    let response = refused.unwrap_or_else(|| match (request.method.as_str(), &parts[2..]) {
        ("POST", _) if !manner.takes => Response::empty(200),
        ("POST", ["Calls"]) => match Call::place(&posted, account, now) {
            Ok(call) => {
                placed = Some(call.sid.clone());
                let answer = gson(&call.json(platform));
                platform.calls.push(call);
                Response::of(200, Kind::Json.media_type(), &answer)
            }
            Err(refusal) => refusal,
        },
        ("POST", _) => match post(platform, &posted, account, kind, now) {
            Ok(sms) => {
                let answer = show(platform, &sms, kind, nulls);
                taken = Some(sms.sid.clone());
                platform.messages.push(sms);
                answer
            }
            Err(refusal) => refusal,
        },
        (_, ["Calls", sid]) => match platform.calls.iter().find(|call| call.sid == *sid) {
            Some(call) => {
                let text = gson(&call.json(platform));
                Response::of(200, Kind::Json.media_type(), &text)
            }
            None => Response::empty(404),
        },
        (_, ["Calls"]) => listing::calls(platform, request, account),
        (_, [.., "Messages"]) => listing::messages(platform, request, account, kind),
        (_, [.., sid]) => read(platform, sid, account, kind, nulls),
        (_, []) => unreachable!("these are no paths"),
    });
    Handled {
        manner,
        response,
        taken,
        placed,
    }
}

/// 401, then 403, then 415.
fn refuse(platform: &Platform, request: &Request, account: &str) -> Option<Response> {
    let credentials = request.header("authorization").and_then(|header| {
        let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, token) = text.split_once(':')?;
        Some((user.to_owned(), token.to_owned()))
    });
    let who = credentials.and_then(|(user, token)| platform.authenticate(&user, &token));
    let Some(who) = who else {
        let realm = "Basic realm=\"Restcomm realm\"";
        return Some(Response::empty(401).with("WWW-Authenticate", realm));
    };
    if who.standing == Standing::Suspended {
        return Some(Response::of(403, TEXT, "Provided Account is not active"));
    }
    let may_not = request.method == "POST" && who.standing == Standing::MayOnlyRead;
    if may_not || who.sid != account {
        return Some(Response::empty(403));
    }
    let form_type = "application/x-www-form-urlencoded";
    let given_type = request.header("content-type").unwrap_or_default();
    let is_form = given_type.starts_with(form_type) || request.method != "POST";
    (!is_form).then(|| Response::empty(415))
}

fn post(
    platform: &Platform,
    pairs: &Pairs,
    account: &str,
    kind: Kind,
    now: Timestamp,
) -> Result<Sms, Response> {
    let bad = |text: &str| Response::of(400, kind.media_type(), text);
    let broken = || Response::of(500, "text/html", "<html><h1>HTTP Status 500</h1></html>");
    let needed = |name: &str| {
        let found = value(pairs, name);
        found.ok_or_else(|| bad(&format!("{name} can not be null.")))
    };
    let (from, to) = (needed("From")?, needed("To")?);
    let mut body = needed("Body")?.to_owned();
    let mut from = from.to_owned();
    if platform.normalizes {
        let is_number = |text: &str| {
            text.trim_start_matches('+')
                .bytes()
                .all(|b| b.is_ascii_digit())
        };
        if from.is_empty() || !is_number(&from) || !is_number(to) {
            return Err(bad(
                "Error type: NOT_A_NUMBER. The string supplied did not seem to be a phone number.",
            ));
        }
        // National numbers are read as those of the United States.
        if !from.starts_with('+') {
            from = format!("+1{from}");
        }
        if 160 < body.len() {
            let cut = body.encode_utf16().take(159).collect::<Vec<_>>();
            if cut.len() < 159 {
                return Err(bad("String index out of range: 159"));
            }
            body = String::from_utf16_lossy(&cut);
        }
    }
    let encoding = value(pairs, "Encoding").unwrap_or("GSM");
    let callback = value(pairs, "StatusCallback");
    let is_address = |text: &str| reqwest::Url::parse(text).is_ok();
    if !["GSM", "UCS-2", "UTF-8"].contains(&encoding)
        || callback.is_some_and(|callback| !is_address(callback))
        || 999 < body.chars().count()
    {
        return Err(broken());
    }
    know_all(pairs);
    Ok(Sms {
        sid: format!("SM{:032x}", rand::random::<u128>()),
        account_sid: account.to_owned(),
        created_at: now,
        updated_at: now,
        sent_at: None,
        from,
        to: to.to_owned(),
        body,
        encoding: encoding.to_owned(),
        status: "sending",
        error: None,
        callback: callback.map(str::to_owned),
    })
}

/// Names are told apart by case, and what is misspelt is ignored in silence: here it is noticed.
fn know_all(pairs: &Pairs) {
    for (name, _) in pairs {
        let known = ["From", "To", "Body", "StatusCallback", "Encoding"];
        assert!(known.contains(&name.as_str()), "{name} has no effect");
    }
}

fn read(platform: &Platform, sid: &str, account: &str, kind: Kind, nulls: bool) -> Response {
    let is_sid = sid.len() == 34 && sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_sid {
        return Response::of(500, "text/html", "<html><h1>HTTP Status 500</h1></html>");
    }
    match platform.messages.iter().find(|sms| sms.sid == sid) {
        None => Response::empty(404),
        Some(sms) if sms.account_sid != account => Response::empty(403),
        Some(sms) => show(platform, sms, kind, nulls),
    }
}

fn show(platform: &Platform, sms: &Sms, kind: Kind, nulls: bool) -> Response {
    let text = match kind {
        Kind::Json => gson(&sms.json(platform, nulls)),
        Kind::Xml => format!("<RestcommResponse>{}</RestcommResponse>", sms.xml(platform)),
    };
    Response::of(200, kind.media_type(), &text)
}
