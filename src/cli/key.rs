//! `countersign key`

use std::{
    io::{Write as _, stderr},
    path::Path,
    time::Duration,
};

use super::{Outcome, dev, open, print};
use crate::{
    config::{Environment, duration},
    domain::{
        clock::{Clock, Timestamp},
        key::{ApiKey, KeyKind, KeyState, Scope},
        random::Random,
    },
    store::ApiKeyRecord,
};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a key and print it, once: only its hash is kept
    Create {
        /// Whose key it is
        #[arg(long)]
        tenant: String,
        /// `secret`: for servers; `publishable`: for pages in browsers, from the tenant's origins only
        #[arg(long, default_value = "secret", value_parser = kind)]
        kind: KeyKind,
        /// What it may do, separated by commas: send (and cancel), verify, read; by default all that its kind may do,
        /// which for publishable keys is send and verify
        #[arg(long, value_delimiter = ',', value_parser = scope)]
        scopes: Option<Vec<Scope>>,
        /// When it stops working, such as `90d`; by default never
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        expires_in: Option<Duration>,
        #[command(flatten)]
        data: dev::Data,
    },
    /// List keys by name; the keys themselves are not kept
    List {
        /// Only those of this tenant
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        data: dev::Data,
    },
    /// Revoke a key: the next send or check with it is refused, on every replica
    Revoke {
        /// Its name, as listed, or the key itself
        name: String,
        #[command(flatten)]
        data: dev::Data,
    },
}

pub(super) async fn run(
    command: Command,
    config: Option<&Path>,
    environment: &Environment,
) -> Outcome {
    let clock = Clock::system();
    match command {
        Command::Create {
            tenant,
            kind,
            scopes,
            expires_in,
            data,
        } => {
            let scopes = allowed(kind, scopes)?;
            let from_data = data.is_given();
            let config = data.config(config, environment)?;
            let store = open(&config).await?;
            let mut tenants = store.stored_tenants().await?;
            tenants.extend(config.tenants);
            let Some(known) = tenants.into_iter().find(|known| known.name == tenant) else {
                return Err(
                    format!("there is no tenant `{tenant}`; `tenant list` names them").into(),
                );
            };
            if kind == KeyKind::Publishable && known.policy.origins.is_empty() {
                warn_of_no_origin(&tenant, from_data);
            }
            let key = ApiKey::generate(kind, &Random::system());
            let now = clock.now();
            let record = ApiKeyRecord {
                name: key.name().to_owned(),
                tenant,
                kind,
                scopes,
                created_at: now,
                state: KeyState {
                    expires_at: expires_in.map(|span| now.plus(span)),
                    revoked_at: None,
                },
            };
            store.insert_key(&key, &record).await?;
            store.close().await;
            print(key.expose())?;
            print("\n")
        }
        Command::List { tenant, data } => {
            let store = open(&data.config(config, environment)?).await?;
            let keys = store.list_keys(tenant.as_deref()).await?;
            store.close().await;
            print(
                &keys
                    .iter()
                    .map(|key| line(key, clock.now()))
                    .collect::<String>(),
            )
        }
        Command::Revoke { name, data } => {
            let store = open(&data.config(config, environment)?).await?;
            let name = ApiKey::parse(&name).map_or(name, |(_, key)| key.name().to_owned());
            let revoked = store.revoke_key(&name, clock.now()).await?;
            store.close().await;
            if revoked {
                Ok(())
            } else {
                Err("there is no such key; `key list` names them".into())
            }
        }
    }
}

fn line(key: &ApiKeyRecord, now: Timestamp) -> String {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let state = match key.state {
        KeyState {
            revoked_at: Some(at),
            ..
        } => format!("revoked {}", at.rfc3339()),
        KeyState {
            expires_at: Some(at),
            ..
        } if at <= now => format!("expired {}", at.rfc3339()),
        KeyState {
            expires_at: Some(at),
            ..
        } => format!("expires {}", at.rfc3339()),
        KeyState { .. } => "valid".to_owned(),
    };
    let created = key.created_at.rfc3339();
    format!(
        "{}\t{}\t{}\t{}\tcreated {created}\t{state}\n",
        key.name,
        key.tenant,
        key.kind.as_str(),
        scopes.join(",")
    )
}

/// The scopes that were asked for, each once, or all that a key of this kind may have.
fn allowed(kind: KeyKind, asked: Option<Vec<Scope>>) -> Result<Vec<Scope>, String> {
    let all = kind.scopes();
    let Some(asked) = asked else {
        return Ok(all.to_vec());
    };
    if let Some(beyond) = asked.iter().find(|scope| !all.contains(scope)) {
        return Err(format!(
            "a {} key is in everybody's hands and cannot have the scope `{}`; leave it out, or make a secret key",
            kind.as_str(),
            beyond.as_str()
        ));
    }
    Ok(all
        .iter()
        .copied()
        .filter(|scope| asked.contains(scope))
        .collect())
}

/// On standard error, since standard output is for the key.
fn warn_of_no_origin(tenant: &str, of_dev: bool) {
    let advice = if of_dev {
        "this key works only from origins that `countersign dev` was started with: --origin ORIGIN"
            .to_owned()
    } else {
        format!(
            "the tenant `{tenant}` has no origins yet, so no page can use this key; set its `origins`"
        )
    };
    let _ = writeln!(stderr(), "countersign: {advice}");
}

fn kind(word: &str) -> Result<KeyKind, String> {
    match (KeyKind::parse(word), word) {
        (Some(kind), _) => Ok(kind),
        (None, "admin") => Err("admin keys are not available in this version".to_owned()),
        (None, _) => Err("must be secret or publishable".to_owned()),
    }
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::parse(word).ok_or_else(|| "must be send, verify or read".to_owned())
}
