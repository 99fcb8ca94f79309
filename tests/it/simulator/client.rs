//! A client's own web server: gives out RCML, and notes whatever it is asked and told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, http::StatusCode, web};
use tokio::sync::mpsc;

use super::*;

#[derive(Clone)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: String,
    pub(super) location: Option<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) line: String,
    pub(super) body: String,
}

type Pages = Arc<Mutex<HashMap<String, Page>>>;

pub(super) struct ClientSide {
    pub(super) base: String,
    pages: Pages,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl ClientSide {
    pub(super) fn new() -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        let pages = Pages::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (serving, told) = (web::Data::from(pages.clone()), web::Data::new(tell));
        let app = move || {
            App::new()
                .app_data(serving.clone())
                .app_data(told.clone())
                .default_service(web::to(listen))
        };
        let running = HttpServer::new(app).workers(1).disable_signals();
        tokio::spawn(running.listen(listener).unwrap().run());
        Self { base, pages, heard }
    }

    pub(super) fn serve(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// What is inside `<Response>`.
    pub(super) fn serve_rcml(&self, path: &str, verbs: &str) {
        let body =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>{verbs}</Response>");
        self.serve(
            path,
            Page {
                status: 200,
                content_type: Some("application/xml"),
                body,
                location: None,
            },
        );
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) async fn next(&mut self) -> Heard {
        let next = tokio::time::timeout(crate::app::PATIENCE, self.heard.recv());
        next.await.unwrap().unwrap()
    }

    pub(super) fn heard_all(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }
}

/// What is not served is a callback.
async fn listen(
    request: HttpRequest,
    body: String,
    pages: web::Data<Mutex<HashMap<String, Page>>>,
    tell: web::Data<mpsc::UnboundedSender<Heard>>,
) -> HttpResponse {
    let line = format!("{} {}", request.method(), request.uri());
    tell.send(Heard { line, body }).ok();
    let Some(page) = pages.lock().unwrap().get(request.path()).cloned() else {
        return HttpResponse::NoContent().finish();
    };
    let mut answer = HttpResponse::build(StatusCode::from_u16(page.status).unwrap());
    if let Some(location) = page.location {
        answer.insert_header(("location", location));
    }
    if let Some(content_type) = page.content_type {
        answer.insert_header(("content-type", content_type));
    }
    answer.body(page.body)
}

impl World {
    /// Places a call and gives back its sid.
    pub(super) async fn call(&self, form: &[(&str, &str)]) -> String {
        let (status, answer) = json_of(self.place(form)).await;
        assert_eq!(status, 200);
        answer["sid"].as_str().unwrap().to_owned()
    }

    pub(super) fn place(&self, form: &[(&str, &str)]) -> RequestBuilder {
        self.calls(Method::POST, ".json").form(form)
    }

    /// An authenticated request whose path goes on behind `Calls`.
    pub(super) fn calls(&self, method: Method, tail: &str) -> RequestBuilder {
        let path = format!("/sim/restcomm/2012-04-24/Accounts/{SID}/Calls{tail}");
        self.request(method, &path).basic_auth(SID, Some(TOKEN))
    }

    pub(super) async fn call_record(&self, sid: &str) -> Value {
        let (status, call) = json_of(self.calls(Method::GET, &format!("/{sid}.json"))).await;
        assert_eq!(status, 200);
        call
    }

    pub(super) async fn script_call(&self, number: &str, fate: &str) {
        let path = format!("/sim/phones/{number}");
        assert_eq!(self.script(&path, json!({ "call": fate })).await.0, 200);
    }

    /// Moves the clock and waits until all calls have come to this status.
    pub(super) async fn advance_to(&self, millis: u64, status: &str) {
        self.advance_until(millis, |simulator| {
            let calls = simulator.calls();
            calls.iter().all(|call| call.status.as_str() == status)
        })
        .await;
    }
}
