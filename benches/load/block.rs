//! The rounds of one database and one number of connections, on a service and a database of their own.

use std::time::Duration;

use crate::{
    Outcome,
    deployment::{Deployment, Ground},
    machine::fsync_time,
    measure::Load,
    numbers::Numbers,
    options::{Database, Settings},
    progress::Progress,
    round::{Round, Sides},
    sides::Side,
    statistics::{median, undisturbed},
};

/// Unmeasured, in front of each window: connections are opened, caches filled.
pub(crate) const WARM_UP: Duration = Duration::from_millis(300);

pub(crate) struct Block {
    pub(crate) database: Database,
    pub(crate) connections: usize,
    deployment: Deployment,
    sides: Sides,
    numbers: Numbers,
    rounds: Vec<Round>,
}

/// Goes through rounds in which all `blocks` take turns, until each has enough that were not disturbed.
pub(crate) async fn take_turns(
    blocks: &mut [Block],
    settings: &Settings,
    wanted: &[Side],
    progress: &mut Progress,
) -> Outcome {
    loop {
        let usual = usual_echo(blocks);
        let mut goes_on = false;
        for block in &mut *blocks {
            if !block.is_complete(settings, usual) {
                goes_on = true;
                block.round(settings, wanted, progress).await?;
            }
        }
        if !goes_on {
            return Ok(());
        }
    }
}

/// What was measured, of each.
pub(crate) fn finish(blocks: Vec<Block>, settings: &Settings) -> impl Iterator<Item = Results> {
    let usual = usual_echo(&blocks);
    blocks
        .into_iter()
        .map(move |block| block.finish(settings, usual))
}

/// The echo's rate in the median of all rounds that took turns.
fn usual_echo(blocks: &[Block]) -> f64 {
    let rounds = blocks.iter().flat_map(|block| &block.rounds);
    median(rounds.map(Round::echo_rate))
}

/// What was measured.
pub(crate) struct Results {
    pub(crate) database: Database,
    pub(crate) connections: usize,
    pub(crate) rounds: Vec<Round>,
    /// Rounds in which the machine was busy with something else, by the rate of their echo.
    pub(crate) discarded: Vec<f64>,
    /// Whether there were too many of those, so that some stand among the rounds.
    pub(crate) unquiet: bool,
    /// Of the service, in MiB: after its start, and the most.
    pub(crate) memory: (f64, f64),
}

impl Block {
    pub(crate) async fn start(
        ground: &mut Ground,
        database: Database,
        connections: usize,
    ) -> Outcome<Self> {
        let deployment = ground.deploy(database).await?;
        Ok(Self::of(ground, deployment, connections))
    }

    pub(crate) fn of(ground: &Ground, deployment: Deployment, connections: usize) -> Self {
        Self {
            database: deployment.database,
            connections,
            sides: ground.sides(&deployment),
            deployment,
            numbers: Numbers::default(),
            rounds: Vec::new(),
        }
    }

    /// Whether there are enough rounds, or so many were disturbed that it is given up.
    fn is_complete(&self, settings: &Settings, usual: f64) -> bool {
        let wanted = settings.rounds();
        wanted <= self.quiet(settings, usual).len() || 2 * wanted <= self.rounds.len()
    }

    async fn round(
        &mut self,
        settings: &Settings,
        wanted: &[Side],
        progress: &mut Progress,
    ) -> Outcome {
        let (number, repeats) = (
            self.rounds.len() + 1,
            settings.rounds() <= self.rounds.len(),
        );
        progress.begins_round(self.database, self.connections, number, repeats);
        let load = Load {
            connections: self.connections,
            warm_up: WARM_UP,
            window: settings.window(),
        };
        let fsync = fsync_time(&self.deployment.directory)?;
        let says = |side| progress.says(side);
        let sides = self.sides.round(load, wanted, &mut self.numbers, says);
        let sides = sides.await;
        let sides = sides.map_err(|error| format!("{error}\n{}", self.deployment.last_words()))?;
        let round = Round { fsync, sides };
        progress.ends_round(&round);
        self.rounds.push(round);
        Ok(())
    }

    fn finish(mut self, settings: &Settings, usual: f64) -> Results {
        let kept = self.quiet(settings, usual);
        let unquiet = kept.len() < settings.rounds();
        let mut discarded = Vec::new();
        if !unquiet {
            let rounds = std::mem::take(&mut self.rounds).into_iter().enumerate();
            let (quiet, others): (Vec<_>, Vec<_>) =
                rounds.partition(|(place, _)| kept.contains(place));
            self.rounds = quiet.into_iter().map(|(_, round)| round).collect();
            discarded = others.iter().map(|(_, round)| round.echo_rate()).collect();
        }
        Results {
            database: self.database,
            connections: self.connections,
            rounds: std::mem::take(&mut self.rounds),
            discarded,
            unquiet,
            memory: self.deployment.memory_mib(),
        }
    }

    fn quiet(&self, settings: &Settings, usual: f64) -> Vec<usize> {
        let echoes: Vec<f64> = self.rounds.iter().map(Round::echo_rate).collect();
        undisturbed(&echoes, usual, f64::from(settings.tolerance) / 100.0)
    }
}
