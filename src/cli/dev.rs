//! `countersign dev`: the whole service on one machine, with a simulated Restcomm and no configuration.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Outcome, keygen, print, stopped};
use crate::{
    app::{Admin, App, Dev, Surroundings, bind},
    config::{Config, Environment, Faults, StoreConfig, origin},
    domain::{clock::Clock, id::random_base62, policy::Tenant, random::Random},
    simulator::{self, Account, Simulator},
};

const COOL_DOWN: Duration = Duration::from_secs(5);
const TENANT: &str = "dev";
const ACCOUNT: &str = "simulated";
/// Numbers of nobody's, kept for fiction, stand for the caller's: this one, and the hundred from it on.
const FIRST_CALLER: u64 = 13_055_550_100;
const CALLERS: u64 = 100;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The port to listen on, on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where the data is kept
    #[arg(long, default_value = "countersign-data", value_name = "DIR")]
    data: PathBuf,
    /// A page of another origin that may use publishable keys, such as <http://localhost:5173>; may be given several
    /// times
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = origin)]
    origins: Vec<String>,
}

/// For the commands that work beside a service.
#[derive(clap::Args)]
pub(super) struct Data {
    /// The data directory of `countersign dev`, in place of a configuration
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Data {
    pub(super) fn is_given(&self) -> bool {
        self.data.is_some()
    }

    pub(super) fn config(
        &self,
        config: Option<&Path>,
        environment: &Environment,
    ) -> Result<StoreConfig, Faults> {
        match &self.data {
            None => StoreConfig::load(config, environment),
            Some(directory) => StoreConfig::load_text(&stored_part(directory), environment),
        }
    }
}

pub(super) async fn run(
    arguments: Arguments,
    config: Option<&Path>,
    environment: &Environment,
) -> Outcome {
    if config.is_some() {
        return Err(
            "dev takes no configuration; unset COUNTERSIGN_CONFIG, or run `countersign serve`"
                .into(),
        );
    }
    let Arguments {
        port,
        data,
        origins,
    } = arguments;
    let random = Random::system();
    prepare(&data, &random)?;
    let listener = bind("--port", ([127, 0, 0, 1], port).into())?;
    let address = listener.local_addr()?;
    let base = format!("http://{address}");
    let sid = format!("AC{}", random_base62(&random, 32));
    let token = random_base62(&random, 32);
    let mut config = Config::load_text(&text(&data, &base, &sid, &token)?, environment)?;
    if let Some(own) = config.tenants.iter_mut().find(|own| own.name == TENANT) {
        own.policy.cool_down = COOL_DOWN;
        own.policy.origins.extend(origins);
    }
    let tenant = check(&config, &data, &listener, &base)?;
    // Its routes are on the public listener, too, so a second `dev` may go without.
    let admin = TcpListener::bind(config.server.admin_bind).map_or(Admin::None, Admin::Bound);
    let clock = Clock::system();
    let account = Account::parse(&format!("{sid}:{token}"))?;
    let simulator = Simulator::new(account, clock.clone());
    let surroundings = Surroundings {
        clock,
        random,
        listener: Some(listener),
        admin,
        migrate: true,
        dev: Some(Dev { tenant, simulator }),
    };
    let app = App::build(config, surroundings).await?;
    print(&welcome(&base))?;
    Ok(app.run(stopped()).await?)
}

/// Whatever the environment adds, it must stay a service for this machine and the simulated Restcomm.
fn check(
    config: &Config,
    data: &Path,
    listener: &TcpListener,
    base: &str,
) -> Result<Tenant, String> {
    if config.server.bind != listener.local_addr().map_err(|error| error.to_string())? {
        return Err(
            "dev listens on 127.0.0.1 only; unset COUNTERSIGN__SERVER__BIND and use --port"
                .to_owned(),
        );
    }
    if !config.server.admin_bind.ip().is_loopback() {
        return Err(
            "dev listens on loopback only; unset COUNTERSIGN__SERVER__ADMIN_BIND".to_owned(),
        );
    }
    if config.database.sqlite_path() != Some(&database_file(data)) {
        return Err(
            "dev keeps its own database; unset COUNTERSIGN__DATABASE__URL, or run `countersign serve`"
                .to_owned(),
        );
    }
    let simulated = config.accounts.len() == 1
        && config
            .accounts
            .iter()
            .all(|account| account.base_url.as_str() == format!("{base}{}", simulator::REST_PATH));
    if !simulated {
        return Err(
            "dev talks to the simulated Restcomm only; unset COUNTERSIGN__RESTCOMM__…".to_owned(),
        );
    }
    let tenant = config
        .tenants
        .iter()
        .find(|tenant| tenant.name == TENANT)
        .cloned();
    Ok(tenant.ok_or("dev keeps the tenant `dev`")?)
}

/// Makes the data directory, readable by its owner only, and keys that stay the same over restarts.
fn prepare(data: &Path, random: &Random) -> Result<(), String> {
    let cannot = |error: std::io::Error| {
        format!(
            "cannot use the directory {}: {error}; choose another with --data",
            data.display()
        )
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(cannot)?;
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(keys_file(data));
    match file {
        Ok(mut file) => file
            .write_all(keygen::section(random).as_bytes())
            .map_err(cannot),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(cannot(error)),
    }
}

fn keys_file(data: &Path) -> PathBuf {
    data.join("keys.toml")
}

fn database_file(data: &Path) -> PathBuf {
    data.join("data.db")
}

/// The part of the configuration that the commands beside the service need, too.
fn stored_part(data: &Path) -> String {
    let url = toml::Value::from(format!("sqlite://{}", database_file(data).display()));
    format!(
        "[database]\nurl = {url}\n\
         [tenants.{TENANT}]\ndisplay_name = \"Countersign\"\ncountries = [\"*\"]\n\
         channels = [\"sms\", \"voice\", \"flashcall\"]\n\
         limits = {{ per_number = [], per_ip = [], per_prefix = [], per_country = [], per_key = [], per_tenant = [] }}\n"
    )
}

fn text(data: &Path, base: &str, sid: &str, token: &str) -> Result<String, String> {
    let file = keys_file(data);
    let keys = fs::read_to_string(&file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let bind = base.trim_start_matches("http://");
    let path = simulator::REST_PATH;
    let callers = (0..CALLERS).map(|place| format!("\"+{}\"", FIRST_CALLER + place));
    let callers = callers.collect::<Vec<_>>().join(", ");
    Ok(format!(
        "public_url = \"{base}\"\n[server]\nbind = \"{bind}\"\n{keys}\n{stored}[limits]\nper_number = []\n\
         [[restcomm]]\nname = \"{ACCOUNT}\"\nbase_url = \"{base}{path}\"\naccount_sid = \"{sid}\"\n\
         auth_token = \"{token}\"\nsms_from = \"Countersign\"\nvoice_from = \"+{FIRST_CALLER}\"\n\
         flashcall_from = [{callers}]\nmax_per_second = 100000\n",
        stored = stored_part(data),
    ))
}

fn welcome(base: &str) -> String {
    format!(
        "Countersign is ready at {base}. Try it:\n\n  \
         # a page with a phone, for the browser\n  \
         {base}/\n\n  \
         # send a code\n  \
         curl -s {base}/otp/send -H 'Content-Type: application/json' -d '{{\"to\":\"+351912345678\"}}'\n\n  \
         # look at the phone\n  \
         curl -s {base}/sim/phones/+351912345678\n\n  \
         # verify the code you read there\n  \
         curl -s {base}/otp/verify -H 'Content-Type: application/json' -d '{{\"to\":\"+351912345678\",\"code\":\"123456\"}}'\n\n\
         The API is described at {base}/docs/. Nothing leaves this machine: Restcomm and the phones are simulated. Stop with Ctrl-C.\n"
    )
}
