//! The member `autofill`: who may take the code out of the message by itself.

use utoipa::ToSchema;

use super::FieldResult;
use crate::{
    domain::{
        policy::Policy,
        wording::{self, Autofill},
    },
    http::{json::Members, problem::FieldCode},
};

/// Characters of the hash by which Android knows an app.
const HASH: usize = 11;

/// Lets a page or an app fill the code in by itself: exactly one of the two.
#[derive(ToSchema)]
#[schema(as = Autofill, min_properties = 1, max_properties = 1)]
#[expect(
    dead_code,
    reason = "the document is made of it; members are read one by one, to name every fault"
)]
pub(in crate::http) struct AutofillBody {
    /// The host of one of the tenant's https `origins`, by itself or as the origin. The message ends with the line
    /// `@host #code`, by which browsers fill the code in on pages of that host only (`WebOTP`, iOS).
    #[schema(nullable = false, example = "app.acme.example", max_length = 320)]
    origin: Option<String>,
    /// The hash of an Android app, which then reads the message with the SMS Retriever: it is the last line of a message
    /// of at most 140 bytes.
    #[schema(
        nullable = false,
        example = "FA+9qCX9VSu",
        pattern = "^[A-Za-z0-9+/]{11}$"
    )]
    app_hash: Option<String>,
}

/// Reads the member; `policy` says which pages there are.
pub(super) fn read(members: &mut Members, policy: &Policy) -> Option<Autofill> {
    members.nested("autofill", |inside| {
        let (has_page, has_app) = (inside.has("origin"), inside.has("app_hash"));
        if !has_page && !has_app {
            return inside.fault_of_all(FieldCode::Required, "must hold origin or app_hash");
        }
        let page = inside.optional("origin", page);
        if let Some(Autofill::Page { host }) = &page
            && !policy.has_page(host)
        {
            inside.against_policy(
                "origin",
                "is not the host of one of the tenant's https origins",
            );
        }
        if has_page && has_app {
            return inside.not_allowed("app_hash", "is not allowed together with origin");
        }
        page.or_else(|| inside.optional("app_hash", app))
    })
}

fn page(text: &str) -> FieldResult<Autofill> {
    let host = wording::host(text).ok_or_else(|| {
        let detail = "must be a host, such as app.acme.example, or an https origin";
        (FieldCode::Invalid, detail.to_owned())
    })?;
    Ok(Autofill::Page { host })
}

fn app(text: &str) -> FieldResult<Autofill> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if text.len() == HASH && text.bytes().all(fits) {
        let hash = text.to_owned();
        Ok(Autofill::App { hash })
    } else {
        let detail = format!("must be {HASH} characters of A-Z, a-z, 0-9, + and /");
        Err((FieldCode::Invalid, detail))
    }
}
