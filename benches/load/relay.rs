//! The second limit: a bare actix-web server that hands each send to Restcomm through reqwest, and keeps nothing.

use std::net::SocketAddr;

use actix_web::{App, HttpResponse, HttpServer, web};
use reqwest::Client;
use serde::{Deserialize, Serialize};

use crate::{Outcome, echo::Body, processes::Place, restcomm};

#[derive(Clone)]
struct Relay {
    client: Client,
    url: String,
}

/// Of Restcomm's answer, what is needed; also what the caller is told.
#[derive(Deserialize, Serialize)]
struct Message {
    sid: String,
}

/// As many workers as the service has, each with a client of its own, which is the fastest way to use reqwest here.
#[actix_web::main]
pub(crate) async fn serve(place: &Place, restcomm: SocketAddr) -> Outcome {
    place.take()?;
    let listener = Place::announce()?;
    let server = HttpServer::new(move || {
        let client = Client::builder().no_proxy().tls_certs_only([]).build();
        let relay = Relay {
            client: client.expect("a client without TLS needs nothing"),
            url: restcomm::messages_url(restcomm),
        };
        App::new()
            .app_data(web::Data::new(relay))
            .route("/otp/send", web::post().to(send))
    });
    Ok(server.listen(listener)?.run().await?)
}

async fn send(relay: web::Data<Relay>, body: web::Json<Body>) -> HttpResponse {
    match hand_over(&relay, &body).await {
        Ok(message) => HttpResponse::Created().json(message),
        Err(_) => HttpResponse::BadGateway().finish(),
    }
}

async fn hand_over(relay: &Relay, body: &Body) -> Result<Message, Box<dyn std::error::Error>> {
    let text =
        "123456 is your Acme Bank code. It is valid for 10 minutes. Do not share it with anyone.";
    let form = [
        ("From", restcomm::SENDER),
        ("To", body.to.as_str()),
        ("Body", text),
    ];
    let request = relay
        .client
        .post(&relay.url)
        .basic_auth(restcomm::SID, Some(restcomm::TOKEN))
        .form(&form);
    let response = request.send().await?.error_for_status()?;
    Ok(serde_json::from_slice(&response.bytes().await?)?)
}
