//! How a call goes: it rings, is answered or not, says what its document says, and ends. All of it is told.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    callbacks::{Way, request},
    calls::Call,
    form::Pairs,
    rcml::{Verb, parse},
    server::Stranger,
};

/// Languages by synthesizer, the first of which is there unless another is set up. Whatever else is asked for is said in
/// English, in silence; and of what the first one knows as Italian nothing comes.
pub(super) const SYNTHESIZERS: [(&str, &str); 3] = [
    (
        "voicerss",
        "ca zh-cn zh-hk zh-tw da nl en-au en-ca en-gb en-in en fi fr-ca fr de it ja ko nb pl pt-br pt ru es-mx es sv",
    ),
    (
        "awspolly",
        "ja tr-tr ru ro pt bp pl nl nb it is fr fr-ca es-mx es en-gb cy-gb en en-in en-ca en-au de da",
    ),
    (
        "acapela",
        "bf bp en-gb cf cs dan en fi fr de el it nl no pl pt ru ar ca es sv tr zh-cn ja",
    ),
];
/// Documents that one call may ask for.
const MOST_FETCHES: usize = 20;

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    /// Answers, and presses these keys, one whenever it is asked for one.
    Answers(Vec<char>),
    Ignores,
    Busy,
    /// Is not there: 480.
    Fails,
}

enum Next {
    /// What the document behind this address says, asked for with what was pressed.
    Fetch(String, String, Option<char>),
    HangUp,
}

impl Stranger {
    /// Carries a call to its end.
    pub(super) async fn carry(&self, sid: &str) {
        let (timeout, callee, second) = self.look(|platform| {
            let call = platform.call(sid);
            let callee = platform.callees.get(&call.to).cloned();
            let callee = callee.unwrap_or(Callee::Answers(Vec::new()));
            (call.timeout, callee, platform.second)
        });
        let timeout = u32::try_from(timeout).unwrap();
        self.told(sid, "initiated", 0).await;
        if callee == Callee::Fails {
            return self.end(sid, "FAILED", 0).await;
        }
        self.set(sid, |call| call.status = "RINGING");
        self.told(sid, "ringing", 1).await;
        match callee {
            Callee::Busy => self.end(sid, "BUSY", 0).await,
            Callee::Ignores | Callee::Fails => {
                let start = Instant::now();
                let rings = || self.look(|platform| platform.call(sid).status == "RINGING");
                while start.elapsed() < second * timeout && rings() {
                    sleep(second / 10).await;
                }
                let rang = start.elapsed().div_duration_f64(second).round();
                let rang = Duration::from_secs_f64(rang).as_secs();
                self.end(sid, "canceled", rang).await;
            }
            Callee::Answers(keys) => {
                sleep(second).await;
                self.set(sid, |call| {
                    (call.status, call.answered, call.rang) = ("in-progress", true, Some(1));
                });
                self.told(sid, "answered", 2).await;
                let is_well = self.speak(sid, keys).await;
                self.end(sid, if is_well { "completed" } else { "FAILED" }, 7)
                    .await;
            }
        }
    }

    /// A call ends, and whatever became of it is told as "completed".
    async fn end(&self, sid: &str, status: &'static str, seconds: u64) {
        let now = self.now();
        self.set(sid, |call| {
            (call.status, call.duration, call.ended_at) = (status, Some(seconds), Some(now));
        });
        self.told(sid, "completed", 3).await;
    }

    async fn told(&self, sid: &str, step: &str, number: usize) {
        let (callback, way, pairs) = self.look(|platform| {
            let call = platform.call(sid);
            let by_get = call.callback_method == "GET" && platform.call_way == Way::Posted;
            let way = if by_get {
                Way::ByGet
            } else {
                platform.call_way
            };
            let pairs = call.parameters(step, number, platform);
            (call.callback.clone(), way, pairs)
        });
        if let Some(callback) = callback.filter(|_| way != Way::Lost) {
            let answer = request(&callback, way, pairs).await;
            let noted = answer.map(|answer| (answer.status().as_u16(), String::new()));
            self.change(|platform| platform.called_back.push(noted));
        }
    }

