//! What a service of a test is set up with.

use std::{net::TcpListener, time::Duration};

use countersign::{
    config::{
        AccountConfig, BaseUrl, Config, DatabaseUrl, DeliveryConfig, KeysConfig, LimitsConfig,
        RootKey, Secret32, ServerConfig, SmsFrom, default_policy,
    },
    domain::{
        clock::Clock,
        policy::{Countries, Policy, Tenant, TenantLimits},
        synthesizer::Synthesizer,
    },
    simulator::{Account, Reports, Simulator, serve},
};

use crate::{
    app::{SID, TENANT, TOKEN},
    database::Place,
};

/// A simulated Restcomm on its own port.
pub(crate) fn restcomm(clock: &Clock) -> (Simulator, String) {
    let account = Account::parse(&format!("{SID}:{TOKEN}")).unwrap();
    let simulator = Simulator::new(account, clock.clone());
    // What becomes of messages is the matter of tests of receipts.
    simulator.report(Reports::None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!(
        "http://{}/restcomm/2012-04-24",
        listener.local_addr().unwrap()
    );
    tokio::spawn(serve(listener, simulator.clone(), std::future::pending()));
    (simulator, base)
}

pub(crate) fn account(name: &str, base_url: &str) -> AccountConfig {
    AccountConfig {
        name: name.to_owned(),
        base_url: BaseUrl::parse(base_url).unwrap(),
        account_sid: SID.to_owned(),
        auth_token: TOKEN.to_owned().into(),
        sms_from: SmsFrom {
            default: Some("OTPApp".to_owned()),
            ..SmsFrom::default()
        },
        voice_from: None,
        flashcall_from: Vec::new(),
        synthesizer: Synthesizer::Any,
        timeout: Duration::from_secs(8),
        // On a clock that stands still, nobody comes to its turn once those before make a millisecond of waiting: at a
        // million a second that is the thousandth, and busy callers are soon there.
        max_per_second: u32::MAX,
    }
}

/// A tenant that may send anywhere, without limits.
pub(crate) fn tenant(name: &str) -> Tenant {
    let mut policy: Policy = default_policy("Acme Bank");
    policy.countries = Countries::Anywhere;
    policy.limits = TenantLimits::default();
    Tenant {
        name: name.to_owned(),
        policy,
    }
}

pub(crate) fn root_key(id: &str, byte: u8) -> RootKey {
    RootKey {
        id: id.to_owned(),
        secret: Secret32::new([byte; 32]),
    }
}

pub(crate) fn config(place: &Place, base_url: &str) -> Config {
    let public_url = BaseUrl::parse("https://otp.acme.test").unwrap();
    Config {
        server: ServerConfig {
            bind: ([127, 0, 0, 1], 0).into(),
            admin_bind: ([127, 0, 0, 1], 0).into(),
            trusted_proxies: Vec::new(),
        },
        database: DatabaseUrl::parse(&place.url).unwrap(),
        keys: KeysConfig {
            root: vec![root_key("k1", 1)],
            signing: Vec::new(),
        },
        delivery: DeliveryConfig {
            wait: Duration::from_millis(2500),
            callback_url: public_url.clone(),
        },
        accounts: vec![account("main", base_url)],
        limits: LimitsConfig {
            per_number: Vec::new(),
        },
        tenants: vec![tenant(TENANT)],
        public_url,
    }
}
