//! The platform on a port of its own.

use std::{io, net::TcpListener, time::Duration};

use actix_web::{App, HttpServer};

use super::Simulator;

/// Longer than clients keep an idle connection, so that none is closed while a request is on its way.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Serves until `shutdown` completes, then lets what is in flight finish for a second.
/// The REST API is found at the path of a real Restcomm too.
pub async fn serve(
    listener: TcpListener,
    simulator: Simulator,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let app = move || {
        let simulator = simulator.clone();
        App::new().configure(move |cfg| {
            simulator.configure(cfg);
            simulator.configure_rest(cfg, "/restcomm/2012-04-24");
        })
    };
    let mut server = HttpServer::new(app)
        .listen(listener)?
        .disable_signals()
        .h1_allow_half_closed(false) // a scripted hang ends when its client has left
        .shutdown_timeout(1)
        .keep_alive(KEEP_ALIVE)
        .run();
    let handle = server.handle();
    tokio::select! {
        ended = &mut server => ended,
        () = shutdown => {
            let ((), ended) = tokio::join!(handle.stop(true), server);
            ended
        }
    }
}
