//! Callers who send, guess and check all the time, while something happens to the database.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use countersign::simulator::Simulator;
use tokio::task::JoinHandle;

use crate::{
    app::TestApp,
    process::{PATIENCE, eventually, service::Caller},
};

const CALLERS: usize = 6;

pub(super) struct Traffic {
    told: Arc<Told>,
    callers: Vec<JoinHandle<()>>,
}

struct Told {
    simulator: Simulator,
    serial: AtomicU32,
    ended: AtomicU32,
    stop: AtomicBool,
    /// Of numbers whose whole story was told: the id.
    approved: Mutex<BTreeMap<String, String>>,
}

impl Traffic {
    /// Callers of all `apps`, each at one of them.
    pub(super) fn at(apps: &[&TestApp]) -> Self {
        let told = Arc::new(Told {
            simulator: apps[0].simulator.clone(),
            serial: AtomicU32::new(0),
            ended: AtomicU32::new(0),
            stop: AtomicBool::new(false),
            approved: Mutex::default(),
        });
        let callers = (0..CALLERS).map(|n| {
            let app = apps[n % apps.len()];
            let client = Caller::new(&app.base, &app.key);
            tokio::spawn(told.clone().call(client))
        });
        Self {
            callers: callers.collect(),
            told,
        }
    }

    /// Waits until so many more stories were begun and told to their end.
    pub(super) async fn goes_on(&self, stories: u32) {
        let enough = self.told.ended.load(Ordering::Relaxed) + stories;
        eventually("the callers go on", PATIENCE, async || {
            let failed = self.callers.iter().any(JoinHandle::is_finished);
            failed || enough <= self.told.ended.load(Ordering::Relaxed)
        })
        .await;
    }

    /// Ends the callers, and asserts that `app` knows of everything they were told, and that every phone received one
    /// message.
    pub(super) async fn ends_well(self, app: &TestApp) {
        self.told.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.unwrap();
        }
        let approved = std::mem::take(&mut *self.told.approved.lock().unwrap());
        assert!(50 < approved.len(), "{}", approved.len());
        for (number, id) in &approved {
            assert_eq!(app.simulator.texts(number).len(), 1, "{number}");
            let status = app.status(id).await;
            assert_eq!(status["status"], "approved", "{status}");
        }
    }
}

impl Told {
    async fn call(self: Arc<Self>, client: Caller) {
        while !self.stop.load(Ordering::Relaxed) {
            let serial = self.serial.fetch_add(1, Ordering::Relaxed);
            let number = format!("+35193{serial:07}");
            let id = client.sent(&number).await;
            let code = self.simulator.texts(&number).pop().unwrap()[..6].to_owned();
            // Three digits more than the code has; then right; then right again.
            for (code, status) in [("123456789", 422), (code.as_str(), 200), (&code, 409)] {
                let answer = client.verify(&id, code).await.unwrap();
                assert_eq!(answer.status, status, "{}", answer.text);
            }
            self.approved.lock().unwrap().insert(number, id);
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
    }
}
