//! `countersign healthcheck`

use std::{net::IpAddr, path::Path, time::Duration};

use super::Outcome;
use crate::config::{self, Environment};

const PATIENCE: Duration = Duration::from_secs(3);

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where the service is; by default where `server.bind` says
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

pub(super) async fn run(
    arguments: Arguments,
    config: Option<&Path>,
    environment: &Environment,
) -> Outcome {
    let base = if let Some(url) = arguments.url {
        url.trim_end_matches('/').to_owned()
    } else {
        let mut address = config::public_listener(config, environment)?;
        // Bound to every interface, it is on this one, too.
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip([127, 0, 0, 1].into()),
            IpAddr::V6(ip) if ip.is_unspecified() => {
                address.set_ip(std::net::Ipv6Addr::LOCALHOST.into());
            }
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        format!("http://{address}")
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .tls_certs_only([])
        .build()?;
    let answer = client
        .get(format!("{base}/readyz"))
        .send()
        .await
        .map_err(|_| format!("nothing answers at {base}"))?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(format!(
            "the service at {base} is not ready: status {}",
            answer.status().as_u16()
        )
        .into())
    }
}
