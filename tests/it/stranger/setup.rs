//! `countersign serve` with accounts at somebody else's.

use serde_json::{Value, json};

use super::server::Stranger;
use crate::{
    app::{SID, TOKEN},
    process::{free_port, service::Service},
};

/// How the service is set up.
pub(super) struct Setup {
    database: String,
    /// Where the accounts are, in order.
    accounts: Vec<String>,
    pub(super) wait: String,
    pub(super) timeout: String,
    pub(super) max_per_second: usize,
    pub(super) sender: &'static str,
    pub(super) display_name: &'static str,
    /// More lines of each account.
    pub(super) account: String,
    /// More lines of the tenant.
    pub(super) tenant: &'static str,
    /// Where the platform reaches us; the service itself where none is given.
    pub(super) callback_url: Option<String>,
}

impl Setup {
    pub(super) fn new(database: &str, accounts: &[&Stranger]) -> Self {
        Self {
            database: database.to_owned(),
            accounts: accounts.iter().map(|account| account.base_url()).collect(),
            wait: "5s".to_owned(),
            timeout: "8s".to_owned(),
            max_per_second: 100,
            sender: "OTPApp",
            display_name: "Acme Bank",
            account: String::new(),
            tenant: "",
            callback_url: None,
        }
    }

    pub(super) async fn serve(&self) -> Service {
        Service::start_with(|port| self.text(port), |command| command).await
    }

    fn text(&self, port: u16) -> String {
        let Self {
            database,
            accounts,
            wait,
            timeout,
            max_per_second,
            sender,
            display_name,
            account,
            tenant,
            callback_url,
        } = self;
        let here = format!("http://127.0.0.1:{port}");
        let callback_url = callback_url.as_ref().unwrap_or(&here);
        let admin_port = free_port();
        let accounts = accounts.iter().zip(["first", "second"]);
        let accounts = accounts.map(|(base_url, name)| {
            format!(
                "[[restcomm]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\naccount_sid = \"{SID}\"\n\
                 auth_token = \"{TOKEN}\"\nsms_from = \"{sender}\"\ntimeout = \"{timeout}\"\nmax_per_second = {max_per_second}\n{account}\n"
            )
        });
        let accounts: String = accounts.collect();
        format!(
            "public_url = \"https://otp.acme.test\"\n\
             [server]\nbind = \"127.0.0.1:{port}\"\nadmin_bind = \"127.0.0.1:{admin_port}\"\n\
             [database]\nurl = \"{database}\"\n\
             [keys]\nroot = [\"k1:T0x6bm1WcVQzYkNqR3lQd0xoU2VBZ1VpRnZYb0RrTTE=\"]\n\
             [delivery]\nwait = \"{wait}\"\ncallback_url = \"{callback_url}\"\n\
             {accounts}\
             [limits]\nper_number = []\n\
             [tenants.acme]\ndisplay_name = \"{display_name}\"\ncountries = [\"*\"]\n\
             limits = {{ per_number = [], per_ip = [], per_prefix = [], per_key = [], per_tenant = [] }}\n{tenant}\n"
        )
    }
}

/// What `delivery` says of a message.
pub(super) fn delivery(status: &str) -> Value {
    json!({ "channel": "sms", "status": status })
}
