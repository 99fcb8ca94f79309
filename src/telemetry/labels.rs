//! Every label that a metric can have, with every value. A label is one of these types and nothing else, so that no
//! number, id, address or text of a tenant can become one.

/// A label with a fixed list of values.
pub trait Label: Copy + 'static {
    const NAME: &'static str;
    const ALL: &'static [Self];

    fn word(self) -> &'static str;

    /// Its place in [`Label::ALL`].
    fn index(self) -> usize;
}

macro_rules! label {
    ($(#[doc = $doc:literal])* $type:ident($name:literal) { $($variant:ident => $word:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($variant),+ }

        impl Label for $type {
            const NAME: &'static str = $name;
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label!(
    /// The patterns of the routes. What matches none of them is `none`.
    Route("route") {
        Send => "/otp/send",
        Verify => "/otp/verify",
        Status => "/otp/{id}",
        Cancel => "/otp/{id}/cancel",
        SmsCallback => "/callbacks/restcomm/{token}/sms",
        CallCallback => "/callbacks/restcomm/{token}/call",
        Rcml => "/callbacks/restcomm/{token}/rcml",
        Jwks => "/.well-known/jwks.json",
        Problem => "/problems/{code}",
        Openapi => "/openapi.json",
        Livez => "/livez",
        Readyz => "/readyz",
        Metrics => "/metrics",
        Docs => "/docs",
        None => "none",
    }
);
label!(
    Method("method") {
        Get => "GET",
        Head => "HEAD",
        Post => "POST",
        Put => "PUT",
        Patch => "PATCH",
        Delete => "DELETE",
        Options => "OPTIONS",
        Other => "other",
    }
);
label!(
    /// The status codes that are answered.
    Status("status") {
        Ok => "200",
        Created => "201",
        Accepted => "202",
        NoContent => "204",
        MovedPermanently => "301",
        Found => "302",
        SeeOther => "303",
        NotModified => "304",
        Redirect => "307",
        BadRequest => "400",
        Unauthorized => "401",
        Forbidden => "403",
        NotFound => "404",
        MethodNotAllowed => "405",
        NotAcceptable => "406",
        RequestTimeout => "408",
        Conflict => "409",
        Gone => "410",
        BodyTooLarge => "413",
        UnsupportedMediaType => "415",
        Unprocessable => "422",
        TooManyRequests => "429",
        Internal => "500",
        Unavailable => "503",
        Other => "other",
    }
);
label!(Channel("channel") { Sms => "sms", Voice => "voice", Flashcall => "flashcall" });
label!(
    /// What was decided about a send.
    Send("outcome") {
        Created => "created",
        Resent => "resent",
        TooSoon => "resend_too_soon",
        Limited => "rate_limited",
        Blocked => "blocked",
        Destination => "destination_not_allowed",
        Replayed => "replayed",
        InProgress => "idempotency_in_progress",
        Mismatch => "idempotency_mismatch",
        KeyRefused => "key_refused",
        KeyMissing => "key_missing",
        Unavailable => "unavailable",
        Internal => "internal",
    }
);
label!(
    /// Which limit held a send back.
    Limit("limit") {
        PerNumber => "per_number",
        PerIp => "per_ip",
        PerPrefix => "per_prefix",
        PerCountry => "per_country",
        PerKey => "per_key",
        PerTenant => "per_tenant",
    }
);
label!(
    /// What was decided about a check.
    Check("outcome") {
        Approved => "approved",
        Wrong => "wrong",
        AlreadyApproved => "already_approved",
        Expired => "expired",
        Canceled => "canceled",
        MaxAttemptsReached => "max_attempts_reached",
        Failed => "failed",
        Blocked => "blocked",
        Unknown => "unknown",
        CodeSpent => "code_spent",
        KeyRefused => "key_refused",
        KeyMissing => "key_missing",
        Unavailable => "unavailable",
        Internal => "internal",
    }
);
label!(
    /// What was decided about a cancel.
    Cancel("outcome") {
        Canceled => "canceled",
        Ended => "already_ended",
        Unknown => "unknown",
        KeyRefused => "key_refused",
        Unavailable => "unavailable",
        Internal => "internal",
    }
);
label!(
    /// How a verification ended.
    End("status") {
        Approved => "approved",
        Expired => "expired",
        Canceled => "canceled",
        MaxAttemptsReached => "max_attempts_reached",
        Failed => "failed",
    }
);
label!(
    /// How a delivery ended.
    Delivered("outcome") {
        Sent => "sent",
        Refused => "refused",
        NotDeliverable => "not_deliverable",
        Unconfirmed => "unconfirmed",
        Superseded => "superseded",
        VerificationEnded => "verification_ended",
    }
);
label!(
    /// What became of one request to Restcomm.
    HandedOff("outcome") {
        Accepted => "accepted",
        Refused => "refused",
        NotSent => "not_sent",
        Unknown => "unknown",
    }
);
label!(LookedUp("outcome") { Found => "found", NotFound => "not_found", Failed => "failed" });
label!(
    /// What Restcomm reported of a message that it took.
    Reported("outcome") {
        Delivered => "delivered",
        Undelivered => "undelivered",
        Failed => "failed",
        Answered => "answered",
        Unanswered => "unanswered",
        Busy => "busy",
    }
);
label!(
    /// What came of a fallback that was due.
    FellBack("outcome") { Started => "started", Dropped => "dropped", Postponed => "postponed" }
);
label!(
    /// What of ours Restcomm calls.
    Callback("route") { Sms => "sms", Call => "call", Rcml => "rcml" }
);
label!(
    /// What came of a callback.
    CalledBack("outcome") {
        Accepted => "accepted",
        UnknownToken => "unknown_token",
        Stale => "stale",
        Unreadable => "unreadable",
        Unavailable => "unavailable",
    }
);
label!(
    /// What Restcomm answered, asked how a message fares.
    Asked("outcome") { Settled => "settled", Open => "open", Failed => "failed" }
);
label!(
    /// An account by its place among the `[[restcomm]]` tables: its name is the operator's, and no label.
    Account("account") { First => "1", Second => "2", Third => "3", Fourth => "4", Later => "later" }
);
label!(
    /// How the breaker of an account stands.
    Breaker("state") { Closed => "closed", Open => "open", HalfOpen => "half_open" }
);
label!(
    /// Why a request to an account was put off.
    PutOff("reason") { Breaker => "breaker", Pace => "pace", Busy => "busy" }
);
label!(
    /// Where a delivery in the outbox stands.
    Stage("stage") { Waiting => "waiting", Claimed => "claimed", Unknown => "unknown" }
);
label!(
    /// Why a batch ran again.
    Rerun("cause") { Conflict => "conflict", LostConnection => "lost_connection" }
);
label!(
    /// What was wrong with the database.
    Fault("kind") {
        Unavailable => "unavailable",
        Lost => "lost",
        Conflict => "conflict",
        Damaged => "damaged",
        Newer => "newer",
        Refused => "refused",
    }
);
label!(Pool("pool") { Writers => "writers", Readers => "readers" });
label!(Connection("state") { Busy => "busy", Idle => "idle" });
label!(
    /// Where a panic was caught.
    Place("place") { Request => "request", Journal => "journal" }
);

impl Route {
    /// The route of a pattern, as the router gives it. All of a folder's files are one.
    pub fn of(pattern: Option<&str>) -> Self {
        let Some(pattern) = pattern else {
            return Self::None;
        };
        if pattern.starts_with("/docs") {
            return Self::Docs;
        }
        let known = Self::ALL.iter().find(|route| route.word() == pattern);
        known.copied().unwrap_or(Self::None)
    }

    /// What it is usually asked with, and usually answers: these exist from the first scrape, so that rates are right.
    pub(super) fn usual(self) -> (Method, &'static [Status]) {
        use Status as S;
        match self {
            Self::Send => (
                Method::Post,
                &[
                    S::Ok,
                    S::Created,
                    S::Accepted,
                    S::Unauthorized,
                    S::Forbidden,
                    S::Unprocessable,
                    S::TooManyRequests,
                    S::Internal,
                    S::Unavailable,
                ],
            ),
            Self::Verify => (
                Method::Post,
                &[
                    S::Ok,
                    S::Unauthorized,
                    S::NotFound,
                    S::Conflict,
                    S::Gone,
                    S::Unprocessable,
                    S::TooManyRequests,
                    S::Internal,
                    S::Unavailable,
                ],
            ),
            Self::Status => (
                Method::Get,
                &[S::Ok, S::NotFound, S::Internal, S::Unavailable],
            ),
            Self::Cancel => (
                Method::Post,
                &[S::Ok, S::NotFound, S::Internal, S::Unavailable],
            ),
            Self::SmsCallback | Self::CallCallback => (
                Method::Post,
                &[S::NoContent, S::NotFound, S::Internal, S::Unavailable],
            ),
            Self::Rcml => (Method::Post, &[S::Ok, S::Internal, S::Unavailable]),
            Self::Readyz => (Method::Get, &[S::Ok, S::Unavailable]),
            Self::Jwks
            | Self::Problem
            | Self::Openapi
            | Self::Livez
            | Self::Metrics
            | Self::Docs => (Method::Get, &[S::Ok]),
            Self::None => (Method::Get, &[S::NotFound]),
        }
    }
}

impl Account {
    /// Counted from 1.
    pub fn at(position: usize) -> Self {
        let known = |index| Self::ALL.get(index).copied();
        position
            .checked_sub(1)
            .and_then(known)
            .unwrap_or(Self::Later)
    }
}

impl Method {
    pub fn of(method: &str) -> Self {
        let known = Self::ALL.iter().find(|known| known.word() == method);
        known.copied().unwrap_or(Self::Other)
    }
}

impl Status {
    pub fn of(status: u16) -> Self {
        let digits = [status / 100, status / 10 % 10, status % 10];
        let known = |known: &&Self| {
            known
                .word()
                .bytes()
                .map(|digit| u16::from(digit) - u16::from(b'0'))
                .eq(digits)
        };
        Self::ALL.iter().find(known).copied().unwrap_or(Self::Other)
    }
}
