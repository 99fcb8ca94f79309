//! Two accounts at two strangers: when the second sends, and when it must not.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    manners::{Manner, Reply},
    server::Stranger,
    setup::{Setup, delivery},
    wire::Response,
};
use crate::{app::on_both, database::Database, process::service::code_of};

on_both! {
    async fn the_second_account_sends_within_the_wait_when_the_first_cannot(database) {
        let place = database.create().await;
        let (first, second) = (Stranger::closed(), Stranger::start().await);
        let service = Setup::new(&place.url, &[&first, &second]).serve().await;
        let mut numbers = (0..).map(|turn| format!("+3519123456{turn:02}"));
        let mut send = async |what: &str| {
            let number = numbers.next().unwrap();
            // After the wait it would be "queued".
            let id = service.client.sent(&number).await;
            let texts = second.texts(&number);
            assert_eq!((texts.len(), first.texts(&number).len()), (1, 0), "{what}");
            let answer = service.client.verify(&id, &code_of(&texts[0])).await.unwrap();
            assert_eq!(answer.status, 200, "{what}");
        };
        send("the port is closed").await;
        first.up().await;
        for (what, status, kind, body) in [
            ("a plain text", 500, "text/plain", "Ask timed out on [Actor[akka://RestComm]]"),
            ("a page", 500, "text/html", "<html></html>"),
            ("a proxy", 503, "text/html", "<html></html>"),
            ("an account that is not active", 403, "text/plain", "Provided Account is not active"),
        ] {
            first.change(|platform| platform.sends.then([Manner::refusing(status, kind, body)]));
            send(what).await;
        }
        for status in [401, 403, 404, 302] {
            let manner = Manner::not_taking(Reply::Instead(Response::empty(status)));
            first.change(|platform| platform.sends.then([manner]));
            send(&status.to_string()).await;
        }
        // By now the first is left alone.
        let tried = first.look(|platform| platform.sends.count);
        send("the first is left alone").await;
        assert_eq!(first.look(|platform| platform.sends.count), tried);
    }
}

/// The first has the message, or had not, and says nothing: only after it denied the message the second gets it.
#[tokio::test(flavor = "multi_thread")]
async fn the_second_account_is_not_used_before_the_first_denied_the_message() {
    let place = Database::Sqlite.create().await;
    let (first, second) = (Stranger::start().await, Stranger::start().await);
    let mut setup = Setup::new(&place.url, &[&first, &second]);
    (setup.wait, setup.timeout) = ("300ms".to_owned(), "1s".to_owned());
    let service = setup.serve().await;
    let (taken, lost) = ("+351912345601", "+351912345602");
    let mut ids = Vec::new();
    for (number, takes) in [(taken, true), (lost, false)] {
        let manner = Manner {
            takes,
            ..Manner::taking(Reply::Silence)
        };
        first.change(|platform| platform.sends.then([manner]));
        let answer = service.client.send(number).await.unwrap();
        assert_eq!(
            (answer.status, &answer.json()["delivery"]),
            (202, &delivery("queued"))
        );
        ids.push(answer.id());
    }
    let asked = Instant::now();
    // From now on the first takes nothing, and tells nothing of what it has.
    first.change(|platform| {
        platform
            .sends
            .always(Manner::refusing(500, "text/plain", ""));
        platform.lists.then([
            Manner::refusing(500, "text/plain", ""),
            Manner::taking(Reply::Xml),
            Manner::not_taking(Reply::Instead(Response::empty(401))),
            Manner::taking(Reply::HeadOnly),
        ]);
    });
    loop {
        // In this order: what was used was used before.
        let used = second.look(|platform| platform.sends.count);
        if 4 < first.look(|platform| platform.lists.count) {
            break;
        }
        assert_eq!(used, 0, "nobody has denied it");
        assert!(
            asked.elapsed() < Duration::from_mins(1),
            "it was never asked"
        );
        sleep(Duration::from_millis(5)).await;
    }
    for id in &ids {
        service.client.until_sent(id).await;
    }
    assert_eq!(
        (first.texts(taken).len(), second.texts(taken).len()),
        (1, 0)
    );
    assert_eq!((first.texts(lost).len(), second.texts(lost).len()), (0, 1));
    for (id, text) in ids
        .iter()
        .zip([&first.texts(taken)[0], &second.texts(lost)[0]])
    {
        let answer = service.client.verify(id, &code_of(text)).await.unwrap();
        assert_eq!(answer.status, 200);
    }
}
