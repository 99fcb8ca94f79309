//! `countersign dev`: soon at hand, and out of reach of everybody else.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    PATIENCE, Process, SLACK, countersign, eventually, finish, run,
    service::{Caller, code_of, http},
};

pub(super) struct Dev {
    process: Process,
    directory: TempDir,
    pub(super) base: String,
    welcome: String,
}

impl Dev {
    pub(super) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    async fn start_in(directory: TempDir) -> Self {
        Self::start_with(directory, &[]).await
    }

    async fn start_with(directory: TempDir, more: &[&str]) -> Self {
        let data = directory.path().join("data");
        let arguments = ["dev", "--port", "0", "--data", data.to_str().unwrap()];
        let mut process = Process::spawn(countersign(&[&arguments, more].concat()));
        let welcome = process.prints("Stop with Ctrl-C").await;
        let base = welcome.split_once("is ready at ").unwrap().1;
        let base = base.split_once(". ").unwrap().0.to_owned();
        Self {
            process,
            directory,
            base,
            welcome,
        }
    }

    pub(super) fn data(&self) -> String {
        let data = self.directory.path().join("data");
        data.to_str().unwrap().to_owned()
    }

    /// Runs a line of the welcome, with `change` made to it, and gives the JSON it prints.
    fn curl(&self, marker: &str, change: (&str, &str)) -> Value {
        let mut lines = self.welcome.lines();
        let line = lines.find(|line| line.contains("curl") && line.contains(marker));
        let script = line.unwrap().replace(change.0, change.1);
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("no_proxy", "*")
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }

