//! The OpenAPI 3.1 document, made from the handlers and from the table of errors.

mod headers;
mod refusals;

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Server,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{Api, health, jwks, otp, pages, problem};
pub(in crate::http) use refusals::{Refusals, Refused};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = include_str!("openapi/introduction.md"),
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact(name = "Countersign"),
    ),
    servers((url = "/", description = "The service that this document comes from.")),
    tags(
        (name = "otp", description = "Send a code, check it, ask how a verification stands, cancel it."),
        (name = "proofs", description = "Keys by which others can check what this service says."),
        (name = "problems", description = "What errors mean: a page for each, which the `type` of a problem names."),
        (name = "health", description = "For whoever watches over the process: load balancers, orchestrators."),
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
    modifiers(&Shared),
)]
struct Document;

/// What operations have in common, each told once.
struct Shared;

impl Modify for Shared {
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
        components.examples = refusals::examples();
        headers::describe(document);
    }
}

/// The document as text, pretty-printed.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| pretty(&Document::openapi()));
    &TEXT
}

fn pretty(document: &utoipa::openapi::OpenApi) -> String {
    let mut text = document
        .to_pretty_json()
        .expect("the document always serialises");
    text.push('\n');
    text
}

/// This document.
///
/// It describes every route of the public listener but those that Restcomm calls, and comes from the program itself: what a running service answers
/// is what that version does.
#[utoipa::path(get, path = "/openapi.json", tag = "meta", operation_id = "getOpenApi", security(()), responses(
    (status = 200, description = "An OpenAPI 3.1 document.", body = Object),
    (status = 400, description = "The request is no valid HTTP. There is no body."),
))]
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(text())
}

/// The document for a page on the operator's listener: there, `/` would be a place where the API is not.
pub(super) async fn document_from_elsewhere(api: web::Data<Api>) -> HttpResponse {
    let mut document = Document::openapi();
    let mut server = Server::new(&api.public_url);
    server.description = Some("The public listener of this service.".to_owned());
    document.servers = Some(vec![server]);
    HttpResponse::Ok()
        .content_type("application/json")
        .body(pretty(&document))
}
