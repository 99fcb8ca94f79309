//! Whole configurations, as an operator writes them.

mod addresses;
mod callers;
mod channels;
mod environment;
mod files;
mod loading;
mod messages;
mod not_built;
mod pages;
mod secrets;
mod tenants;
mod unknown;

use std::io::Write as _;

use tempfile::NamedTempFile;

use super::*;

const ROOT_KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const OLDER_KEY: &str = "k0:IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";
const TOKEN: &str = "5f0c1e7ab93d4826";

/// The least that `serve` starts with.
const LEAST: &str = r#"
public_url = "https://otp.example.com"
[database]
url = "sqlite:///var/lib/countersign/data.db"
[keys]
root = ["k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="]
[[restcomm]]
name = "main"
base_url = "https://cloud.restcomm.com/restcomm/2012-04-24"
account_sid = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
auth_token = "5f0c1e7ab93d4826"
sms_from = "OTPApp"
"#;

const NOTHING: [(&str, &str); 0] = [];

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Config, Faults> {
    Config::load(Some(file(toml).path()), &environment(variables))
}

fn faults_of<T>(result: Result<T, Faults>) -> Vec<String> {
    let Err(faults) = result else {
        panic!("there is a fault, and none was found");
    };
    faults.iter().map(ToString::to_string).collect()
}

fn faults(toml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    faults_of(load(toml, variables))
}

/// The only fault of the least configuration with one key, written as `key = value` in `table`.
fn fault_with(table: &str, line: &str) -> String {
    let found = faults(&with(table, line), &NOTHING);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

/// The least configuration with one more line; `table` is a header such as `[keys]`, or empty.
/// The line takes the place of one for the same key.
fn with(table: &str, line: &str) -> String {
    let key = line.split(['=', '.']).next().unwrap().trim();
    let mut lines: Vec<&str> = Vec::new();
    let (mut here, mut done) = ("", false);
    if table.is_empty() {
        lines.push(line);
        done = true;
    }
    for old in LEAST.lines() {
        if old.starts_with('[') {
            here = old;
        }
        if here == table && old.split('=').next().unwrap().trim() == key {
            continue;
        }
        lines.push(old);
        if old == table && !table.is_empty() {
            lines.push(line);
            done = true;
        }
    }
    if !done {
        lines.extend([table, line]);
    }
    lines.join("\n")
}

/// Like [`with`], for a tenant `acme`.
fn with_tenant(line: &str) -> String {
    let name = if line.starts_with("display_name") {
        ""
    } else {
        "display_name = \"Acme Bank\""
    };
    format!("{LEAST}\n[tenants.acme]\n{name}\n{line}\n")
}
