//! `dev` needs no key, so it must be out of reach of other machines, and of web pages that point a name of their own at
//! this one (DNS rebinding): only names of the loopback interface are answered.

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web,
};

use super::{Api, codes::ProblemCode, envelope, problem::Problem};

/// Refuses any `Host` but a loopback name.
pub async fn only<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let from_here = request
        .peer_addr()
        .is_some_and(|peer| peer.ip().is_loopback());
    if from_here && host.is_some_and(is_loopback) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let problem = Problem::new(ProblemCode::Forbidden).detail(
        "`countersign dev` answers only this machine, under the name localhost or 127.0.0.1.",
    );
    let api = request
        .app_data::<web::Data<Api>>()
        .expect("the application carries it");
    let answer = envelope::refuse(api, &problem);
    Ok(request.into_response(answer).map_into_right_body())
}

/// Whether `host`, with or without a port, names the loopback interface.
fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or((rest, "")),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return false;
    }
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.1.2.3",
            "[::1]:8080",
            "[::1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]:80",
            "[::1].evil.example",
            "localhost:x.evil.example",
            "localhost:",
            "127.0.0.1:80:80",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
