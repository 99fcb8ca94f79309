//! API keys, made and revoked beside a running service.

use super::{
    run_with,
    service::{Caller, Restcomm, Service, Settings},
};
use crate::app::on_both;

const CREATE: [&str; 4] = ["key", "create", "--tenant", "acme"];

async fn create(service: &Service, more: &[&str]) -> String {
    let printed = run_with(&service.config, &[&CREATE, more].concat()).await;
    assert_eq!(printed.stderr, "");
    printed.succeeded()
}

fn with_key(service: &Service, key: &str) -> Caller {
    Caller::new(&service.client.base, key)
}

async fn status_of_send(caller: &Caller, number: &str) -> u16 {
    caller.send(number).await.unwrap().status
}

on_both! {
    async fn a_key_works_as_soon_as_it_is_made_and_not_any_more_once_revoked(database) {
        let place = database.create().await;
        let restcomm = Restcomm::start().await;
        let service = Service::start(&Settings::new(&place.url, &restcomm)).await;

        let printed = create(&service, &[]).await;
        let key = printed.strip_suffix('\n').unwrap();
        assert!(key.starts_with("cs_sk_") && !key.contains(char::is_whitespace), "{printed}");
        let caller = with_key(&service, key);
        assert_eq!(status_of_send(&caller, "+351912345601").await, 201);

        let list = run_with(&service.config, &["key", "list"]).await.succeeded();
        assert_eq!(list.lines().count(), 2, "{list}");
        assert!(list.lines().all(|line| line.contains("\tacme\tsecret\tsend,verify,read\t")), "{list}");
        assert!(list.lines().all(|line| line.ends_with("valid")), "{list}");
        assert!(!list.contains(key), "{list}");
        let name = list.lines().map(|line| line.split('\t').next().unwrap()).find(|name| key.starts_with(name));
        // At most 8 characters of the random part.
        assert!(name.is_some_and(|name| name.len() <= "cs_sk_".len() + 8), "{list}");

        assert_eq!(run_with(&service.config, &["key", "revoke", name.unwrap()]).await.succeeded(), "");
        let refused = caller.send("+351912345602").await.unwrap();
        assert_eq!((refused.status, refused.code().as_str()), (401, "unauthenticated"));
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        let check = caller.verify("otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN", "123456").await.unwrap();
        assert_eq!(check.status, 401);
        assert_eq!(status_of_send(&service.client, "+351912345603").await, 201);
        let list = run_with(&service.config, &["key", "list", "--tenant", "acme"]).await.succeeded();
        assert_eq!(list.matches("\trevoked ").count(), 1, "{list}");

        // By the key itself, too, which then is not shown.
        let other = create(&service, &["--scopes", "send"]).await;
        let other = other.trim_end();
        assert_eq!(status_of_send(&with_key(&service, other), "+351912345604").await, 201);
        assert_eq!(run_with(&service.config, &["key", "revoke", other]).await.succeeded(), "");
        assert_eq!(status_of_send(&with_key(&service, other), "+351912345605").await, 401);
        let failed = run_with(&service.config, &["key", "revoke", "cs_sk_00000000"]).await.failed();
        assert!(failed.contains("there is no such key"), "{failed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_what_its_scopes_say_until_it_expires() {
    let place = crate::database::Database::Sqlite.create().await;
    let restcomm = Restcomm::start().await;
    let service = Service::start(&Settings::new(&place.url, &restcomm)).await;
    let reader = create(&service, &["--scopes", "read,verify"]).await;
    let reader = with_key(&service, reader.trim_end());
    assert_eq!(status_of_send(&reader, "+351912345601").await, 403);
    let id = service.client.sent("+351912345601").await;
    assert_eq!(reader.status(&id).await["status"], "pending");

    let brief = create(&service, &["--expires-in", "1s"]).await;
    let brief = with_key(&service, brief.trim_end());
    super::eventually("the key expires", super::PATIENCE, async || {
        brief.verify(&id, "000000").await.unwrap().status == 401
    })
    .await;
    let list = run_with(&service.config, &["key", "list"])
        .await
        .succeeded();
    assert_eq!(list.matches("\texpired ").count(), 1, "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_built_and_words_that_mean_nothing_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("countersign.toml");
    let url = directory.path().join("data.db");
    std::fs::write(
        &config,
        format!(
            "[database]\nurl = \"sqlite://{}\"\n[tenants.acme]\ndisplay_name = \"Acme\"\n",
            url.display()
        ),
    )
    .unwrap();
    let said = run_with(&config, &[&CREATE[..], &["--kind", "admin"]].concat())
        .await
        .misused();
    assert!(
        said.contains("admin keys are not available in this version"),
        "{said}"
    );
    let publishable = [&CREATE[..], &["--kind", "publishable"]].concat();
    let said = run_with(
        &config,
        &[&publishable[..], &["--scopes", "send,read"]].concat(),
    )
    .await
    .failed();
    assert!(said.contains("cannot have the scope `read`"), "{said}");
    for (option, value) in [
        ("--kind", "x"),
        ("--scopes", "send,x"),
        ("--expires-in", "soon"),
    ] {
        let said = run_with(&config, &[&CREATE[..], &[option, value]].concat())
            .await
            .misused();
        assert!(said.contains(option), "{said}");
    }
    let said = run_with(&config, &["key", "create", "--tenant", "nobody"])
        .await
        .failed();
    assert!(said.contains("there is no tenant `nobody`"), "{said}");
    // A file with the database alone is enough for a key.
    let key = run_with(&config, &CREATE).await.succeeded();
    assert!(key.starts_with("cs_sk_"), "{key}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishable_key_may_send_and_verify_and_wants_an_origin() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("countersign.toml");
    let url = directory.path().join("data.db");
    let publishable = [&CREATE[..], &["--kind", "publishable"]].concat();
    let write = |origins: &str| {
        let text = format!(
            "[database]\nurl = \"sqlite://{}\"\n[tenants.acme]\ndisplay_name = \"Acme\"\norigins = {origins}\n",
            url.display()
        );
        std::fs::write(&config, text).unwrap();
    };
    write("[]");
    let printed = run_with(&config, &publishable).await;
    assert_eq!(
        printed.stderr,
        "countersign: the tenant `acme` has no origins yet, so no page can use this key; set its `origins`\n"
    );
    let key = printed.succeeded();
    assert!(
        key.starts_with("cs_pk_") && key.len() == 35 && key.ends_with('\n'),
        "{key}"
    );
    write("[\"https://app.acme.example\"]");
    let printed = run_with(
        &config,
        &[&publishable[..], &["--scopes", "verify,verify"]].concat(),
    )
    .await;
    assert_eq!(printed.stderr, "");
    let list = run_with(&config, &["key", "list"]).await.succeeded();
    let mut rows: Vec<_> = list
        .lines()
        .map(|line| line.split('\t').skip(2).take(2).collect::<Vec<_>>())
        .collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        [["publishable", "send,verify"], ["publishable", "verify"]]
    );
}
