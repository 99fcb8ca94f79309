//! What crosses the wire. A handler extracts, makes one call, and shapes the answer.

mod call;
mod callbacks;
mod client_address;
mod codes;
mod cors;
mod docs;
mod envelope;
mod handset;
mod health;
mod json;
mod jwks;
pub mod loopback;
mod metrics;
mod observed;
pub mod openapi;
mod otp;
mod pages;
mod problem;
mod refusal;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, Route,
    guard::{self, GuardContext, fn_guard},
    http::header,
    middleware::from_fn,
    web::{self, ServiceConfig, post},
};
use ipnet::IpNet;

use crate::{
    domain::{clock::Clock, policy::Tenant, random::Random},
    store::{Directory, Store},
    verifier::Verifier,
};
use codes::ProblemCode;
pub use health::Readiness;
pub use metrics::Scrapes;
use problem::Problem;

/// Whatever has GET has HEAD: the same answer without its body (RFC 9110 section 9.1).
const READ: &str = "GET, HEAD";
const POST: &str = "POST";

/// What handlers need, as data of the application.
pub struct Api {
    pub verifier: Verifier,
    pub directory: Directory,
    pub store: Store,
    pub clock: Clock,
    pub random: Random,
    pub public_url: String,
    pub readiness: Readiness,
    pub scrapes: Scrapes,
    /// The tenant of loopback callers without a key; only in `dev`.
    pub keyless: Option<Arc<Tenant>>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The routes of the public listener, all of them.
pub fn configure(config: &mut ServiceConfig) {
    config.default_service(web::to(no_path)).service(
        web::scope("")
            .wrap(from_fn(envelope::wrap))
            .service(from_pages("/otp/send", post().to(otp::send)))
            .service(from_pages("/otp/verify", post().to(otp::verify)))
            .service(only("/otp/{id}", READ, read().to(otp::status)))
            .service(only("/otp/{id}/cancel", POST, post().to(otp::cancel)))
            .service(called_back(
                "/callbacks/restcomm/{token}/sms",
                post().to(callbacks::sms),
                web::get().to(callbacks::sms),
            ))
            .service(called_back(
                "/callbacks/restcomm/{token}/call",
                post().to(callbacks::call),
                web::get().to(callbacks::call),
            ))
            .service(called_back(
                "/callbacks/restcomm/{token}/rcml",
                post().to(callbacks::rcml),
                web::get().to(callbacks::rcml),
            ))
            .service(only("/.well-known/jwks.json", READ, read().to(jwks::keys)))
            .service(only("/problems/{code}", READ, read().to(pages::problem)))
            .service(only("/openapi.json", READ, read().to(openapi::document)))
            .service(only("/livez", READ, read().to(health::live)))
            .service(only("/readyz", READ, read().to(health::ready)))
            .service(only("/metrics", READ, read().to(metrics::metrics)).guard(fn_guard(in_dev)))
            .service(
                web::scope("/docs")
                    .guard(fn_guard(in_dev))
                    .configure(|config| documentation(config, read().to(docs::page_with_calls))),
            )
            // The page at `/` with what it loads; only in `dev`.
            .configure(handset::configure)
            .default_service(web::to(not_found)),
    );
}

/// The routes of the operator's listener, all of them.
pub fn configure_admin(config: &mut ServiceConfig) {
    config.default_service(web::to(no_path)).service(
        web::scope("")
            .wrap(from_fn(envelope::wrap))
            .service(only(
                "/openapi.json",
                READ,
                read().to(openapi::document_from_elsewhere),
            ))
            .service(
                web::scope("/docs")
                    .configure(|config| documentation(config, read().to(docs::page_to_read))),
            )
            .service(only("/metrics", READ, read().to(metrics::metrics)))
            .service(only("/livez", READ, read().to(health::live)))
            .service(only("/readyz", READ, read().to(health::ready)))
            .default_service(web::to(not_found)),
    );
}

/// Swagger UI: `page`, and what it loads.
fn documentation(config: &mut ServiceConfig, page: Route) {
    config
        .service(only("", READ, read().to(docs::enter)))
        .service(only("/", READ, page))
        .service(only("/{file}", READ, read().to(docs::file)))
        .default_service(web::to(not_found));
}

/// A path with the methods `allowed`; every other method is answered with 405 and `Allow`.
fn only(path: &str, allowed: &'static str, route: Route) -> actix_web::Resource {
    let refuse = move |_: HttpRequest| {
        let problem = Problem::new(ProblemCode::MethodNotAllowed).header(header::ALLOW, allowed);
        async move { Err::<&str, _>(problem) }
    };
    web::resource(path)
        .route(route)
        .default_service(web::to(refuse))
}

/// GET, or HEAD for whoever wants to know only whether it is there.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Whether this is `dev`, whose one listener has everything: the page, the documentation, the metrics.
fn in_dev(context: &GuardContext<'_>) -> bool {
    let api = context.app_data::<web::Data<Api>>();
    api.is_some_and(|api| api.keyless.is_some())
}

/// A path that Restcomm calls, by POST or by GET.
fn called_back(path: &str, by_post: Route, by_get: Route) -> actix_web::Resource {
    let refuse = async |_: HttpRequest| {
        let problem = Problem::new(ProblemCode::MethodNotAllowed);
        Err::<&str, _>(problem.header(header::ALLOW, "GET, POST"))
    };
    web::resource(path)
        .route(by_post)
        .route(by_get)
        .default_service(web::to(refuse))
}

/// A path with a POST that pages of other origins may call: their browsers ask first.
fn from_pages(path: &str, route: Route) -> actix_web::Resource {
    let preflight = web::route().guard(fn_guard(cors::is_preflight));
    only(path, POST, route).route(preflight.to(cors::preflight))
}

async fn not_found() -> Result<&'static str, Problem> {
    Err(Problem::new(ProblemCode::NotFound))
}

/// What is no path at all, such as `*`, never reaches the routes.
async fn no_path(api: web::Data<Api>) -> HttpResponse {
    envelope::refuse(&api, &Problem::new(ProblemCode::NotFound))
}
