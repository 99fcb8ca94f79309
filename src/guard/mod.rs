//! Who may send what where: destinations and limits.

use crate::{
    crypto::KeyRing,
    domain::{
        limits::{LimitName, Rate},
        phone::PhoneNumber,
        policy::Policy,
        send::LimitUse,
    },
    store::Caller,
};

/// Why a number is not sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationRefused {
    /// Not among the tenant's countries.
    Country,
    /// Premium, shared-cost, toll-free, pager, satellite or personal numbers: never.
    Range,
    /// No account has a sender for it.
    NoSender,
}

/// Whether a tenant may send to `number`.
pub fn destination(policy: &Policy, number: &PhoneNumber) -> Result<(), DestinationRefused> {
    if number.is_refused_range() {
        return Err(DestinationRefused::Range);
    }
    if !policy.countries.allow(number.region()) {
        return Err(DestinationRefused::Country);
    }
    Ok(())
}

/// A limit's name, its rates, and the parts that name its subject.
type Limit<'a> = (LimitName, &'a [Rate], &'a [&'a [u8]]);

/// Every limit that a send of `caller` to `number` counts against.
pub fn limits(
    caller: &Caller,
    number: &PhoneNumber,
    everywhere: &[Rate],
    ring: &KeyRing,
) -> Vec<LimitUse> {
    let tenant = caller.tenant.name.as_bytes();
    let own = &caller.tenant.policy.limits;
    let number = number.expose().as_bytes();
    let key = caller.key.as_ref().map_or(&[][..], |hash| &hash[..]);
    let all: [Limit<'_>; 4] = [
        (
            LimitName::PerNumber,
            &own.per_number,
            &[b"number", tenant, number],
        ),
        (
            LimitName::PerNumber,
            everywhere,
            &[b"number-everywhere", number],
        ),
        (LimitName::PerKey, &own.per_key, &[b"key", key]),
        (LimitName::PerTenant, &own.per_tenant, &[b"tenant", tenant]),
    ];
    let in_force = all.into_iter().filter(|(_, rates, _)| !rates.is_empty());
    in_force
        .map(|(name, rates, subject)| LimitUse {
            name,
            counter: ring.limit_id(subject),
            rates: rates.to_vec(),
        })
        .collect()
}
