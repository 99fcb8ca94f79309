//! The two listeners: the public one, and the operator's.

use std::{net::TcpListener, time::Duration};

use actix_web::{
    App as ActixApp, HttpServer,
    dev::Server,
    middleware::{Condition, from_fn},
    web,
};

use crate::{
    http::{self, Api, loopback},
    simulator::Simulator,
};

/// What is in flight may take this many seconds after SIGTERM.
const LAST_REQUESTS: u64 = 5;
/// How long a connection may take to send the head of a request.
const SLOWEST_HEAD: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Callers, and in `dev` the simulated Restcomm.
pub(super) fn public(
    listener: TcpListener,
    api: web::Data<Api>,
    simulator: Option<Simulator>,
) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        let (api, simulator) = (api.clone(), simulator.clone());
        let guard = api.keyless.is_some();
        ActixApp::new()
            .app_data(api.clone())
            .wrap(Condition::new(guard, from_fn(loopback::only)))
            .configure(|config| {
                if let Some(simulator) = &simulator {
                    simulator.configure(config);
                }
            })
            .configure(http::configure)
    });
    Ok(server
        .disable_signals()
        .shutdown_timeout(LAST_REQUESTS)
        // A caller that is gone needs no answer; what it asked for goes on in the journal.
        .h1_allow_half_closed(false)
        .client_request_timeout(SLOWEST_HEAD)
        .keep_alive(KEEP_ALIVE)
        .listen(listener)?
        .run())
}

/// Operators and what scrapes for them: few, and never in the way of callers.
pub(super) fn admin(listener: TcpListener, api: web::Data<Api>) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        let guard = api.keyless.is_some();
        ActixApp::new()
            .app_data(api.clone())
            .wrap(Condition::new(guard, from_fn(loopback::only)))
            .configure(http::configure_admin)
    });
    Ok(server
        .disable_signals()
        .workers(1)
        .shutdown_timeout(1)
        .h1_allow_half_closed(false)
        .client_request_timeout(SLOWEST_HEAD)
        .keep_alive(KEEP_ALIVE)
        .listen(listener)?
        .run())
}
