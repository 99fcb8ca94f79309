//! `web/` on a server of its own, as anybody may put it there: the files as they are, but for the settings.

use std::{fmt::Write as _, net::TcpListener, sync::Arc};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

/// A port that is taken, and serves nothing yet.
pub(super) struct Place(TcpListener);

/// What `settings.js` says.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) service: String,
    pub(super) key: String,
    /// Where none are named, `settings.js` has no more than the README shows.
    pub(super) channels: &'static [&'static str],
    /// There is no `settings.js`.
    pub(super) missing: bool,
}

impl Settings {
    fn script(&self) -> String {
        let Self {
            service,
            key,
            channels,
            ..
        } = self;
        let mut script = format!(
            "export const service = \"{service}\";\nexport const key = \"{key}\";\nexport const handset = false;\n"
        );
        if !channels.is_empty() {
            writeln!(script, "export const channels = {channels:?};").unwrap();
        }
        script
    }

    /// As the README advises.
    fn policy(&self) -> String {
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {}; \
             form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
            self.service
        )
    }
}

impl Place {
    pub(super) fn take() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// Its origin, under this name of the machine.
    pub(super) fn origin(&self, host: &str) -> String {
        format!("http://{host}:{}", self.0.local_addr().unwrap().port())
    }

    /// Serves until the test ends. What is no file is asked of `behind`, so that both have one origin.
    pub(super) fn serve(self, settings: Settings, behind: Option<&str>) {
        let behind: Arc<Option<String>> = Arc::new(behind.map(str::to_owned));
        let server = HttpServer::new(move || {
            let (settings, behind) = (settings.clone(), behind.clone());
            App::new().default_service(web::to(move |request: HttpRequest, body: web::Bytes| {
                answer(request, body, settings.clone(), behind.clone())
            }))
        });
        let server = server.workers(1).disable_signals().listen(self.0).unwrap();
        tokio::spawn(server.run());
    }
}

async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    settings: Settings,
    behind: Arc<Option<String>>,
) -> HttpResponse {
    let name = match request.path() {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    if settings.missing && name == "settings.js" {
        return HttpResponse::NotFound().finish();
    }
    let (_, kind) = name.rsplit_once('.').unwrap_or_default();
    let kind = match kind {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return pass_on(&request, body, behind.as_deref()).await,
    };
    let text = if name == "settings.js" {
        settings.script()
    } else {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
        std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
    };
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header(("Content-Security-Policy", settings.policy()))
        .body(text)
}

async fn pass_on(request: &HttpRequest, body: web::Bytes, behind: Option<&str>) -> HttpResponse {
    let Some(behind) = behind else {
        return HttpResponse::NotFound().finish();
    };
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build();
    let url = format!("{behind}{}", request.path());
    let asked = http
        .unwrap()
        .post(url)
        .header("Content-Type", "application/json");
    let got = asked.body(body.to_vec()).send().await.unwrap();
    let status = actix_web::http::StatusCode::from_u16(got.status().as_u16()).unwrap();
    let mut answer = HttpResponse::build(status);
    for name in ["content-type", "retry-after"] {
        if let Some(value) = got.headers().get(name) {
            answer.insert_header((name, value.to_str().unwrap()));
        }
    }
    answer.body(got.text().await.unwrap())
}