    fn set(&self, sid: &str, set: impl FnOnce(&mut Call)) {
        self.change(|platform| {
            let mut calls = platform.calls.iter_mut();
            set(calls.find(|call| call.sid == sid).unwrap());
        });
    }

    /// Says what the documents say; `false` where one cannot be had or read.
    async fn speak(&self, sid: &str, keys: Vec<char>) -> bool {
        let mut keys = keys.into_iter();
        let (mut url, mut method) = self.look(|platform| {
            let call = platform.call(sid);
            (call.url.clone(), call.method.clone())
        });
        let mut pressed = None;
        for _ in 0..MOST_FETCHES {
            let Some(verbs) = self.fetch(sid, &url, &method, pressed).await else {
                return false;
            };
            match self.perform(sid, &verbs, &mut keys) {
                Next::Fetch(next, by, key) => (url, method, pressed) = (next, by, key),
                Next::HangUp => return true,
            }
        }
        panic!("{url} has no end");
    }

    fn perform(&self, sid: &str, verbs: &[Verb], keys: &mut impl Iterator<Item = char>) -> Next {
        for verb in verbs {
            let method = verb.attribute("method").unwrap_or("POST").to_owned();
            match verb.name.as_str() {
                "Say" if self.say(sid, verb) => {}
                "Gather" => {
                    // A pause at its end may break it.
                    assert_eq!(verb.inside.last().unwrap().name, "Say");
                    let mut sentences = verb.inside.iter().filter(|inner| inner.name == "Say");
                    if !sentences.all(|sentence| self.say(sid, sentence)) {
                        return Next::HangUp;
                    }
                    let action = verb.attribute("action");
                    if let (Some(action), Some(key)) = (action, keys.next()) {
                        return Next::Fetch(action.to_owned(), method, Some(key));
                    }
                }
                "Redirect" => return Next::Fetch(verb.text.trim().to_owned(), method, None),
                // Here also, where the synthesizer fails.
                "Hangup" | "Say" => return Next::HangUp,
                // Silence; and what is unknown is skipped.
                _ => {}
            }
        }
        Next::HangUp
    }

    /// Says something; `false` where the synthesizer fails, and the call with it.
    fn say(&self, sid: &str, verb: &Verb) -> bool {
        let (engine, languages) = self.look(|platform| platform.synthesizer);
        let asked = verb.attribute("language").unwrap_or("en");
        let is_known = languages.split(' ').any(|known| known == asked);
        let spoken = if is_known { asked } else { "en" };
        if (engine, spoken) == ("voicerss", "it") {
            return false;
        }
        let times = verb
            .attribute("loop")
            .map_or(1, |text| text.parse().unwrap());
        self.set(sid, |call| {
            for _ in 0..times {
                call.spoken.push((spoken.to_owned(), verb.text.clone()));
            }
        });
        true
    }

    async fn fetch(
        &self,
        sid: &str,
        url: &str,
        method: &str,
        pressed: Option<char>,
    ) -> Option<Vec<Verb>> {
        self.set(sid, |call| call.fetched += 1);
        let mut pairs: Pairs = self.look(|platform| platform.call(sid).request(platform));
        if let Some(key) = pressed {
            pairs.push(("Digits".to_owned(), Some(key.to_string())));
            pairs.push(("SpeechResult".to_owned(), None));
        }
        let way = if method == "GET" {
            Way::ByGet
        } else {
            Way::Posted
        };
        let answer = request(url, way, pairs).await?;
        let kind = answer
            .headers()
            .get("content-type")?
            .to_str()
            .ok()?
            .to_owned();
        let is_document = ["text/xml", "application/xml", "text/html"]
            .iter()
            .any(|known| kind.contains(known));
        if answer.status() != 200 || !is_document {
            return None;
        }
        parse(&answer.text().await.ok()?)
    }
}
