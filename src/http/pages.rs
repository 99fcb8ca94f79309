//! The page behind the `type` of a problem.

use actix_web::{HttpResponse, http::header, web};

use super::{
    codes::ProblemCode,
    openapi::{Refusals, Refused},
    problem::Problem,
};

struct Page;

impl Refused for Page {
    fn codes() -> Vec<ProblemCode> {
        vec![ProblemCode::NotFound]
    }
}

/// Allows the page's own few lines of style, by their hash, and nothing else.
const STYLE: &str = "body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1.25rem}\
                     :root{color-scheme:light dark}code{font:inherit;font-family:ui-monospace,monospace}";

/// Explains an error.
///
/// A short page for people who follow the `type` of a problem. Programs match on its `code`.
#[utoipa::path(get, path = "/problems/{code}", tag = "problems", operation_id = "getProblem", security(()),
    params(("code" = String, Path, description = "The `code` of a problem.", example = "wrong_code")),
    responses(
        (status = 200, description = "What the error means, and what to do.", body = String,
            content_type = "text/html"),
        Refusals<Page>,
    ))]
pub(super) async fn problem(code: web::Path<String>) -> Result<HttpResponse, Problem> {
    let known = ProblemCode::ALL
        .into_iter()
        .find(|known| known.name() == *code);
    let code = known.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    let (name, title, advice) = (code.name(), code.title(), code.advice());
    let status = code.status().as_u16();
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style>\
         <h1>{title}</h1><p><code>{name}</code>, status {status}</p><p>{advice}</p></html>\n"
    );
    let hash = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(crate::crypto::sha256(STYLE.as_bytes()))
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'"
    );
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(page))
}
