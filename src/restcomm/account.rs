//! The accounts that messages go through, in the order in which they are tried.

use std::{collections::BTreeMap, fmt, time::Duration};

use reqwest::{Client, Request, RequestBuilder, header, redirect, retry};
use secrecy::{ExposeSecret as _, SecretString};

use super::{call::CALLS, form, sms::MESSAGES};
use crate::domain::{
    code::Code, delivery::Channel, phone::PhoneNumber, policy::Policy, random::Random,
    synthesizer::Synthesizer,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections kept open to each account.
const IDLE_CONNECTIONS: usize = 128;
/// Shorter than the idle time after which servers and proxies close, so that a pooled connection is rarely dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The last digits of a caller's number that stand for it.
const FLASH_CALL_DIGITS: usize = 4;

/// One `[[restcomm]]` table. Its token cannot be printed.
#[derive(Clone)]
pub struct Settings {
    pub name: String,
    /// Up to and without `/Accounts`.
    pub base_url: String,
    pub account_sid: String,
    pub auth_token: SecretString,
    pub sms_from: SmsFrom,
    /// From where calls come that speak a code.
    pub voice_from: Option<String>,
    /// From where flash calls come: none, or at least 50 numbers that differ in their last four digits.
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
    /// Requests that lack nothing but their form: made once, since reading an address takes as long as using it.
    pub(super) new_message: Request,
    pub(super) new_call: Request,
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
                // One send is one send: repeating is the courier's decision. Nor is a copy kept of what never goes again.
                .retry(retry::never().max_retries_per_request(0))
                // It must end before the whole request does: then it is certain that nothing was sent.
                .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout / 2))
                .timeout(settings.timeout)
                .pool_max_idle_per_host(IDLE_CONNECTIONS)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .tcp_nodelay(true)
                .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
                .build()?;
            Account::new(settings, client)
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

    /// The accounts that may carry `code` over `channel` to `number`, in the order to try them.
    pub fn senders<'a>(
        &'a self,
        channel: Channel,
        policy: &'a Policy,
        number: &'a PhoneNumber,
        code: &'a Code,
    ) -> impl Iterator<Item = &'a Account> {
        let allowed = self.allowed(policy);
        allowed.filter(move |account| account.sender(channel, policy, number, code).is_some())
    }

    /// The first of [`Accounts::senders`].
    pub fn first(
        &self,
        channel: Channel,
        policy: &Policy,
        number: &PhoneNumber,
        code: &Code,
    ) -> Option<&Account> {
        self.allowed(policy)
            .find(|account| account.sender(channel, policy, number, code).is_some())
    }

    /// A number for a flash call, drawn at random from the first account that has some: what it ends in is the code.
    pub fn draw_caller(&self, policy: &Policy, random: &Random) -> Option<Code> {
        let mut pools = self
            .allowed(policy)
            .map(|account| &account.settings.flashcall_from);
        let pool = pools.find(|pool| !pool.is_empty())?;
        pool.get(random.below(pool.len()))
            .map(|number| ending(number))
    }

    /// If `typed` is a whole number that flash calls are made from, with its `+` or without: what it ends in.
    pub fn ending_of(&self, policy: &Policy, typed: &Code) -> Option<Code> {
        let digits = |number: &str| number.strip_prefix('+').unwrap_or(number).to_owned();
        let typed = digits(typed.expose());
        let mut numbers = self
            .allowed(policy)
            .flat_map(|account| &account.settings.flashcall_from);
        let found = numbers.find(|number| digits(number) == typed);
        found.map(|number| ending(number))
    }

    fn allowed<'a>(&'a self, policy: &Policy) -> impl Iterator<Item = &'a Account> {
        self.0.iter().filter(|account| {
            policy.accounts.is_empty() || policy.accounts.contains(&account.settings.name)
        })
    }
}

/// The digits by which a flash call is told from others.
fn ending(number: &str) -> Code {
    Code::from_sealed(&number[number.len().saturating_sub(FLASH_CALL_DIGITS)..])
}

impl Account {
    fn new(settings: Settings, client: Client) -> Result<Self, reqwest::Error> {
        let new = |resources| {
            settings
                .signed(client.post(settings.url(resources)))
                .header(header::CONTENT_TYPE, form::CONTENT_TYPE)
                .build()
        };
        Ok(Self {
            new_message: new(MESSAGES)?,
            new_call: new(CALLS)?,
            settings,
            client,
        })
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// How many requests it may be asked in a second.
    pub fn max_per_second(&self) -> u32 {
        self.settings.max_per_second
    }

    pub fn synthesizer(&self) -> Synthesizer {
        self.settings.synthesizer
    }

    /// What the phone shows as the one who writes or calls; `None`: this account cannot use this channel, or, for a flash
    /// call, does not have the number that `code` stands for.
    pub fn sender<'a>(
        &'a self,
        channel: Channel,
        policy: &'a Policy,
        number: &PhoneNumber,
        code: &Code,
    ) -> Option<&'a str> {
        let Settings {
            voice_from,
            flashcall_from,
            ..
        } = &self.settings;
        match channel {
            Channel::Sms => self.sms_sender(policy, number),
            Channel::Voice => voice_from.as_deref(),
            Channel::Flashcall => {
                let mut callers = flashcall_from.iter().map(String::as_str);
                callers.find(|caller| ending(caller).expose() == code.expose())
            }
        }
    }

    /// What the phone shows as sender. The tenant's own name overrides the account's where the destination allows names:
    /// not where the account keeps a number for the country, nor in the North American Numbering Plan, whose carriers
    /// drop alphanumeric senders.
    fn sms_sender<'a>(&'a self, policy: &'a Policy, number: &PhoneNumber) -> Option<&'a str> {
        let from = &self.settings.sms_from;
        let for_country = from.by_country.get(number.region()).map(String::as_str);
        let names_pass = !number.expose().starts_with("+1") && !for_country.is_some_and(is_number);
        let own_name = policy.sender.as_deref().filter(|_| names_pass);
        own_name.or(for_country).or(from.default.as_deref())
    }
}

impl Settings {
    pub(super) fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.basic_auth(&self.account_sid, Some(self.auth_token.expose_secret()))
    }

    pub(super) fn url(&self, resource: &str) -> String {
        format!("{}/Accounts/{}/{resource}", self.base_url, self.account_sid)
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
