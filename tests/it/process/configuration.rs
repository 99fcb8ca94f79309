//! What `serve` refuses to start with, and how it says so.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::{
    countersign, finish, free_port, run, run_with,
    service::{Restcomm, Service, Settings},
};
use crate::database::{Database, Place, server};

/// A configuration that is whole, to be spoilt.
struct Draft {
    directory: TempDir,
    _place: Place,
    text: String,
}

impl Draft {
    async fn new() -> Self {
        let place = Database::Sqlite.create().await;
        // No message is sent, so nobody need be there.
        let restcomm = "127.0.0.1:9".to_owned();
        let settings = Settings {
            restcomm,
            ..Settings::new(&place.url, &Restcomm::start().await)
        };
        Self {
            directory: tempfile::tempdir().unwrap(),
            text: settings.text(free_port()),
            _place: place,
        }
    }

    fn file(&self, text: &str) -> PathBuf {
        let file = self.directory.path().join("countersign.toml");
        fs::write(&file, text).unwrap();
        file
    }

    /// Why `serve` does not start when `this` stands in place of `that`.
    async fn refusal(&self, that: &str, this: &str) -> String {
        assert!(self.text.contains(that), "{that}");
        let file = self.file(&self.text.replacen(that, this, 1));
        run_with(&file, &["serve"]).await.failed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_missing_is_named_at_once() {
    let draft = Draft::new().await;
    for said in [
        run(&["serve"]).await.failed(),
        run_with(&draft.file(""), &["serve"]).await.failed(),
    ] {
        assert!(said.contains("4 faults"), "{said}");
        for key in [
            "`public_url`",
            "`database.url`",
            "`keys.root`",
            "`restcomm`",
        ] {
            assert!(said.contains(key), "{key}: {said}");
        }
    }
    let said = run_with(&draft.directory.path().join("nowhere.toml"), &["serve"])
        .await
        .failed();
    assert!(said.contains("cannot read the file"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_refused_and_the_nearest_named() {
    let draft = Draft::new().await;
    for (right, wrong, nearest) in [
        ("bind =", "bnid =", "server.bind"),
        ("display_name", "displayname", "tenants.acme.display_name"),
        ("auth_token", "auth_tokn", "restcomm.main.auth_token"),
    ] {
        let said = draft.refusal(right, wrong).await;
        assert!(
            said.contains(&format!("did you mean `{nearest}`?")),
            "{said}"
        );
    }
    let mut command = countersign(&["serve"]);
    command.env("COUNTERSIGN__SERVER__BNID", "127.0.0.1:1");
    let said = finish(command).await.failed();
    assert!(
        said.contains("did you mean `COUNTERSIGN__SERVER__BIND`?"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn placeholders_do_not_pass_for_secrets_and_are_not_repeated() {
    let draft = Draft::new().await;
    let root = draft
        .text
        .lines()
        .find(|line| line.starts_with("root ="))
        .unwrap();
    for (that, this, key) in [
        (super::TOKEN, "changeme", "restcomm.main.auth_token"),
        (
            super::TOKEN,
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "restcomm.main.auth_token",
        ),
        (super::SID, "AC...", "restcomm.main.account_sid"),
        (
            root,
            "root = [\"k1:Y291bnRlcnNpZ24tZXhhbXBsZS1rZXktbm90LXNhZmU=\"]",
            "keys.root",
        ),
        (
            root,
            "root = [\"k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]",
            "keys.root",
        ),
        (root, "root = [\"k1:<base64 of 32 bytes>\"]", "keys.root"),
    ] {
        let said = draft.refusal(that, this).await;
        assert!(said.contains(&format!("`{key}`")), "{this}: {said}");
        assert!(
            !said.contains("aaaa") && !said.contains("Y291") && !said.contains("AAAA"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protection_that_is_not_built_cannot_be_switched_on() {
    let draft = Draft::new().await;
    let tenant = "display_name = \"Acme Bank\"";
    for setting in [
        "challenge = \"altcha\"",
        "guard = { mode = \"enforce\" }",
        "daily_budget = \"10.00\"",
        "webhook = { url = \"https://acme.example/hooks\", secret = \"whsec_5ad8a41b22f1\" }",
    ] {
        let said = draft.refusal(tenant, &format!("{tenant}\n{setting}")).await;
        assert!(
            said.contains("is not available in this version"),
            "{setting}: {said}"
        );
        assert!(!said.contains("whsec_"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protection_cannot_be_opened_to_everybody() {
    let draft = Draft::new().await;
    let everybody = "trusted_proxies = [\"0.0.0.0/0\"]\n[database]";
    let said = draft.refusal("[database]", everybody).await;
    assert!(
        said.contains("`server.trusted_proxies` holds \"0.0.0.0/0\""),
        "{said}"
    );
    let tenant = "display_name = \"Acme Bank\"";
    for origin in ["*", "null", "https://*.acme.example"] {
        let any = format!("{tenant}\norigins = [\"{origin}\"]");
        let said = draft.refusal(tenant, &any).await;
        assert!(said.contains("`tenants.acme.origins` holds"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_different_kinds_are_named_together() {
    let draft = Draft::new().await;
    let text = draft
        .text
        .replace("https://otp.acme.test", "http://otp.acme.test")
        .replace(super::TOKEN, "secret")
        .replace(
            "countries = [\"*\"]",
            "countries = [\"XX\"]\nchallenge = \"altcha\"",
        );
    let said = run_with(&draft.file(&text), &["serve"]).await.failed();
    assert!(said.contains("4 faults"), "{said}");
    let keys = [
        "public_url",
        "restcomm.main.auth_token",
        "tenants.acme.countries",
        "tenants.acme.challenge",
    ];
    for key in keys {
        assert!(said.contains(&format!("`{key}`")), "{key}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_may_stand_in_a_file_and_the_environment_goes_before_both() {
    let place = Database::Sqlite.create().await;
    let restcomm = Restcomm::start().await;
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    fs::write(&token, format!("{}\n", super::TOKEN)).unwrap();
    let mut settings = Settings::new(&place.url, &restcomm);
    settings.token = format!("auth_token_file = \"{}\"", token.display());
    settings.wait = "1s";
    let service = Service::start_by(&settings, |mut command| {
        command.env("COUNTERSIGN__DELIVERY__WAIT", "200ms");
        command
    })
    .await;
    service.client.sent("+351912345678").await;
    restcomm.answer_with("slow:500ms").await;
    let answer = service.client.send("+351912345679").await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_cannot_be_used_is_named_without_its_password() {
    const PASSWORD: &str = "hunter2-hunter2";
    let draft = Draft::new().await;
    let url = draft
        .text
        .lines()
        .find(|line| line.starts_with("url ="))
        .unwrap();
    let there = reqwest::Url::parse(&server()).unwrap();
    let (host, port) = (there.host_str().unwrap(), there.port().unwrap_or(5432));
    for (address, reason) in [
        (
            format!("postgres://postgres:{PASSWORD}@127.0.0.1:1/x"),
            "127.0.0.1:1",
        ),
        (
            format!("postgres://nobody_here:{PASSWORD}@{host}:{port}/postgres"),
            "nobody_here",
        ),
        (
            format!("postgres://postgres:{PASSWORD}@{host}:{port}/no_such_database"),
            "no_such_database",
        ),
    ] {
        let said = draft.refusal(url, &format!("url = \"{address}\"")).await;
        assert!(
            said.contains("cannot open the database postgres://"),
            "{said}"
        );
        assert!(said.contains(reason), "{reason}: {said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let draft = Draft::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let bind = draft
        .text
        .lines()
        .find(|line| line.starts_with("bind ="))
        .unwrap();
    let said = draft.refusal(bind, &format!("bind = \"{address}\"")).await;
    assert!(
        said.contains(&address) && said.contains("server.bind"),
        "{said}"
    );
}
