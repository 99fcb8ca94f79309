//! A disk that takes no more: the service says that it is not ready, does nothing it could not keep, and comes back.

use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{
    PATIENCE, eventually,
    service::{Restcomm, Service, Settings},
};
use crate::database::Database;

/// The same command, in a process that is told of a file that is too large instead of being killed by it.
fn told_of_full_disks(command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .env_clear()
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    shell
}

/// From now on no file of the process may grow beyond `bytes`.
fn limit(service: &Service, bytes: Option<u64>) {
    let process = i32::try_from(service.process.id())
        .ok()
        .and_then(Pid::from_raw);
    let most = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(process, Resource::Fsize, most).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_full_disk_a_service_is_not_ready_and_sends_nothing() {
    let place = Database::Sqlite.create().await;
    let restcomm = Restcomm::start().await;
    let settings = Settings::new(&place.url, &restcomm);
    let service = Service::start_by(&settings, |command| told_of_full_disks(&command)).await;
    service.client.sent("+351912345678").await;

    limit(&service, Some(0));
    eventually("it is not ready", PATIENCE, async || {
        service.client.readiness().await == Some(503)
    })
    .await;
    let send = service.client.send("+351912345679").await.unwrap();
    let said = service.process.said();
    assert_eq!(
        (send.status, send.code().as_str()),
        (503, "unavailable"),
        "{said}"
    );
    assert!(1 <= send.retry_after());

    limit(&service, None);
    eventually("it is ready again", PATIENCE, async || {
        service.client.readiness().await == Some(200)
    })
    .await;
    assert_eq!(restcomm.texts("+351912345679").await, [""; 0]);
    service.client.sent("+351912345679").await;
}
