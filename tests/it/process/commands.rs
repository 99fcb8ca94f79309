//! The commands that need no service, and those that look at one.

use std::fs;

use countersign::config::{Config, Environment};
use reqwest::Method;

use super::{
    Process, SID, countersign, finish, free_port, run, run_with,
    service::{Restcomm, Service, Settings},
};
use crate::{app::on_both, database::Database};

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_what_it_is_for() {
    for (command, purpose) in [
        ("", "Proves that a person holds a phone number"),
        ("dev", "without any configuration"),
        ("serve", "Run the service"),
        ("migrate", "Create or upgrade the schema"),
        ("tenant", "own policy and keys"),
        ("tenant apply", "Create or replace the tenants"),
        ("tenant list", "List all tenants"),
        ("tenant show", "Show the policy of one tenant"),
        ("key", "API keys"),
        ("key create", "Make a key and print it, once"),
        ("key list", "List keys by name"),
        ("key revoke", "Revoke a key"),
        ("keygen", "Print a fresh [keys] section"),
        ("openapi", "Print the OpenAPI document"),
        ("simulator", "Run the simulated Restcomm alone"),
        ("healthcheck", "Exit with 0 when the service"),
    ] {
        let words = command.split_whitespace().chain(["--help"]);
        let help = run(&words.collect::<Vec<_>>()).await.succeeded();
        assert!(help.contains(purpose), "{command}: {help}");
        assert!(
            !help.contains('`') || command.is_empty() || help.contains("COUNTERSIGN__"),
            "{help}"
        );
    }
    assert!(
        run(&["--version"])
            .await
            .succeeded()
            .starts_with("countersign 0.")
    );
    assert!(run(&[]).await.misused().contains("Usage:"));
    assert!(run(&["serv"]).await.misused().contains("serve"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keygen_prints_a_section_that_serve_takes_and_never_the_same_twice() {
    let restcomm = Restcomm::start().await;
    let place = Database::Sqlite.create().await;
    let text = Settings::new(&place.url, &restcomm).text(free_port());
    let section = run(&["keygen"]).await.succeeded();
    assert_ne!(section, run(&["keygen"]).await.succeeded());
    let (before, rest) = text.split_once("[keys]\n").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let text = format!("{before}{section}{after}");
    let config = Config::load_text(&text, &Environment::default()).unwrap();
    assert_eq!((config.keys.root.len(), config.keys.signing.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_prints_the_document_that_is_in_the_repository_and_that_is_served() {
    let printed = run(&["openapi"]).await.succeeded();
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    assert_eq!(printed, fs::read_to_string(committed).unwrap());

    let place = Database::Sqlite.create().await;
    let service = Service::start(&Settings::new(&place.url, &Restcomm::start().await)).await;
    let served = service
        .client
        .ask(Method::GET, "/openapi.json", String::new())
        .await;
    assert_eq!(served.unwrap().text, printed);
}

on_both! {
    async fn migrate_makes_the_schema_that_serve_may_be_told_not_to_make(database) {
        let place = database.create().await;
        let restcomm = Restcomm::start().await;
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("countersign.toml");
        fs::write(&config, Settings::new(&place.url, &restcomm).text(free_port())).unwrap();
        let refused = run_with(&config, &["serve", "--no-migrate"]).await.failed();
        assert!(refused.contains("run `countersign migrate`"), "{refused}");
        for _ in 0..2 {
            assert_eq!(run_with(&config, &["migrate"]).await.succeeded(), "");
        }
        let config = config.to_str().unwrap();
        let mut serve = Process::spawn(countersign(&["serve", "--no-migrate", "--config", config]));
        while !serve.said().contains("service.started") {
            assert!(serve.status().is_none(), "{}", serve.said());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_logs_for_machines_unless_told_to_log_for_people() {
    let place = Database::Sqlite.create().await;
    let restcomm = Restcomm::start().await;
    let settings = Settings::new(&place.url, &restcomm);
    let service = Service::start(&settings).await;
    let said = service.process.said();
    let started = said.lines().find(|line| line.contains("service.started"));
    let line: serde_json::Value = serde_json::from_str(started.unwrap()).unwrap();
    assert_eq!(
        (&line["level"], &line["event"], &line["target"]),
        (
            &"INFO".into(),
            &"service.started".into(),
            &"countersign::cli::serve".into()
        )
    );
    drop(service);
    let service = Service::start_by(&settings, |mut command| {
        command.env("COUNTERSIGN_LOG_FORMAT", "text");
        command
    })
    .await;
    let said = service.process.said();
    assert!(said.contains("Z  INFO service.started address="), "{said}");
    let misused = super::run(&["--log-format", "xml", "keygen"])
        .await
        .misused();
    assert!(misused.contains("json"), "{misused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn healthcheck_tells_by_its_exit_code_whether_the_service_is_ready() {
    let place = Database::Sqlite.create().await;
    let restcomm = Restcomm::start().await;
    let mut service = Service::start(&Settings::new(&place.url, &restcomm)).await;
    let base = service.client.base.clone();
    run_with(&service.config, &["healthcheck"])
        .await
        .succeeded();
    run(&["healthcheck", "--url", &base]).await.succeeded();

    // As in a container: by the environment alone, and the listener on every interface.
    let mut command = countersign(&["healthcheck"]);
    let port = base.rsplit_once(':').unwrap().1;
    command.env("COUNTERSIGN__SERVER__BIND", format!("0.0.0.0:{port}"));
    finish(command).await.succeeded();
    let mut command = countersign(&["healthcheck"]);
    command.env("COUNTERSIGN_CONFIG", &service.config);
    finish(command).await.succeeded();

    service.process.kill();
    let failed = run_with(&service.config, &["healthcheck"]).await.failed();
    assert!(
        failed.contains(&format!("nothing answers at {base}")),
        "{failed}"
    );
    // Something answers, but is not a service that is ready.
    let other = format!("http://{}", restcomm.address);
    let failed = run(&["healthcheck", "--url", &other]).await.failed();
    assert!(failed.contains("is not ready: status 404"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_runs_alone_for_the_account_it_was_given() {
    let restcomm = Restcomm::start().await;
    let http = super::service::http();
    let url = format!(
        "http://{}/restcomm/2012-04-24/Accounts/{SID}/SMS/Messages.json",
        restcomm.address
    );
    let send = |token: &'static str| {
        let form = [("From", "Acme"), ("To", "+351912345678"), ("Body", "hello")];
        let request = http.post(&url).basic_auth(SID, Some(token)).form(&form);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(send("wrong").await, 401);
    assert_eq!(send(super::TOKEN).await, 200);
    assert_eq!(restcomm.texts("+351912345678").await, ["hello"]);
    let said = restcomm.process.said();
    assert!(said.contains(SID) && !said.contains(super::TOKEN), "{said}");

    assert!(run(&["simulator"]).await.misused().contains("--account"));
    let account = format!("{SID}:{}", super::TOKEN);
    let port = restcomm.port().to_string();
    let taken = run(&["simulator", "--port", &port, "--account", &account])
        .await
        .failed();
    assert!(taken.contains("cannot listen"), "{taken}");
}
