//! Tenants: in the configuration, and applied to the database.

use std::fs;

use super::{
    Process, countersign, run_with,
    service::{Caller, Restcomm, Service, Settings},
};
use crate::app::on_both;

const FILE: &str = r#"
[tenants.shop]
display_name = "Corner \"Shop\""
sender = "Shop"
countries = ["PT", "US"]
channels = ["sms", "voice"]
fallback = [{ after = "20s", channel = "voice" }, { after = "7500ms", channel = "sms" }]
origins = ["https://shop.example", "http://localhost:5173"]
code = { length = 8, ttl = "2m", attempts = 3 }
locale = "pt-BR"
messages = { es = "{name}: {code}, {minutes}" }
resend = "same"
limits = { per_number = ["1/10m"], per_ip = ["7/1h"], per_prefix = [], per_country = ["9/24h"], per_tenant = ["1000/1h"] }
retention = "48h"

[tenants.bank]
display_name = "Bank"
countries = ["PT"]
"#;

on_both! {
    async fn applied_tenants_are_listed_shown_and_served_beside_those_of_the_configuration(database) {
        let place = database.create().await;
        let restcomm = Restcomm::start().await;
        let service = Service::start(&Settings::new(&place.url, &restcomm)).await;
        let file = service.directory().join("tenants.toml");
        fs::write(&file, FILE).unwrap();
        let command = async |arguments: &[&str]| run_with(&service.config, arguments).await;
        let path = file.to_str().unwrap();
        assert_eq!(command(&["tenant", "apply", path]).await.succeeded(), "bank applied\nshop applied\n");
        assert_eq!(
            command(&["tenant", "list"]).await.succeeded(),
            "acme\tconfig\tAcme Bank\nbank\tdatabase\tBank\nshop\tdatabase\tCorner \"Shop\"\n"
        );
        let shown = command(&["tenant", "show", "shop"]).await.succeeded();
        for line in ["channels = [\"sms\", \"voice\"]",
            "fallback = [{ after = \"20s\", channel = \"voice\" }, { after = \"7500ms\", channel = \"sms\" }]",
            "ttl = \"120s\"", "attempts = 3", "resend = \"same\"", "per_number = [\"1/10m\"]",
            "origins = [\"https://shop.example\", \"http://localhost:5173\"]", "per_ip = [\"7/1h\"]", "per_prefix = []",
            "per_country = [\"9/24h\"]",
            "locale = \"pt\"", "messages = { es = \"{name}: {code}, {minutes}\" }"] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        let shown_own = command(&["tenant", "show", "acme"]).await.succeeded();
        for line in ["Acme Bank", "\nchannels = [\"sms\"]\n", "\nfallback = []\n"] {
            assert!(shown_own.contains(line), "{line}: {shown_own}");
        }

        // What is shown can be applied again, here from standard input, and says the same.
        let config = service.config.to_str().unwrap();
        let mut apply = Process::spawn_with(countersign(&["tenant", "apply", "-", "--config", config]), &shown);
        assert_eq!(apply.ended().await.code(), Some(0), "{}", apply.said());
        assert_eq!(command(&["tenant", "show", "shop"]).await.succeeded(), shown);

        let key = command(&["key", "create", "--tenant", "shop"]).await.succeeded();
        let shop = Caller::new(&service.client.base, key.trim_end());
        assert_eq!(shop.send("+351912345678").await.unwrap().status, 201);
        assert_eq!(restcomm.code("+351912345678").await.len(), 8);
        assert_eq!(shop.send("+4915123456789").await.unwrap().status, 403);
        let said = command(&["tenant", "show", "nobody"]).await.failed();
        assert!(said.contains("there is no tenant `nobody`"), "{said}");
    }

    async fn one_name_in_both_places_is_a_fault_for_apply_and_for_serve(database) {
        let place = database.create().await;
        let restcomm = Restcomm::start().await;
        let mut service = Service::start(&Settings::new(&place.url, &restcomm)).await;
        let file = service.directory().join("tenants.toml");
        let path = file.to_str().unwrap().to_owned();
        fs::write(&file, format!("{FILE}[tenants.acme]\ndisplay_name = \"Other\"\n")).unwrap();
        let said = run_with(&service.config, &["tenant", "apply", &path]).await.failed();
        assert!(said.contains("the tenant `acme` stands in the main configuration"), "{said}");
        // All or none.
        assert_eq!(run_with(&service.config, &["tenant", "list"]).await.succeeded().lines().count(), 1);

        fs::write(&file, FILE).unwrap();
        run_with(&service.config, &["tenant", "apply", &path]).await.succeeded();
        service.process.terminate();
        service.process.ended().await;
        // An account that can do what `shop` asks for.
        let account = "[[restcomm]]\nvoice_from = \"+13055550100\"\n";
        let own = fs::read_to_string(&service.config).unwrap().replacen("[[restcomm]]\n", account, 1);
        let both = own + FILE;
        fs::write(&service.config, both).unwrap();
        let said = run_with(&service.config, &["serve"]).await.failed();
        for name in ["bank", "shop"] {
            assert!(said.contains(&format!("the tenant `{name}` stands in the configuration and in the database")), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_tenants_is_checked_before_anything_is_applied() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("countersign.toml");
    let url = directory.path().join("data.db");
    fs::write(
        &config,
        format!("[database]\nurl = \"sqlite://{}\"\n", url.display()),
    )
    .unwrap();
    let file = directory.path().join("tenants.toml");
    for (text, reason) in [
        ("[tenants.a]\n", "`tenants.a.display_name`"),
        (
            "[tenants.a]\ndisplay_name = \"A\"\ncode = { attempts = 9 }\n",
            "`tenants.a.code.attempts`",
        ),
        (
            "[tenants.a]\ndisplay_name = \"A\"\nfallback = [{ after = \"20s\", channel = \"flashcall\" }]\n",
            "`tenants.a.fallback.#1.channel`",
        ),
        (
            "[tenants.a]\ndisplay_name = \"A\"\nchallenge = \"altcha\"\n",
            "is not available in this version",
        ),
        (
            "[tenants.a]\ndisplay_name = \"A\"\n[server]\nbind = \"127.0.0.1:1\"\n",
            "`server`",
        ),
        ("[tenants", "is not TOML"),
    ] {
        fs::write(
            &file,
            format!("[tenants.fine]\ndisplay_name = \"Fine\"\n{text}"),
        )
        .unwrap();
        let said = run_with(&config, &["tenant", "apply", file.to_str().unwrap()])
            .await
            .failed();
        assert!(said.contains(reason), "{reason}: {said}");
        assert_eq!(run_with(&config, &["tenant", "list"]).await.succeeded(), "");
    }
}
