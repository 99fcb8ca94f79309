//! `countersign tenant`

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Outcome, dev, open, print};
use crate::{
    config::{Environment, StoreConfig, tenants_from_file},
    domain::{
        clock::Clock,
        limits::Rate,
        policy::{Countries, Policy, Resend, Tenant},
    },
};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Create or replace the tenants of a file with [tenants.NAME] tables, all or none
    Apply {
        /// A TOML file; `-` reads standard input
        file: PathBuf,
        #[command(flatten)]
        data: dev::Data,
    },
    /// List all tenants, and where each is kept
    List {
        #[command(flatten)]
        data: dev::Data,
    },
    /// Show the policy of one tenant, every default filled in
    Show {
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
    match command {
        Command::Apply { file, data } => {
            let config = data.config(config, environment)?;
            let tenants = read(&file)?;
            if let Some(twice) = tenants
                .iter()
                .find(|tenant| config.tenants.iter().any(|own| own.name == tenant.name))
            {
                let name = &twice.name;
                return Err(format!(
                    "the tenant `{name}` stands in the main configuration; change it there, or remove it there first"
                )
                .into());
            }
            let store = open(&config).await?;
            store.apply_tenants(&tenants, &Clock::system()).await?;
            store.close().await;
            for tenant in &tenants {
                print(&format!(
                    "{} applied
",
                    tenant.name
                ))?;
            }
            Ok(())
        }
        Command::List { data } => {
            let config = data.config(config, environment)?;
            let mut all: Vec<(Tenant, &str)> = stored(&config)
                .await?
                .into_iter()
                .map(|t| (t, "database"))
                .collect();
            all.extend(config.tenants.into_iter().map(|tenant| (tenant, "config")));
            all.sort_by(|(left, _), (right, _)| left.name.cmp(&right.name));
            let lines = all.iter().map(|(tenant, kept)| {
                format!("{}\t{kept}\t{}\n", tenant.name, tenant.policy.display_name)
            });
            print(&lines.collect::<String>())
        }
        Command::Show { name, data } => {
            let config = data.config(config, environment)?;
            let mut all = stored(&config).await?;
            all.extend(config.tenants);
            let tenant = all.into_iter().find(|tenant| tenant.name == name);
            let tenant = tenant
                .ok_or_else(|| format!("there is no tenant `{name}`; `tenant list` names them"))?;
            print(&toml_of(&tenant))
        }
    }
}

fn read(file: &Path) -> Result<Vec<Tenant>, Box<dyn std::error::Error + Send + Sync>> {
    if file == Path::new("-") {
        let text = std::io::read_to_string(std::io::stdin())?;
        return Ok(crate::config::tenants_from_text(&text)?);
    }
    Ok(tenants_from_file(file)?)
}

async fn stored(
    config: &StoreConfig,
) -> Result<Vec<Tenant>, Box<dyn std::error::Error + Send + Sync>> {
    let store = open(config).await?;
    let tenants = store.stored_tenants().await?;
    store.close().await;
    Ok(tenants)
}

/// A duration as the configuration reads it, to the millisecond.
fn duration(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    }
}

/// The policy in the shape of the file it was applied from.
fn toml_of(Tenant { name, policy }: &Tenant) -> String {
    let Policy {
        display_name,
        sender,
        accounts,
        channels,
        countries,
        origins,
        locale,
        messages,
        code,
        resend,
        fallback,
        limits,
        retention,
        ..
    } = policy;
    let text = |value: &str| toml::Value::from(value).to_string();
    let list = |values: &[String]| toml::Value::from(values.to_vec()).to_string();
    let rates = |rates: &[Rate]| list(&rates.iter().map(Rate::to_string).collect::<Vec<_>>());
    let channels: Vec<_> = channels.iter().map(|c| c.as_str().to_owned()).collect();
    let fallback = fallback.iter().map(|step| {
        let (after, channel) = (duration(step.after), step.channel.as_str());
        format!("{{ after = \"{after}\", channel = \"{channel}\" }}")
    });
    let fallback = fallback.collect::<Vec<_>>().join(", ");
    let countries = match countries {
        Countries::Anywhere => list(&["*".to_owned()]),
        Countries::Only(countries) => list(countries),
    };
    let resend = match resend {
        Resend::New => "new",
        Resend::Same => "same",
    };
    let mut out = format!("[tenants.{name}]\ndisplay_name = {}\n", text(display_name));
    if let Some(sender) = sender {
        let _ = writeln!(out, "sender = {}", text(sender));
    }
    let _ = write!(
        out,
        "accounts = {}\nchannels = {}\ncountries = {countries}\norigins = {}\nlocale = \"{}\"\n\
         code = {{ length = {}, ttl = \"{}\", attempts = {} }}\nresend = \"{resend}\"\n\
         fallback = [{fallback}]\nlimits = {{ per_number = {}, per_ip = {}, per_prefix = {}, per_country = {}, per_key = {}, \
         per_tenant = {} }}\nretention = \"{}\"\n",
        list(accounts),
        list(&channels),
        list(origins),
        locale.as_str(),
        code.length,
        duration(code.ttl),
        code.attempts,
        rates(&limits.per_number),
        rates(&limits.per_ip),
        rates(&limits.per_prefix),
        rates(&limits.per_country),
        rates(&limits.per_key),
        rates(&limits.per_tenant),
        duration(*retention),
    );
    if !messages.is_empty() {
        let messages = messages
            .iter()
            .map(|(language, message)| format!("{} = {}", language.as_str(), text(message)));
        let messages = messages.collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "messages = {{ {messages} }}");
    }
    out
}
