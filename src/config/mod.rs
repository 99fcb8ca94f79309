//! The settings: a TOML file with the environment laid over it, read into types that can only
//! hold what is allowed. Every fault is reported at once, by the name of its key. No other module
//! reads the environment.
//!
//! A new setting is a line in `schema` and a field where its table is read.

mod accounts;
mod callers;
mod channels;
mod database;
mod environment;
mod faults;
mod fields;
mod keys;
mod layers;
mod not_built;
mod placeholders;
mod schema;
mod shapes;
mod tenant;
#[cfg(test)]
mod tests;
mod urls;
mod values;

use std::{net::SocketAddr, ops::RangeInclusive, path::Path, time::Duration};

use ipnet::IpNet;
use toml::Table;

pub use accounts::{AccountConfig, SmsFrom};
pub use database::DatabaseUrl;
pub use environment::Environment;
pub use faults::{Fault, Faults};
pub use keys::{KeysConfig, RootKey, Secret32, SigningSeed};
pub use placeholders::EXAMPLE_ROOT_KEY;
pub use tenant::default_policy;
pub use urls::BaseUrl;

use crate::domain::{limits::Rate, policy::Tenant};

use faults::Sink;
use fields::Fields;

const WAIT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(10);

/// Everything that `serve` needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// `public_url`: where callers reach the service; no default.
    pub public_url: BaseUrl,
    pub server: ServerConfig,
    /// `database.url`: no default.
    pub database: DatabaseUrl,
    pub keys: KeysConfig,
    pub delivery: DeliveryConfig,
    /// `[[restcomm]]`: at least one, in the order they are tried.
    pub accounts: Vec<AccountConfig>,
    pub limits: LimitsConfig,
    /// `[tenants.NAME]`: may be empty, since others live in the database.
    pub tenants: Vec<Tenant>,
}

/// The listeners.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// `server.bind`: the public one; default `127.0.0.1:8080`.
    pub bind: SocketAddr,
    /// `server.admin_bind`: the operator's; default `127.0.0.1:9090`.
    pub admin_bind: SocketAddr,
    /// `server.trusted_proxies`: whose `X-Forwarded-For` is believed; default none.
    pub trusted_proxies: Vec<IpNet>,
}

/// How messages are handed to Restcomm.
#[derive(Clone, Debug)]
pub struct DeliveryConfig {
    /// `delivery.wait`: how long a caller waits for the hand-off; default `2500ms`.
    pub wait: Duration,
    /// `delivery.callback_url`: where Restcomm reaches this service; default `public_url`.
    pub callback_url: BaseUrl,
}

/// Limits counted over all tenants.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// `limits.per_number`: default `["5/10m", "20/24h"]`; empty: none.
    pub per_number: Vec<Rate>,
}

/// What the commands beside `serve` need: where the data is, and which tenants the file holds.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    pub database: DatabaseUrl,
    pub tenants: Vec<Tenant>,
}

impl Config {
    /// Reads and checks everything. `file`: none if all settings are in the environment.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, Faults> {
        Self::of(layers::read_file(file)?, environment)
    }

    /// Like [`Config::load`], of a text that the program made itself.
    pub fn load_text(text: &str, environment: &Environment) -> Result<Self, Faults> {
        Self::of(layers::parse(text, "the text")?, environment)
    }

    fn of(table: Table, environment: &Environment) -> Result<Self, Faults> {
        let (table, sink) = layered(table, environment);
        not_built::check(&table, &["restcomm", "tenants"], &sink);
        let config = Self::read(&Fields::new(&table, &sink));
        sink.conclude(config)
    }

    fn read(root: &Fields) -> Option<Self> {
        let public_url = root.required("public_url", BaseUrl::parse);
        let server = server(&root.table("server"));
        let database = database(&root.table("database"));
        let keys = keys::read(&root.table("keys"));
        let delivery = delivery(&root.table("delivery"), public_url.as_ref());
        let accounts = accounts::read_all(root);
        let limits = LimitsConfig {
            per_number: per_number(&root.table("limits")),
        };
        let tenants = tenant::read_all(root, Some(&accounts::known(root)));
        Some(Self {
            public_url: public_url?,
            server,
            database: database?,
            keys: keys?,
            delivery: delivery?,
            accounts: accounts?,
            limits,
            tenants: tenants?,
        })
    }
}

