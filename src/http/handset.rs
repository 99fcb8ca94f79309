//! The handset page of `dev`: the files of `web/`, as they are in the repository.

use actix_web::{HttpResponse, http::header, web::ServiceConfig};

use super::{READ, in_dev, only, read};

/// Nothing inline, nothing from elsewhere, nothing that makes a script of a string.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml; charset=utf-8";

/// A path, its content type, and what is there.
type File = (&'static str, &'static str, &'static str);

macro_rules! file {
    ($name:literal, $kind:ident) => {
        file!(concat!("/", $name), $name, $kind)
    };
    ($path:expr, $name:literal, $kind:ident) => {
        (
            $path,
            $kind,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $name)),
        )
    };
}

/// All that `web/` holds; a test compares.
const FILES: [File; 22] = [
    file!("/", "index.html", HTML),
    file!("icon.svg", IMAGE),
    file!("base.css", CSS),
    file!("task.css", CSS),
    file!("handset.css", CSS),
    file!("call.css", CSS),
    file!("main.js", SCRIPT),
    file!("settings.js", SCRIPT),
    file!("configuration.js", SCRIPT),
    file!("memory.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("clock.js", SCRIPT),
    file!("number.js", SCRIPT),
    file!("code.js", SCRIPT),
    file!("words.js", SCRIPT),
    file!("steps.js", SCRIPT),
    file!("number-form.js", SCRIPT),
    file!("code-form.js", SCRIPT),
    file!("ways.js", SCRIPT),
    file!("ends.js", SCRIPT),
    file!("handset.js", SCRIPT),
    file!("call.js", SCRIPT),
];

/// Only `dev` has callers without a key and a simulated phone, so only there the page is of use as it is.
pub(super) fn configure(config: &mut ServiceConfig) {
    for (path, kind, text) in FILES {
        let answer = move || async move {
            HttpResponse::Ok()
                .content_type(kind)
                .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
                .body(text)
        };
        config.service(only(path, READ, read().to(answer)).guard(in_dev));
    }
}
