//! Processes that die between the decision to fall back and what follows from it.

use std::sync::Arc;

use countersign::{
    domain::{
        code::Code,
        delivery::LEASE,
        fallback::{Due, FallBack, FallBackOutcome, Step},
        random::Random,
    },
    simulator::Answer as Platform,
    store::Journal,
};

use super::*;
use crate::{app::TENANT, crash::ring, settings::tenant};

/// What a process commits before it dies: a fallback that nobody hands off.
async fn commit_a_fallback(app: &TestApp, id: &str) {
    let store = app.store().await;
    let (clock, random) = (app.clock.clone(), Random::seeded(3));
    let (journal, started) = Journal::start(store, ring(), clock, random.clone())
        .await
        .unwrap();
    drop(started);
    let row = Outbox::of(app).await.last(id).await;
    let fall_back = FallBack {
        delivery: row.id,
        verification: row.verification,
        charges: Vec::new(),
        step: Due::Step(Box::new(Step {
            tenant: Arc::new(tenant(TENANT)),
            channel: Channel::Voice,
            account: "main".to_owned(),
            next: None,
            code: Code::generate(6, &random),
            delivery_seed: random.bytes(),
        })),
    };
    let outcome = journal.fall_back(fall_back).await.unwrap();
    assert!(
        matches!(outcome, FallBackOutcome::Started(_)),
        "{outcome:?}"
    );
}

/// Waits until what the dead process left behind is known, and asserts that there was one call.
async fn calls_once(app: &TestApp, id: &str) {
    let outbox = Outbox::of(app).await;
    app.clock.advance(LEASE);
    outbox
        .wait_for(id, "its fate is known", |row| {
            row.stage != Stage::Claimed && row.stage != Stage::Unknown
        })
        .await;
    outbox.run_out(app, id).await;
    long_after(app).await;
    assert_eq!(calls_to(app, NUMBER), 1);
    assert_eq!(deliveries(app, id).await.as_array().unwrap().len(), 2);
}

/// Waits until the call, which was placed a while ago, has said `code`.
async fn says(app: &TestApp, code: &str) {
    app.advance(3);
    app.eventually("the code is said", async |app| heard(app) == code)
        .await;
}

on_both! {
    async fn a_fallback_that_was_decided_and_not_begun_is_called_once_by_whoever_comes_next(database) {
        let mut app = losing(database).await;
        let id = send_and_note(&app).await;
        let code = code_of_last_message(&app);
        app.stop().await;
        app.advance(20);
        commit_a_fallback(&app, &id).await;
        app.restart_with(|_| {}).await.unwrap();
        calls_once(&app, &id).await;
        says(&app, &code).await;
        assert_eq!(app.verify(&id, &code).await.status, 200);
    }

    async fn a_call_that_was_placed_before_its_process_died_is_found_and_not_placed_again(database) {
        let mut app = TestApp::mortal(database, call_after_20_seconds).await;
        app.simulator.script(NUMBER, LOST);
        let id = send_and_note(&app).await;
        let code = code_of_last_message(&app);
        app.simulator.answer_calls(Platform::Slow(Duration::from_hours(1)), Some(1));
        app.advance(20);
        called(&app, 1).await;
        app.crash().await;
        app.start_again().await;
        calls_once(&app, &id).await;
        // What is said is asked for where the dead process was: another one is elsewhere in a test.
        assert_eq!(app.verify(&id, &code).await.status, 200);
    }

    async fn a_call_that_was_being_placed_when_its_process_died_is_placed_once(database) {
        let mut app = TestApp::mortal(database, call_after_20_seconds).await;
        app.simulator.script(NUMBER, LOST);
        let id = send_and_note(&app).await;
        let code = code_of_last_message(&app);
        app.simulator.answer_calls(Platform::Hang, Some(1));
        app.advance(20);
        app.eventually("it is being placed", async |app| app.simulator.call_requests().posts == 1).await;
        app.crash().await;
        app.start_again().await;
        calls_once(&app, &id).await;
        says(&app, &code).await;
        assert_eq!(app.verify(&id, &code).await.status, 200);
    }
}
