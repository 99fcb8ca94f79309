//! Callers who send and check all the time, keep account of what they were promised, and judge in the end whether it was
//! kept.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use countersign::{app, config::DatabaseUrl, store::Store};
use futures_util::{StreamExt as _, future::join_all, stream};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    eventually,
    service::{Caller, Restcomm, code_of, was_sent},
};

/// The lease of a delivery is 12 s; a look-up and a second hand-off may follow.
const SETTLED_WITHIN: Duration = Duration::from_secs(45);

pub(super) struct Load {
    /// Of one replica or several, each asked by its own callers.
    clients: Vec<Caller>,
    restcomm: Arc<Restcomm>,
    numbers: AtomicU32,
    stopping: AtomicBool,
    stories: Mutex<Vec<Story>>,
    answers: Mutex<Answers>,
}

/// How all requests were answered.
#[derive(Default, Debug)]
struct Answers {
    /// By what was asked and the status; 0: no answer.
    counts: BTreeMap<(&'static str, u16), u32>,
    slowest: Duration,
    last_created: Option<Instant>,
}

/// One number, to which one code was sent.
struct Story {
    number: String,
    /// Given with 201 or 202; `None`: no such answer came.
    id: Option<String>,
    /// The send was answered with 503: nothing is stored, and nothing is going to be sent.
    refused: bool,
    /// Checks that were answered with 200.
    approvals: usize,
    /// A check of the right code was left without an answer, or was answered with 503: it may have been approved.
    in_doubt: bool,
}

pub(super) struct Running {
    pub(super) load: Arc<Load>,
    callers: Vec<JoinHandle<()>>,
}

/// What became of all that was promised.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) promised: usize,
    pub(super) failed: usize,
    pub(super) unanswered: usize,
    /// Sends that were answered with 503, and yet arrived.
    pub(super) sent_though_refused: usize,
}

impl Load {
    /// Starts `callers` that never pause.
    pub(super) fn start(client: &Caller, restcomm: &Arc<Restcomm>, callers: usize) -> Running {
        Self::start_at(vec![client.clone()], restcomm, callers)
    }

    /// The same, at several replicas.
    pub(super) fn start_at(
        clients: Vec<Caller>,
        restcomm: &Arc<Restcomm>,
        callers: usize,
    ) -> Running {
        let load = Arc::new(Self {
            clients,
            restcomm: restcomm.clone(),
            numbers: AtomicU32::new(0),
            stopping: AtomicBool::new(false),
            stories: Mutex::default(),
            answers: Mutex::default(),
        });
        let callers = (0..callers).map(|n| {
            let load = load.clone();
            tokio::spawn(async move { load.call(&load.clients[n % load.clients.len()]).await })
        });
        Running {
            callers: callers.collect(),
            load,
        }
    }

    async fn call(&self, client: &Caller) {
        while !self.stopping.load(Ordering::Relaxed) {
            let serial = self.numbers.fetch_add(1, Ordering::Relaxed);
            let story = self.send_and_check(client, serial).await;
            let answered = story.id.is_some();
            self.stories.lock().unwrap().push(story);
            if !answered {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    async fn send_and_check(&self, client: &Caller, serial: u32) -> Story {
        let number = format!("+35191{serial:07}");
        let mut story = Story {
            id: None,
            refused: false,
            approvals: 0,
            in_doubt: false,
            number,
        };
        let start = Instant::now();
        let answer = client.send(&story.number).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        self.note("send", status, start);
        if !matches!(status, 201 | 202) {
            story.refused = status == 503;
            return story;
        }
        let id = answer.unwrap().id();
        story.id = Some(id.clone());
        // The other codes stay unused until the end.
        if serial.is_multiple_of(2)
            && let Some(text) = self.restcomm.texts(&story.number).await.last()
        {
            let code = code_of(text);
            let start = Instant::now();
            let checks = join_all((0..3).map(|_| client.verify(&id, &code))).await;
            for answer in checks {
                let status = answer.map_or(0, |answer| answer.status);
                self.note("check", status, start);
                story.approvals += usize::from(status == 200);
                story.in_doubt |= matches!(status, 0 | 503);
            }
        }
        story
    }

    fn note(&self, asked: &'static str, status: u16, start: Instant) {
        let mut answers = self.answers.lock().unwrap();
        *answers.counts.entry((asked, status)).or_default() += 1;
        answers.slowest = answers.slowest.max(start.elapsed());
        if status == 201 {
            answers.last_created = Some(Instant::now());
        }
    }

    /// When the last 201 came.
    pub(super) fn last_created(&self) -> Option<Instant> {
        self.answers.lock().unwrap().last_created
    }

    pub(super) fn slowest(&self) -> Duration {
        self.answers.lock().unwrap().slowest
    }
}

impl Running {
    pub(super) async fn stop(self) -> Arc<Load> {
        self.load.stopping.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.unwrap();
        }
        self.load
    }
}

impl Load {
    /// Waits until nothing is on its way any more, then holds every answer against the truth.
    pub(super) async fn judge(&self, database: &str) -> Verdict {
        for (answer, count) in &self.answers.lock().unwrap().counts {
            let expected = matches!(
                answer,
                ("send", 0 | 201 | 202 | 503) | ("check", 0 | 200 | 409 | 503)
            );
            assert!(expected, "{count} answers were {answer:?}");
        }
        let store = open(database).await;
        eventually("every delivery is settled", SETTLED_WITHIN, async || {
            store.next_due().await.unwrap().is_none()
        })
        .await;
        store.close().await;

        let stories = std::mem::take(&mut *self.stories.lock().unwrap());
        let failed = stream::iter(&stories)
            .map(|story| self.examine(story))
            .buffer_unordered(16)
            .filter(|failed| std::future::ready(*failed))
            .count()
            .await;
        let mut sent_though_refused = 0;
        for story in stories.iter().filter(|story| story.refused) {
            let texts = self.restcomm.texts(&story.number).await;
            sent_though_refused += texts.len();
        }
        let promised = stories.iter().filter(|story| story.id.is_some()).count();
        Verdict {
            promised,
            failed,
            unanswered: stories.len() - promised,
            sent_though_refused,
        }
    }

    /// Whether the verification ended as failed, which must be for want of a message.
    async fn examine(&self, story: &Story) -> bool {
        let Story {
            number,
            id,
            refused: _,
            approvals,
            in_doubt,
        } = story;
        let texts = self.restcomm.texts(number).await;
        assert!(
            texts.len() <= 1,
            "{number} received {} messages",
            texts.len()
        );
        let Some(id) = id else { return false };
        let client = &self.clients[0];
        let status = client.status(id).await;
        if texts.is_empty() {
            assert_eq!(status["delivery"]["status"], "failed", "{number}: {status}");
            return true;
        }
        assert!(was_sent(&status), "{number}: {status}");
        let code = code_of(&texts[0]);
        let mut approvals = *approvals;
        for _ in 0..2 {
            let answer = client.verify(id, &code).await.unwrap();
            match answer.status {
                200 => approvals += 1,
                409 => {}
                _ => panic!("{number}: {}", answer.text),
            }
        }
        let lost = usize::from(*in_doubt);
        assert!(
            approvals == 1 || approvals + lost == 1,
            "{number} was approved {approvals} times"
        );
        assert_eq!(client.status(id).await["status"], "approved");
        false
    }
}

async fn open(database: &str) -> Store {
    let url = DatabaseUrl::parse(database).unwrap();
    app::open(&url).await.unwrap()
}
