//! `countersign simulator`

use super::{Outcome, print, stopped};
use crate::{
    app::bind,
    domain::clock::Clock,
    simulator::{self, Account, Simulator},
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The port to listen on, on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8081)]
    port: u16,
    /// The account that clients log in with
    #[arg(long, value_name = "SID:TOKEN", value_parser = Account::parse)]
    account: Account,
}

pub(super) async fn run(Arguments { port, account }: Arguments) -> Outcome {
    let listener = bind("--port", ([127, 0, 0, 1], port).into())?;
    let address = listener.local_addr()?;
    print(&format!(
        "The simulated Restcomm listens on http://{address}{path}\n\
         Account {sid}\n\
         What a phone received: curl http://{address}/sim/phones/+351912345678\n",
        path = "/restcomm/2012-04-24",
        sid = account.sid(),
    ))?;
    Ok(simulator::serve(
        listener,
        Simulator::new(account, Clock::system()),
        stopped(),
    )
    .await?)
}
