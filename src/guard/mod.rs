//! Who may send what where: destinations and limits.

use std::net::IpAddr;

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

/// Digits at the end of a number that its neighbours do not share.
const OWN_DIGITS: usize = 4;

/// Every limit that a send of `caller` to `number` counts against. `client`: the address of the end user, if it is known.
pub fn limits(
    caller: &Caller,
    number: &PhoneNumber,
    client: Option<IpAddr>,
    everywhere: &[Rate],
    ring: &KeyRing,
) -> Vec<LimitUse> {
    let tenant = caller.tenant.name.as_bytes();
    let own = &caller.tenant.policy.limits;
    let region = number.region().as_bytes();
    let number = number.expose().as_bytes();
    let prefix = &number[..number.len() - OWN_DIGITS];
    let key = caller.key.as_ref().map_or(&[][..], |hash| &hash[..]);
    let network = client.map(network).unwrap_or_default();
    let per_ip = if network.is_empty() {
        &[][..]
    } else {
        &own.per_ip
    };
    let neighbours = ring.limit_id(&[b"neighbours", prefix]);
    let all: [Limit<'_>; 7] = [
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
        (LimitName::PerIp, per_ip, &[b"address", tenant, &network]),
        (
            LimitName::PerPrefix,
            &own.per_prefix,
            &[b"prefix", tenant, prefix],
        ),
        (
            LimitName::PerCountry,
            &own.per_country,
            &[b"country", tenant, region],
        ),
        (LimitName::PerKey, &own.per_key, &[b"key", key]),
        (LimitName::PerTenant, &own.per_tenant, &[b"tenant", tenant]),
    ];
    let in_force = all.into_iter().filter(|(_, rates, _)| !rates.is_empty());
    in_force
        .map(|(name, rates, subject)| LimitUse {
            name,
            counter: match name {
                // Each send asks for all three.
                LimitName::PerNumber | LimitName::PerPrefix => {
                    ring.limit_id_at(&neighbours, subject)
                }
                LimitName::PerIp
                | LimitName::PerCountry
                | LimitName::PerKey
                | LimitName::PerTenant => ring.limit_id(subject),
            },
            rates: rates.to_vec(),
        })
        .collect()
}

/// What one end user can have addresses of: a single one of IPv4, and a /64 of IPv6, within which whoever has one has all.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}
