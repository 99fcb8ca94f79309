use std::{fs, path::Path};

use secrecy::ExposeSecret as _;

use super::*;

#[test]
fn every_secret_can_come_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &str| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let root = put("root", &format!("{ROOT_KEY}\r\n\n  {OLDER_KEY}\n"));
    let signing = put("signing", &ROOT_KEY.replace("k1", "s1"));
    let token = put("token", &format!("{TOKEN}\n"));
    let url = put("url", "postgres://otp:5f0c1e7a@db/otp\n");
    let toml = LEAST
        .replace(
            "url = \"sqlite:///var/lib/countersign/data.db\"",
            &format!("url_file = {url:?}"),
        )
        .replace(
            &format!("root = [\"{ROOT_KEY}\"]"),
            &format!("root_file = {root:?}"),
        )
        .replace(
            &format!("auth_token = \"{TOKEN}\""),
            &format!("auth_token_file = {token:?}"),
        );
    let config = load(&toml, &[("COUNTERSIGN__KEYS__SIGNING_FILE", &signing)]).unwrap();
    assert_eq!(config.database.expose(), "postgres://otp:5f0c1e7a@db/otp");
    assert_eq!(config.accounts[0].auth_token.expose_secret(), TOKEN);
    let ids: Vec<&str> = config.keys.root.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["k1", "k0"]);
    assert_eq!(config.keys.signing[0].id, "s1");
}

#[test]
fn a_secret_given_twice_is_a_fault() {
    let found = fault_with("[keys]", "root_file = \"/run/secrets/root\"");
    assert_eq!(
        found,
        "`keys.root` is given twice, also as `keys.root_file`; remove one of them"
    );
    let variables = [(
        "COUNTERSIGN__RESTCOMM__MAIN__AUTH_TOKEN_FILE",
        "/run/secrets/restcomm",
    )];
    let found = faults(LEAST, &variables);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("`restcomm.main.auth_token_file`"),
        "{found:?}"
    );
}

#[test]
fn a_secret_file_that_cannot_be_read_is_a_fault_of_its_key() {
    let toml = LEAST.replace(
        &format!("auth_token = \"{TOKEN}\""),
        "auth_token_file = \"/nowhere/token\"",
    );
    let found = faults(&toml, &NOTHING);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(
        "`restcomm.main.auth_token_file` names `/nowhere/token`, which cannot be read: "
    ));
}

#[test]
fn a_fault_of_a_secret_file_names_the_key_of_the_file() {
    let token = file("changeme\n");
    let line = format!("auth_token_file = {:?}", token.path());
    let toml = LEAST.replace(&format!("auth_token = \"{TOKEN}\""), &line);
    let found = faults(&toml, &NOTHING);
    assert_eq!(
        found,
        [
            "`restcomm.main.auth_token_file` is a placeholder; copy the account's token from Restcomm"
        ]
    );
}

#[test]
fn a_file_that_is_not_there_is_a_fault() {
    let found = faults_of(Config::load(
        Some(Path::new("/nowhere/c.toml")),
        &Environment::default(),
    ));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("cannot read the file `/nowhere/c.toml`: "),
        "{found:?}"
    );
}

#[test]
fn broken_toml_is_one_fault_with_its_place_and_without_its_content() {
    let toml = LEAST.replace(&format!("\"{TOKEN}\""), &format!("\"{TOKEN}"));
    let found = faults(&toml, &NOTHING);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("is not TOML, line 11, column "),
        "{found:?}"
    );
    assert!(!found[0].contains(TOKEN), "{found:?}");
    let found = faults(&LEAST.replace(&format!("\"{TOKEN}\""), TOKEN), &NOTHING);
    assert!(!found[0].contains(TOKEN), "{found:?}");
    let twice = format!("auth_token = \"{TOKEN}\"\n");
    let found = faults(&LEAST.replace(&twice, &twice.repeat(2)), &NOTHING);
    assert!(found[0].contains("line 12, column 1"), "{found:?}");
    assert!(!found[0].contains(TOKEN), "{found:?}");
}

#[test]
fn the_other_commands_need_only_the_database() {
    let toml = "[database]\nurl = \"sqlite:data.db\"\n[tenants.acme]\ndisplay_name = \"Acme\"\naccounts = [\"main\"]\n";
    let config = StoreConfig::load(Some(file(toml).path()), &Environment::default()).unwrap();
    assert_eq!(config.database.sqlite_path(), Some(Path::new("data.db")));
    assert_eq!(config.tenants[0].name, "acme");
}

#[test]
fn the_other_commands_open_no_secret_they_do_not_need() {
    let toml = LEAST
        .replace(
            &format!("root = [\"{ROOT_KEY}\"]"),
            "root_file = \"/nowhere/root\"",
        )
        .replace(
            &format!("auth_token = \"{TOKEN}\""),
            "auth_token_file = \"/nowhere/token\"",
        );
    assert!(StoreConfig::load(Some(file(&toml).path()), &Environment::default()).is_ok());
}

#[test]
fn the_other_commands_report_unknown_keys_and_faults_of_what_they_read() {
    let toml = "[server]\nbnid = \"\"\n[tenants.acme]\nchallenge = \"altcha\"\n";
    let found = faults_of(StoreConfig::load(
        Some(file(toml).path()),
        &Environment::default(),
    ));
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].contains("server.bnid"));
    assert!(found[1].contains("tenants.acme.challenge"));
    assert!(found[2].contains("database.url"));
    assert!(found[3].contains("tenants.acme.display_name"));
}
