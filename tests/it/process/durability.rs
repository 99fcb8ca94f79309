//! What is answered is on the disk: counted in system calls.

use std::{fs, path::Path, process::Command};

use serde_json::json;

use super::service::{Restcomm, Service, Settings};
use crate::database::Database;

/// How often the disk was waited for so far. strace writes a line before the call returns.
fn syncs(trace: &Path) -> usize {
    let trace = fs::read_to_string(trace).unwrap();
    let is_sync = |line: &&str| line.contains("sync") && line.ends_with("= 0");
    trace.lines().filter(is_sync).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_of_a_service_on_sqlite_costs_a_wait_for_the_disk() {
    let place = Database::Sqlite.create().await;
    let restcomm = Restcomm::start().await;
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    // The tracer is a grandchild, so that the service stays ours to stop.
    let traced = |serve: Command| {
        let mut strace = Command::new("strace");
        strace.args(["-D", "-f", "-e", "trace=fsync,fdatasync", "-o"]);
        strace
            .arg(&trace)
            .arg(serve.get_program())
            .args(serve.get_args());
        strace
    };
    let service = Service::start_by(&Settings::new(&place.url, &restcomm), traced).await;
    let client = &service.client;

    let mut sent = Vec::new();
    let mut fewest = usize::MAX;
    for n in 0..10 {
        let before = syncs(&trace);
        let number = format!("+3519123400{n:02}");
        let id = client.sent(&number).await;
        let after = syncs(&trace);
        assert!(before < after, "send {n}: {before} and {after} syncs");
        // Restcomm's "accepted" is kept a moment later; it must not be counted for the next send.
        client.until_sent(&id).await;
        fewest = fewest.min(syncs(&trace) - before);
        sent.push((id, number));
    }
    // Its own commit and that of "accepted"; now and then the service writes for itself.
    assert!(fewest <= 3, "{fewest} syncs a send");
    for (id, number) in &sent {
        let before = syncs(&trace);
        let approved = client
            .verify(id, &restcomm.code(number).await)
            .await
            .unwrap();
        assert_eq!(approved.status, 200);
        assert!(before < syncs(&trace), "an approval");
    }
    // Nothing but the send itself is written while Restcomm is silent.
    restcomm.answer_with("hang").await;
    for n in 0..5 {
        let before = syncs(&trace);
        let body = json!({ "to": format!("+3519123401{n:02}") });
        let answer = client.post("/otp/send", &body).await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert!(before < syncs(&trace), "a send that waits");
    }
}