    fn client(&self, key: &str) -> Caller {
        Caller::new(&self.base, key)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_is_soon_ready_and_its_lines_can_be_copied_and_run() {
    let start = Instant::now();
    let mut dev = Dev::start().await;
    let ready = dev.client("").readiness().await;
    // Unoptimised, and beside other tests: what is measured is that nothing waits for a time-out.
    assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
    assert_eq!(ready, Some(200));

    let page = format!("{}/", dev.base);
    assert!(
        dev.welcome.lines().any(|line| line.trim() == page),
        "{}",
        dev.welcome
    );
    let page = http().get(page).send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");

    let sent = dev.curl("/otp/send", ("", ""));
    assert_eq!(sent["delivery"]["status"], "sent", "{sent}");
    let phone = dev.curl("/sim/phones/", ("", ""));
    let code = code_of(phone["items"][0]["text"].as_str().unwrap());
    let approved = dev.curl("/otp/verify", ("\"123456\"", &format!("\"{code}\"")));
    assert_eq!(approved["status"], "approved", "{approved}");

    dev.process.terminate();
    assert_eq!(dev.process.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_keeps_its_data_for_its_owner_and_over_a_restart() {
    let mut dev = Dev::start().await;
    let body = json!({ "to": "+351912345678" });
    let sent = dev.client("").post("/otp/send", &body).await.unwrap();
    assert_eq!(sent.status, 201, "{}", sent.text);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let data = dev.directory.path().join("data");
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = fs::read_dir(&data)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }

    dev.process.kill();
    let Dev { directory, .. } = dev;
    let dev = Dev::start_in(directory).await;
    assert_eq!(dev.client("").status(&sent.id()).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_answers_no_name_but_those_of_this_machine() {
    let dev = Dev::start().await;
    let port = dev.base.rsplit_once(':').unwrap().1;
    let http = http();
    for (host, status) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        ("rebound.example".to_owned(), 403),
        (format!("localhost.rebound.example:{port}"), 403),
        (format!("192.168.1.7:{port}"), 403),
    ] {
        for path in ["/readyz", "/sim/platform"] {
            let request = http.request(Method::GET, format!("{}{path}", dev.base));
            let answer = request.header("Host", &host).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{host} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_refuses_whatever_would_make_it_more_than_a_toy() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let arguments = ["dev", "--port", "0", "--data", data.to_str().unwrap()];
    for (variable, value, reason) in [
        (
            "COUNTERSIGN_CONFIG",
            "countersign.toml",
            "dev takes no configuration",
        ),
        (
            "COUNTERSIGN__SERVER__BIND",
            "0.0.0.0:8080",
            "127.0.0.1 only",
        ),
        (
            "COUNTERSIGN__SERVER__BIND",
            "127.0.0.1:8080",
            "127.0.0.1 only",
        ),
        (
            "COUNTERSIGN__RESTCOMM__SIMULATED__BASE_URL",
            "https://cloud.restcomm.com/restcomm/2012-04-24",
            "the simulated Restcomm only",
        ),
    ] {
        let mut command = countersign(&arguments);
        command.env(variable, value);
        let said = finish(command).await.failed();
        assert!(said.contains(reason), "{variable}: {said}");
    }
    // A second account beside the simulated one.
    let mut command = countersign(&arguments);
    let prefix = "COUNTERSIGN__RESTCOMM__REAL__";
    for (name, value) in [
        ("BASE_URL", "https://cloud.restcomm.com/restcomm/2012-04-24"),
        ("ACCOUNT_SID", super::SID),
        ("AUTH_TOKEN", super::TOKEN),
        ("SMS_FROM", "Acme"),
    ] {
        command.env(format!("{prefix}{name}"), value);
    }
    let said = finish(command).await.failed();
    assert!(said.contains("the simulated Restcomm only"), "{said}");
    let said = run(&["dev", "--port", "0", "--data", "/proc/nowhere"])
        .await
        .failed();
    assert!(said.contains("--data"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_tenants_of_a_dev_service_are_found_by_its_data_directory() {
    let dev = Dev::start().await;
    let data = dev.data();
    let tenants = dev.directory.path().join("tenants.toml");
    fs::write(
        &tenants,
        "[tenants.acme]\ndisplay_name = \"Acme\"\ncountries = [\"PT\"]\n",
    )
    .unwrap();
    let apply = [
        "tenant",
        "apply",
        tenants.to_str().unwrap(),
        "--data",
        &data,
    ];
    run(&apply).await.succeeded();
    let list = run(&["tenant", "list", "--data", &data]).await.succeeded();
    assert_eq!(list, "acme\tdatabase\tAcme\ndev\tconfig\tCountersign\n");
    for (tenant, channels) in [
        ("dev", "channels = [\"sms\", \"voice\", \"flashcall\"]\n"),
        ("acme", "channels = [\"sms\"]\n"),
    ] {
        let shown = run(&["tenant", "show", tenant, "--data", &data])
            .await
            .succeeded();
        assert!(shown.contains(channels), "{shown}");
    }
    for tenant in ["dev", "acme"] {
        let key = run(&["key", "create", "--tenant", tenant, "--data", &data])
            .await
            .succeeded();
        let client = dev.client(key.trim_end());
        client.sent("+351912345678").await;
    }
    assert_eq!(
        dev.client("cs_sk_wrong")
            .send("+351912345670")
            .await
            .unwrap()
            .status,
        401
    );
    let list = run(&["key", "list", "--data", &data]).await.succeeded();
    assert_eq!(list.lines().count(), 2, "{list}");
    let name = list.split('\t').next().unwrap();
    run(&["key", "revoke", name, "--data", &data])
        .await
        .succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_needs_a_publishable_key_and_dev_to_know_it() {
    let origin = "http://localhost:5173";
    let options = ["--origin", origin, "--origin", "https://app.acme.example"];
    let dev = Dev::start_with(tempfile::tempdir().unwrap(), &options).await;
    let create = [
        "key",
        "create",
        "--tenant",
        "dev",
        "--kind",
        "publishable",
        "--data",
    ];
    let printed = run(&[&create[..], &[&dev.data()]].concat()).await;
    assert!(
        printed
            .stderr
            .contains("`countersign dev` was started with: --origin"),
        "{}",
        printed.stderr
    );
    let key = printed.succeeded();
    let http = http();
    let send = async |origin: &str, key: &str| {
        let mut request = http.request(Method::POST, format!("{}/otp/send", dev.base));
        if !key.is_empty() {
            request = request.bearer_auth(key);
        }
        let request = request
            .header("Origin", origin)
            .header("Content-Type", "application/json");
        let answer = request
            .body(r#"{"to":"+351912345678","purpose":"p"}"#)
            .send()
            .await
            .unwrap();
        let readable = answer.headers().get("access-control-allow-origin").cloned();
        (answer.status().as_u16(), readable)
    };
    // Without a key only a page of dev's own.
    for stranger in [
        origin,
        "https://evil.example",
        "null",
        "http://localhost:1",
        "https://app.acme.example",
    ] {
        assert_eq!(send(stranger, "").await, (403, None), "{stranger}");
    }
    assert_eq!(send(&dev.base, "").await, (201, None));
    assert_eq!(
        send("https://evil.example", key.trim_end()).await,
        (403, None)
    );
    // The first send is 5 s ago at least, or it is too early: either way it is told to the page.
    let (status, readable) = send(origin, key.trim_end()).await;
    assert!(matches!(status, 200 | 429), "{status}");
    assert_eq!(readable.unwrap(), origin);

    let asked = http
        .request(Method::OPTIONS, format!("{}/otp/send", dev.base))
        .header("Origin", "https://evil.example")
        .header("Access-Control-Request-Method", "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status().as_u16(), 403);
    let refused = run(&["dev", "--origin", "http://app.acme.example"])
        .await
        .misused();
    assert!(refused.contains("`http` is only for loopback"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_shows_its_metrics_and_logs_for_people() {
    let dev = Dev::start().await;
    let client = dev.client("");
    client.sent("+351912345678").await;
    let metrics = client
        .ask(Method::GET, "/metrics", String::new())
        .await
        .unwrap();
    assert_eq!(metrics.status, 200, "{}", metrics.text);
    let sent = "countersign_sends_total{channel=\"sms\",outcome=\"created\"} 1\n";
    assert!(metrics.text.contains(sent), "{}", metrics.text);
    // The answer may be faster than the line.
    eventually("a line tells of it", PATIENCE, async || {
        dev.process.said().contains("request.done")
    })
    .await;
    let said = dev.process.said();
    let line = said.lines().find(|line| line.contains("request.done"));
    let line = line.unwrap_or_else(|| panic!("no line: {said}"));
    assert!(
        line.contains("Z  INFO request.done http.method=POST http.route=/otp/send http.status=201"),
        "{line}"
    );
}