impl StoreConfig {
    /// Reads the database and the tenants. Of the rest only the names and types of the keys are
    /// checked, and no secret of it is opened.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, Faults> {
        Self::of(layers::read_file(file)?, environment)
    }

    /// Like [`StoreConfig::load`], of a text that the program made itself.
    pub fn load_text(text: &str, environment: &Environment) -> Result<Self, Faults> {
        Self::of(layers::parse(text, "the text")?, environment)
    }

    fn of(table: Table, environment: &Environment) -> Result<Self, Faults> {
        let (table, sink) = layered(table, environment);
        not_built::check(&table, &["tenants"], &sink);
        let root = Fields::new(&table, &sink);
        let database = database(&root.table("database"));
        let tenants = tenant::read_all(&root, None);
        let config = database.zip(tenants);
        sink.conclude(config.map(|(database, tenants)| Self { database, tenants }))
    }
}

/// The tenants of a file of `tenant apply`, which holds nothing else.
pub fn tenants_from_file(file: &Path) -> Result<Vec<Tenant>, Faults> {
    tenants_from_table(&layers::read_file(Some(file))?)
}

/// Like [`tenants_from_file`], of a text.
pub fn tenants_from_text(text: &str) -> Result<Vec<Tenant>, Faults> {
    tenants_from_table(&layers::parse(text, "the text")?)
}

fn tenants_from_table(table: &Table) -> Result<Vec<Tenant>, Faults> {
    let sink = Sink::default();
    shapes::check(table, schema::TENANTS_ONLY, &sink);
    not_built::check(table, &["tenants"], &sink);
    let tenants = tenant::read_all(&Fields::new(table, &sink), None);
    sink.conclude(tenants)
}

/// Where `healthcheck` finds the service: the public listener, as configured.
pub fn public_listener(
    file: Option<&Path>,
    environment: &Environment,
) -> Result<SocketAddr, Faults> {
    let (table, sink) = layered(layers::read_file(file)?, environment);
    let server = server(&Fields::new(&table, &sink).table("server"));
    sink.conclude(Some(server.bind))
}

/// The table with the environment over it, names and types of all keys checked.
fn layered(mut table: Table, environment: &Environment) -> (Table, Sink) {
    let mut sink = Sink::default();
    layers::overlay(&mut table, schema::MAIN, environment, &mut sink);
    shapes::check(&table, schema::MAIN, &sink);
    (table, sink)
}

fn server(fields: &Fields) -> ServerConfig {
    let address = |key, port| {
        let default = SocketAddr::from(([127, 0, 0, 1], port));
        fields.parse(key, values::address).unwrap_or(default)
    };
    let (bind, admin_bind) = (address("bind", 8080), address("admin_bind", 9090));
    if bind == admin_bind && bind.port() != 0 {
        fields.complain(
            "admin_bind",
            "is the same as `server.bind`; set another port",
        );
    }
    let trusted_proxies = fields.each("trusted_proxies", values::network);
    ServerConfig {
        bind,
        admin_bind,
        trusted_proxies: trusted_proxies.unwrap_or_default(),
    }
}

fn database(fields: &Fields) -> Option<DatabaseUrl> {
    fields.demand("url");
    let found = fields.secret("url")?;
    fields.parse_found(found, |text| DatabaseUrl::parse(&text))
}

fn delivery(fields: &Fields, public_url: Option<&BaseUrl>) -> Option<DeliveryConfig> {
    let wait = fields.parse("wait", |text| values::duration_in(text, WAIT));
    let callback_url = fields.parse("callback_url", BaseUrl::parse);
    Some(DeliveryConfig {
        wait: wait.unwrap_or(Duration::from_millis(2500)),
        callback_url: callback_url.or_else(|| public_url.cloned())?,
    })
}

fn per_number(fields: &Fields) -> Vec<Rate> {
    let default = [(5, values::MINUTE * 10), (20, values::DAY)];
    let default = default.map(|(count, window)| Rate { count, window });
    fields
        .each("per_number", values::rate)
        .unwrap_or_else(|| default.to_vec())
}

/// A duration as the configuration writes it, such as `90d`: for the command line.
pub fn duration(text: &str) -> Result<Duration, String> {
    values::duration(text)
        .ok_or_else(|| "must be a whole number and ms, s, m, h or d, such as 90d".to_owned())
}

/// The origin of a page, as the configuration writes it: for the command line.
pub fn origin(text: &str) -> Result<String, String> {
    urls::origin(text)
}
