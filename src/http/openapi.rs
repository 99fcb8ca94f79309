//! The OpenAPI 3.1 document, made from the handlers.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{health, jwks, otp, pages, problem};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Proves that a person holds a phone number: sends one-time codes and checks them. \
                       Every error is application/problem+json (RFC 9457); match on its `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact(name = "Countersign"),
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "otp", description = "Send a code, check it, ask how it stands, cancel."),
        (name = "proofs", description = "Keys by which others can check what this service says."),
        (name = "problems", description = "What errors mean."),
        (name = "health", description = "For whoever watches over the process."),
        (name = "meta", description = "This document."),
    ),
    paths(
        otp::send,
        otp::verify,
        otp::status,
        otp::cancel,
        jwks::keys,
        pages::problem,
        document,
        health::live,
        health::ready,
    ),
    components(schemas(
        otp::SendBody,
        otp::VerifyBody,
        otp::VerificationView,
        otp::StatusView,
        otp::ApprovedView,
        problem::ProblemBody,
    )),
    modifiers(&Security),
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A secret API key, `cs_sk_…`, which belongs on servers and never in a browser; or a publishable one, \
                 `cs_pk_…`, for pages: it works only with an `Origin` of its tenant, only to send and to verify, and \
                 learns neither the attempts left nor why a check failed.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}

/// The document as text, pretty-printed.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(make);
    &TEXT
}

fn make() -> String {
    let mut text = Document::openapi()
        .to_pretty_json()
        .expect("the document always serialises");
    text.push('\n');
    text
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "meta", operation_id = "getOpenApi", responses(
    (status = 200, description = "OpenAPI 3.1.", body = Object),
))]
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(text())
}
