//! Where no report comes, Restcomm is asked.

use super::*;

fn polls(app: &TestApp) -> u64 {
    app.simulator.requests().polls
}

/// Messages that Restcomm is still to be asked for.
async fn asks(app: &TestApp) -> i64 {
    let waiting = "select count(*) from deliveries where ask_at is not null";
    app.place.count(waiting).await
}

/// Moves the clock to when Restcomm is asked next, and waits until it was.
async fn until_asked(app: &TestApp, id: &str) {
    let before = polls(app);
    let row = Outbox::of(app).await.last(id).await;
    let ahead = app.clock.now().until(row.ask_at.unwrap());
    app.clock.advance(ahead + Duration::from_secs(1));
    let was_asked = async |app: &TestApp| before < polls(app);
    app.eventually("Restcomm is asked", was_asked).await;
}

/// Restcomm may be asked a moment before it knows, and is asked again then.
async fn eventually_told(app: &TestApp, what: &str, done: impl AsyncFn(&TestApp) -> bool) {
    app.eventually_within(60, what, done).await;
}

on_both! {
    async fn a_report_that_got_lost_is_asked_for(database) {
        let app = reporting(database, Reports::Lost).await;
        let id = app.send().await;
        settled(&app, &id).await;
        until_asked(&app, &id).await;
        eventually_told(&app, "it is delivered", async |app| delivery(app, &id).await == delivered()).await;
        assert!((1..=2).contains(&polls(&app)), "{}", polls(&app));
        assert_eq!(app.status(&id).await["status"], "pending");
    }

    async fn a_reason_is_learnt_by_asking_too(database) {
        let app = reporting(database, Reports::Lost).await;
        app.simulator.script(NUMBER, Script { sms: SmsFate::Undeliver, ..Script::default() });
        let id = app.send().await;
        settled(&app, &id).await;
        let expected = undelivered("landline_or_unreachable_carrier");
        until_asked(&app, &id).await;
        eventually_told(&app, "it is undelivered", async |app| delivery(app, &id).await == expected).await;
    }

    /// By SIP, Restcomm never learns more than that a message was sent; two replicas ask no more often than one.
    async fn what_stays_sent_is_asked_for_rarely_by_one_replica_and_not_for_ever(database) {
        let app = reporting(database, Reports::None).await;
        let _replica = app.replica().await;
        let id = app.send().await;
        settled(&app, &id).await;
        for _ in 0..15 {
            long_after(&app).await;
        }
        assert_eq!(delivery(&app, &id).await, sent());
        assert_eq!(app.status(&id).await["status"], "expired");
        app.eventually_within(60, "nobody asks any more", async |app| asks(app).await == 0).await;
        let asked = polls(&app);
        assert!((2..=8).contains(&asked), "{asked}");
        long_after(&app).await;
        assert_eq!(polls(&app), asked);
    }

    async fn an_account_that_does_not_tell_is_asked_again(database) {
        let app = reporting(database, Reports::Lost).await;
        let id = app.send().await;
        settled(&app, &id).await;
        for fault in [Fault::ServerError, Fault::Html] {
            app.simulator.answer_lookups(fault, None);
            until_asked(&app, &id).await;
            assert_eq!(delivery(&app, &id).await, sent());
        }
        app.simulator.answer_lookups(Fault::Ok, None);
        until_asked(&app, &id).await;
        eventually_told(&app, "it is delivered", async |app| delivery(app, &id).await == delivered()).await;
    }

    /// Of those that are approved there are more than are let go of together; among them is one that is not.
    async fn nobody_asks_for_messages_of_verifications_that_ended_early(database) {
        let app = reporting(database, Reports::None).await;
        let numbers: Vec<String> = (0..300).map(|n| format!("+35191234{n:04}")).collect();
        let mut ids = Vec::new();
        for some in numbers.chunks(10) {
            ids.extend(join_all(some.iter().map(|number| app.send_to(number))).await);
        }
        app.eventually("all are noted", async |app| asks(app).await == 300).await;
        for (id, number) in ids.iter().zip(&numbers).skip(1) {
            assert_eq!(app.verify(id, &app.code_at(number)).await.status, 200);
        }
        until_asked(&app, &ids[0]).await;
        app.eventually("the others are let go of", async |app| asks(app).await == 1).await;
        assert_eq!(polls(&app), 1);
    }
}
