//! The accounts that messages go through, in the order in which they are tried.

use std::{collections::BTreeMap, fmt, time::Duration};

use reqwest::{Client, redirect};
use secrecy::SecretString;

use crate::domain::{phone::PhoneNumber, policy::Policy, synthesizer::Synthesizer};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections kept open to each account.
const IDLE_CONNECTIONS: usize = 128;
/// Shorter than the idle time after which servers and proxies close, so that a pooled connection is rarely dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// One `[[restcomm]]` table. Its token cannot be printed.
#[derive(Clone)]
pub struct Settings {
    pub name: String,
    /// Up to and without `/Accounts`.
    pub base_url: String,
    pub account_sid: String,
    pub auth_token: SecretString,
    pub sms_from: SmsFrom,
    /// Who spoken calls come from: a number in E.164, or a name.
    pub voice_from: Option<String>,
    /// Whom flash calls come from, in E.164: none, or numbers that differ in their last four digits.
    pub flashcall_from: Vec<String>,
    pub synthesizer: Synthesizer,
    pub timeout: Duration,
    pub max_per_second: u32,
}

/// The sender of a text message, by destination country.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmsFrom {
    pub default: Option<String>,
    /// By ISO 3166 alpha-2.
    pub by_country: BTreeMap<String, String>,
}

pub struct Account {
    pub(super) settings: Settings,
    pub(super) client: Client,
}

/// All accounts, in order.
pub struct Accounts(Vec<Account>);

impl Accounts {
    pub fn new(settings: Vec<Settings>) -> Result<Self, reqwest::Error> {
        let accounts = settings.into_iter().map(|settings| {
            let mut client = Client::builder();
            if settings.base_url.starts_with("http:") {
                // No TLS there, so a machine without CA certificates will do.
                client = client.tls_certs_only([]);
            }
            let client = client
                .no_proxy()
                // A redirect would carry the credentials and the code to where nobody told us to send them.
                .redirect(redirect::Policy::none())
                // One send is one send: repeating is the courier's decision.
                .retry(reqwest::retry::never())
                // It must end before the whole request does: then it is certain that nothing was sent.
                .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout / 2))
                .timeout(settings.timeout)
                .pool_max_idle_per_host(IDLE_CONNECTIONS)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .tcp_nodelay(true)
                .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
                .build()?;
            Ok(Account { settings, client })
        });
        accounts.collect::<Result<_, _>>().map(Self)
    }

    /// All of them, in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.0.iter()
    }

    pub fn get(&self, name: &str) -> Option<&Account> {
        self.0.iter().find(|account| account.settings.name == name)
    }

    /// The account that Restcomm calls `sid`. Several may bear it, on different hosts: then `expected`, if it is one.
    pub fn named_by_restcomm(&self, sid: &str, expected: Option<&str>) -> Option<&Account> {
        let mut bearers = self.0.iter();
        let bears = |account: &&Account| account.settings.account_sid == sid;
        expected
            .and_then(|name| self.get(name))
            .filter(bears)
            .or_else(|| bearers.find(bears))
    }

    /// The accounts that may carry a text message of a tenant to `number`, in the order to try them.
    pub fn for_sms<'a>(
        &'a self,
        policy: &'a Policy,
        number: &'a PhoneNumber,
    ) -> impl Iterator<Item = &'a Account> {
        self.0.iter().filter(move |account| {
            let named =
                policy.accounts.is_empty() || policy.accounts.contains(&account.settings.name);
            named && account.sender(policy, number).is_some()
        })
    }
}

impl Account {
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// How many requests it may be asked in a second.
    pub fn max_per_second(&self) -> u32 {
        self.settings.max_per_second
    }

    /// What the phone shows as sender. The tenant's own name overrides the account's where the destination allows names:
    /// not where the account keeps a number for the country, nor in the North American Numbering Plan, whose carriers
    /// drop alphanumeric senders.
    pub fn sender<'a>(&'a self, policy: &'a Policy, number: &PhoneNumber) -> Option<&'a str> {
        let from = &self.settings.sms_from;
        let for_country = from.by_country.get(number.region()).map(String::as_str);
        let names_pass = !number.expose().starts_with("+1") && !for_country.is_some_and(is_number);
        let own_name = policy.sender.as_deref().filter(|_| names_pass);
        own_name.or(for_country).or(from.default.as_deref())
    }
}

fn is_number(sender: &str) -> bool {
    sender
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'+')
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("name", &self.name)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}
