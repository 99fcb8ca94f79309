//! Several accounts: which is tried, when the next one is, and under which sender.

use std::net::TcpListener;

use countersign::{
    config::{BaseUrl, Config},
    domain::delivery::Stage,
    simulator::{Answer, CallFate, Script, Simulator, SmsFate},
};
use serde_json::json;

use crate::{
    app::{NOON, NUMBER, TestApp, account, on_both, restcomm},
    database::Database,
    outbox::{Outbox, delivery, failed, impatient, long_after, send_queued, sent, try_send},
};

const AMERICAN: &str = "+12025550123";

/// A service with a second account behind the first.
async fn two_accounts(
    database: Database,
    change: impl FnOnce(&mut Config),
) -> (TestApp, Simulator) {
    let (second, base_url) = restcomm(&countersign::domain::clock::Clock::manual(NOON));
    let app = TestApp::with(database, |config| {
        config.accounts.push(account("second", &base_url));
        change(config);
    })
    .await;
    (app, second)
}

on_both! {
    async fn the_next_account_sends_at_once_what_the_first_did_not_take(database) {
        for answer in [Answer::ServerError, Answer::Unauthorized, Answer::Forbidden] {
            let (app, second) = two_accounts(database, |_| {}).await;
            app.simulator.answer_sends(answer, None);
            let answered = try_send(&app).await;
            assert_eq!(answered.status, 201, "{answer:?}: {}", answered.text);
            assert_eq!(answered.json()["delivery"], sent());
            assert_eq!((app.simulator.requests().posts, second.requests().posts), (1, 1));
            let id = answered.json()["id"].as_str().unwrap().to_owned();
            let row = Outbox::of(&app).await.run_out(&app, &id).await;
            assert_eq!(row.account.as_deref(), Some("second"));
            assert_eq!(row.sid.as_ref(), Some(&second.messages()[0].sid));
            let code = second.texts(NUMBER)[0][..6].to_owned();
            assert_eq!(app.verify(&id, &code).await.status, 200);
        }
    }

    async fn the_next_account_sends_what_the_first_cannot_be_reached_for(database) {
        // One port refuses connections; the other accepts them and never says a word of TLS.
        let closed = tokio::net::TcpSocket::new_v4().unwrap();
        closed.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [
            format!("http://{}/restcomm/2012-04-24", closed.local_addr().unwrap()),
            format!("https://{}/restcomm/2012-04-24", silent.local_addr().unwrap()),
        ];
        for address in addresses {
            let (app, second) = two_accounts(database, |config| {
                config.accounts[0].base_url = BaseUrl::parse(&address).unwrap();
                impatient(config);
            }).await;
            let answer = try_send(&app).await;
            assert_eq!(answer.status, 201, "{address}: {}", answer.text);
            assert_eq!(second.texts(NUMBER).len(), 1);
        }
    }

    async fn all_accounts_are_tried_again_in_order(database) {
        let (app, second) = two_accounts(database, |_| {}).await;
        app.simulator.answer_sends(Answer::ServerError, Some(2));
        second.answer_sends(Answer::ServerError, None);
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Waiting);
        assert_eq!(outbox.step(&app, &id).await.stage, Stage::Waiting);
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (2, 2));
        outbox.run_out(&app, &id).await;
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (3, 2));
        assert_eq!(delivery(&app, &id).await, sent());
    }

    async fn what_the_first_may_have_is_not_given_to_the_second_before_the_first_denied_it(database) {
        let (app, second) = two_accounts(database, impatient).await;
        app.simulator.answer_sends(Answer::Hang, None);
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown);
        assert_eq!(second.requests().posts, 0);
        assert_eq!(outbox.step(&app, &id).await.stage, Stage::Waiting);
        assert_eq!((app.simulator.requests().gets, second.requests().gets, second.requests().posts), (2, 0, 0));
        // Now the first is down altogether.
        app.simulator.answer_sends(Answer::ServerError, None);
        outbox.run_out(&app, &id).await;
        assert_eq!((second.requests().posts, second.texts(NUMBER).len()), (1, 1));
        assert_eq!(delivery(&app, &id).await, sent());
    }

    async fn what_the_first_has_is_never_given_to_the_second(database) {
        let (app, second) = two_accounts(database, impatient).await;
        app.simulator.answer_sends(Answer::CloseAfterAccept, None);
        app.simulator.answer_lookups(Answer::Hang, Some(1));
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        outbox.run_out(&app, &id).await;
        assert_eq!(delivery(&app, &id).await, sent());
        long_after(&app).await;
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (1, 0));
        assert_eq!(outbox.last(&id).await.account.as_deref(), Some("main"));
    }

    async fn what_the_second_may_have_is_asked_of_the_second(database) {
        let (app, second) = two_accounts(database, impatient).await;
        app.simulator.answer_sends(Answer::ServerError, None);
        second.answer_sends(Answer::CloseAfterAccept, Some(1));
        let id = send_queued(&app).await;
        Outbox::of(&app).await.run_out(&app, &id).await;
        assert_eq!(delivery(&app, &id).await, sent());
        assert_eq!((app.simulator.requests().gets, second.requests().gets), (0, 1));
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (1, 1));
    }

    async fn what_the_first_refuses_is_not_offered_to_the_second(database) {
        let (app, second) = two_accounts(database, |_| {}).await;
        app.simulator.script(NUMBER, Script { sms: SmsFate::Refuse, call: CallFate::Answer });
        try_send(&app).await.problem(422, "delivery_refused");
        app.simulator.script(NUMBER, Script::default());
        app.simulator.answer_sends(Answer::LimitExceeded, None);
        try_send(&app).await.problem(422, "delivery_refused");
        long_after(&app).await;
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (2, 0));
    }

    async fn a_tenant_uses_only_its_accounts(database) {
        let (app, second) = two_accounts(database, |config| {
            config.tenants[0].policy.accounts = vec!["second".to_owned()];
        }).await;
        app.send().await;
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (0, 1));
        second.answer_sends(Answer::ServerError, Some(1));
        app.advance(30);
        assert_eq!(try_send(&app).await.json()["delivery"]["status"], "queued");
        assert_eq!(app.simulator.requests().posts, 0, "not even when its own is down");
    }

    async fn a_tenant_that_names_accounts_does_not_order_them(database) {
        let (app, second) = two_accounts(database, |config| {
            config.tenants[0].policy.accounts = vec!["second".to_owned(), "main".to_owned()];
        }).await;
        app.send().await;
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (1, 0));
    }

    async fn an_account_that_is_taken_away_leaves_what_it_may_have_unconfirmed(database) {
        let (mut app, second) = two_accounts(database, impatient).await;
        app.simulator.answer_sends(Answer::Hang, None);
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown);
        app.restart_with(|config| drop(config.accounts.remove(0))).await.unwrap();
        outbox.run_out(&app, &id).await;
        assert_eq!(delivery(&app, &id).await, failed("unconfirmed"));
        assert_eq!(second.requests().posts, 0);
    }

    async fn the_sender_goes_by_country_then_tenant_then_account(database) {
        let app = TestApp::with(database, |config| {
            let senders = &mut config.accounts[0].sms_from.by_country;
            senders.insert("FR".to_owned(), "+33700000001".to_owned());
            config.tenants[0].policy.sender = Some("AcmeBank".to_owned());
        }).await;
        for (number, sender) in [
            (NUMBER, "AcmeBank"),
            ("+33612345678", "+33700000001"),
            // Carriers there drop names, so the account's own sender is used.
            (AMERICAN, "OTPApp"),
        ] {
            app.send_to(number).await;
            assert_eq!(app.simulator.messages().last().unwrap().from, sender, "{number}");
        }
    }

    async fn an_account_without_a_sender_for_the_country_is_passed_over(database) {
        let (app, second) = two_accounts(database, |config| {
            config.accounts[0].sms_from.default = None;
            config.accounts[1].sms_from.by_country.insert("US".to_owned(), "+13055550100".to_owned());
            config.tenants[0].policy.sender = Some("AcmeBank".to_owned());
        }).await;
        app.send_to(NUMBER).await;
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (1, 0), "the tenant's name will do");
        app.send_to(AMERICAN).await;
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (1, 1));
        assert_eq!(second.messages()[0].from, "+13055550100");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_no_account_has_a_sender_nothing_is_begun() {
    let app = TestApp::with(Database::Sqlite, |config| {
        config.accounts[0].sms_from.default = None;
        config.tenants[0].policy.sender = Some("AcmeBank".to_owned());
    })
    .await;
    let answer = app.post("/otp/send", json!({ "to": AMERICAN })).await;
    answer.problem(403, "destination_not_allowed");
    assert_eq!(app.simulator.requests().posts, 0);
}
