//! `countersign serve`

use std::path::Path;

use super::{Outcome, stopped};
use crate::{
    app::{Admin, App, Surroundings},
    config::{Config, Environment},
    domain::{clock::Clock, random::Random},
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Do not create or upgrade the schema; refuse to start when it is not current
    #[arg(long)]
    no_migrate: bool,
}

pub(super) async fn run(
    arguments: Arguments,
    config: Option<&Path>,
    environment: &Environment,
) -> Outcome {
    let config = Config::load(config, environment)?;
    let surroundings = Surroundings {
        clock: Clock::system(),
        random: Random::system(),
        listener: None,
        admin: Admin::Configured,
        migrate: !arguments.no_migrate,
        dev: None,
    };
    let app = App::build(config, surroundings).await?;
    tracing::info!(
        address = %app.address(),
        admin = app.admin_address().map(tracing::field::display),
        "service.started"
    );
    Ok(app.run(stopped()).await?)
}
