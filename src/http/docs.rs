//! Swagger UI, from the program itself: the page loads nothing from elsewhere.

use std::{borrow::Cow, sync::Arc};

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Bytes},
};

use super::{codes::ProblemCode, problem::Problem};

const PAGE: &str = include_str!("docs/page.html");
/// What Swagger UI needs, and no more: its pictures stand in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// To the page: relative, so that it is right behind a proxy that serves this under a longer path.
pub(super) async fn enter() -> HttpResponse {
    HttpResponse::TemporaryRedirect()
        .insert_header((header::LOCATION, "docs/"))
        .finish()
}

/// The page beside the API, where calls can be tried.
pub(super) async fn page_with_calls() -> HttpResponse {
    page("here")
}

/// The page beside the operator's routes. Calls from there would be of another origin, which the API refuses.
pub(super) async fn page_to_read() -> HttpResponse {
    page("elsewhere")
}

fn page(calls: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(PAGE.replace("{calls}", calls))
}

/// What the page loads.
pub(super) async fn file(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let own = match name.as_str() {
        "start.js" => Some((
            "text/javascript; charset=utf-8",
            include_str!("docs/start.js"),
        )),
        "page.css" => Some(("text/css; charset=utf-8", include_str!("docs/page.css"))),
        _ => None,
    };
    if let Some((media_type, text)) = own {
        return Ok(HttpResponse::Ok().content_type(media_type).body(text));
    }
    let media_type = match name.as_str() {
        "swagger-ui.css" => "text/css; charset=utf-8",
        "swagger-ui-bundle.js" => "text/javascript; charset=utf-8",
        "favicon-32x32.png" => "image/png",
        _ => return Err(Problem::new(ProblemCode::NotFound)),
    };
    let file = utoipa_swagger_ui::serve(&name, Arc::default())
        .ok()
        .flatten()
        .ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    let mut answer = HttpResponse::Ok();
    if file.gzpipped {
        // It is there in no other form. Every browser takes it.
        answer.insert_header(header::ContentEncoding::Gzip);
    }
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Ok(answer.content_type(media_type).body(bytes))
}
