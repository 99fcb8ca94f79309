//! Repeats at the same time, and processes that die between a send and its answer.

use super::*;

/// Sends that come at once.
const AT_ONCE: usize = 50;

on_both! {
    async fn of_many_sends_at_once_over_two_replicas_one_sends_and_all_are_answered_alike(database) {
        let mut app = TestApp::with(database, once_an_hour).await;
        let replica = app.replica().await;
        for round in 0..5 {
            let (key, number) = (format!("\"round {round}\""), format!("+35191234567{round}"));
            let body = json!({ "to": number });
            let sends = (0..AT_ONCE).map(|n| {
                let service = if n % 2 == 0 { &app } else { &replica };
                tokio::spawn(Answer::of(request(service, &key, &body)))
            });
            let sends: Vec<_> = sends.collect();
            let mut given = Vec::new();
            for send in sends {
                let answer = send.await.unwrap();
                if answer.status == 409 {
                    answer.problem(409, "idempotency_in_progress");
                } else {
                    assert_eq!(answer.status, 201, "{}", answer.text);
                    given.push(answer);
                }
            }
            let own = given.iter().filter(|answer| answer.header("idempotent-replayed").is_none());
            assert_eq!(own.count(), 1, "one of them sends");
            assert!(given.iter().all(|answer| answer.text == given[0].text));
            let again = Answer::of(request(&replica, &key, &body)).await;
            assert_replayed(&again, &given[0]);
            assert_eq!(app.simulator.texts(&number).len(), 1);
            // The limit of one was charged once, and is used up.
            let another = Answer::of(request(&app, "\"another\"", &json!({ "to": number, "purpose": "signup" }))).await;
            another.problem(429, "rate_limited");
        }
        app.restart_with(|_| {}).await.unwrap();
        let body = json!({ "to": "+351912345670" });
        assert_eq!(Answer::of(request(&app, "\"round 0\"", &body)).await.status, 201);
        long_after(&app).await;
        assert_eq!(app.simulator.requests().posts, 5);
    }

    async fn a_process_that_dies_before_it_answers_leaves_the_answer_to_the_repeat(database) {
        let mut app = TestApp::mortal(database, |_| {}).await;
        app.simulator.answer_sends(Platform::Slow(Duration::from_hours(1)), Some(1));
        let lost = tokio::spawn(request(&app, KEY, &json!({ "to": NUMBER })).send());
        app.eventually("Restcomm has it", async |app| app.simulator.requests().stored == 1).await;
        app.crash().await;
        // In its last moment it may have told that the message is queued, which is true, or have noted it without telling.
        let told = lost.await.unwrap();
        app.start_again().await;
        let first = send(&app, KEY).await;
        if first.status != 202 {
            first.problem(409, "idempotency_in_progress");
            app.advance(3);
        }
        let answered = send(&app, KEY).await;
        assert_eq!((answered.status, &answered.json()["delivery"]["status"]), (202, &json!("queued")));
        if let Ok(told) = told && told.status() == 202 {
            assert_eq!(told.text().await.unwrap(), answered.text);
        }
        // Restcomm is asked, and knows it.
        long_after(&app).await;
        let id = id_of(&answered);
        assert_eq!(app.status(&id).await["delivery"]["status"], "sent");
        assert_replayed(&send(&app, KEY).await, &answered);
        assert_eq!((app.simulator.requests().posts, app.simulator.texts(NUMBER).len()), (1, 1));
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn a_caller_who_hangs_up_finds_the_answer_later(database) {
        let app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Platform::Slow(Duration::from_secs(1)), Some(1));
        let gone = tokio::spawn(request(&app, KEY, &json!({ "to": NUMBER })).send());
        app.eventually("Restcomm has it", async |app| app.simulator.requests().posts == 1).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        send(&app, KEY).await.problem(409, "idempotency_in_progress");
        // Within the wait: nobody else could say yet how it stands.
        app.eventually_within(5, "the answer is noted", async |app| send(app, KEY).await.status == 201).await;
        assert_eq!(app.simulator.requests().posts, 1);
    }
}
