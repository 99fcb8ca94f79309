//! What a tenant allows: the policy every decision is made under.

use std::{collections::BTreeMap, time::Duration};

use super::{
    delivery::{Channel, NextStep},
    language::Language,
    limits::Rate,
    wording,
};

/// A tenant: an application with its own policy and keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub name: String,
    pub policy: Policy,
}

/// The policy of a tenant, with every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub display_name: String,
    /// Alphanumeric sender shown on the phone, where the destination allows names.
    pub sender: Option<String>,
    /// Names of the accounts that may be used; empty: all. Their order is that of the configuration.
    pub accounts: Vec<String>,
    /// Channels that codes may be sent over.
    pub channels: Vec<Channel>,
    pub countries: Countries,
    /// Origins of the pages that may use publishable keys, exactly as browsers send them.
    pub origins: Vec<String>,
    /// The language of messages, where a send names none that there is.
    pub locale: Language,
    /// Texts of the tenant's own, in place of the built-in ones.
    pub messages: BTreeMap<Language, String>,
    pub code: CodePolicy,
    pub resend: Resend,
    /// What the service does by itself where a code does not seem to arrive: one step after another.
    pub fallback: Vec<FallbackStep>,
    /// Wait before the first resend; it doubles with every further one.
    pub cool_down: Duration,
    pub limits: TenantLimits,
    /// How long personal data is kept after the end of a verification.
    pub retention: Duration,
}

/// Where a tenant may send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Countries {
    Anywhere,
    /// ISO 3166 alpha-2, upper case. Empty: nothing can be sent.
    Only(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePolicy {
    /// Digits, 6 to 10 (NIST SP 800-63B 3.1.3.2; OWASP ASVS 6.5.4).
    pub length: u8,
    /// 10 s to 10 min (NIST SP 800-63B 3.1.3.2; OWASP ASVS 6.5.5).
    pub ttl: Duration,
    /// Guesses, 1 to 5 (PSD2 RTS Art. 4(3)(b)).
    pub attempts: u8,
}

/// What a resend carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// A new code; the old one is dead at once.
    New,
    /// The same code again.
    Same,
}

/// Another way for a code that does not seem to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FallbackStep {
    /// Counted from when the delivery before it was sent.
    pub after: Duration,
    /// Another than that of the step before; never a flash call, whose code nobody else can carry on.
    pub channel: Channel,
}

/// Sends per subject and window. Empty lists: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantLimits {
    pub per_number: Vec<Rate>,
    pub per_ip: Vec<Rate>,
    pub per_prefix: Vec<Rate>,
    pub per_country: Vec<Rate>,
    pub per_key: Vec<Rate>,
    pub per_tenant: Vec<Rate>,
}

impl Countries {
    /// Whether a number of `region` (ISO 3166 alpha-2) may be sent to.
    pub fn allow(&self, region: &str) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Only(list) => list.iter().any(|country| country == region),
        }
    }
}

impl Default for CodePolicy {
    fn default() -> Self {
        Self {
            length: 6,
            ttl: Duration::from_mins(5),
            attempts: 5,
        }
    }
}

impl Policy {
    /// Wait before the first resend, unless a tenant says otherwise.
    pub const COOL_DOWN: Duration = Duration::from_secs(30);

    /// The first step of the plan, from the one at `index` on, that leads away from `channel`.
    pub fn next_step(&self, index: u8, channel: Channel) -> Option<NextStep> {
        let steps = (0..).zip(&self.fallback).skip(usize::from(index));
        steps
            .filter(|(_, step)| step.channel != channel)
            .map(|(index, step)| NextStep {
                index,
                after: step.after,
            })
            .next()
    }

    /// Whether a code may be bound to pages of `host`: it is the host of one of the tenant's https origins.
    pub fn has_page(&self, host: &str) -> bool {
        let origins = self.origins.iter();
        origins
            .filter(|origin| origin.starts_with("https:"))
            .any(|origin| wording::host(origin).as_deref() == Some(host))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A policy that allows everything, for tests of what else decides.
    pub fn policy() -> Policy {
        Policy {
            display_name: "Acme".to_owned(),
            sender: None,
            accounts: Vec::new(),
            channels: vec![Channel::Sms, Channel::Voice, Channel::Flashcall],
            countries: Countries::Anywhere,
            origins: Vec::new(),
            locale: Language::English,
            messages: BTreeMap::new(),
            code: CodePolicy::default(),
            resend: Resend::New,
            fallback: Vec::new(),
            cool_down: Policy::COOL_DOWN,
            limits: TenantLimits::default(),
            retention: Duration::from_hours(24),
        }
    }

    #[test]
    fn a_plan_skips_the_channel_that_it_leads_away_from() {
        let seconds = Duration::from_secs;
        let step = |after, channel| FallbackStep {
            after: seconds(after),
            channel,
        };
        let plan = Policy {
            fallback: vec![step(20, Channel::Voice), step(40, Channel::Sms)],
            ..policy()
        };
        let next = |index, after| {
            let after = seconds(after);
            Some(NextStep { index, after })
        };
        assert_eq!(plan.next_step(0, Channel::Sms), next(0, 20));
        assert_eq!(plan.next_step(0, Channel::Flashcall), next(0, 20));
        assert_eq!(plan.next_step(0, Channel::Voice), next(1, 40));
        assert_eq!(plan.next_step(1, Channel::Sms), None);
        assert_eq!(plan.next_step(2, Channel::Voice), None);
        assert_eq!(policy().next_step(0, Channel::Sms), None);
    }
}
