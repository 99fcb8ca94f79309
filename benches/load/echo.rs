//! The first limit: a bare actix-web server that reads the JSON of a send into a type, and writes that as JSON.

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::{Deserialize, Serialize};

use crate::{Outcome, processes::Place};

/// What a send says.
#[derive(Deserialize, Serialize)]
pub(crate) struct Body {
    pub(crate) to: String,
    pub(crate) channel: String,
    pub(crate) purpose: String,
}

/// As many workers as the service has: one for each processor it may use.
#[actix_web::main]
pub(crate) async fn serve(place: &Place) -> Outcome {
    place.take()?;
    let listener = Place::announce()?;
    let server = HttpServer::new(|| App::new().route("/otp/send", web::post().to(echo)));
    Ok(server.listen(listener)?.run().await?)
}

async fn echo(body: web::Json<Body>) -> HttpResponse {
    HttpResponse::Created().json(body.into_inner())
}
