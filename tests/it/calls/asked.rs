//! Who asks what to say is told the code only if it is the call that was placed.

use futures_util::future::join_all;

use super::*;
use crate::app::on_both;

/// A call that rings, and the address where it will ask what to say.
async fn ringing(database: Database) -> (TestApp, String, String, String) {
    let app = calling(database).await;
    silent(&app);
    let (_, id) = send_over(&app, "voice").await;
    let call = last_call(&app);
    let path = path_of(&call.rcml.url);
    app.eventually("the answer is noted", async |app| {
        app.status(&id).await["deliveries"][0]
            .get("sent_at")
            .is_some()
    })
    .await;
    (app, id, path, call.sid)
}

fn holds_a_code(answer: &Answer) -> bool {
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap();
    assert!(kind.contains("text/xml"), "{kind}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.text.contains("Your code is")
}

on_both! {
    async fn of_sixteen_at_once_three_are_told_the_code(database) {
        let (app, _, path, sid) = ringing(database).await;
        let asked = (0..16).map(|_| ask_what_to_say(&app, &path, &sid, ""));
        let answers = join_all(asked).await;
        assert_eq!(answers.iter().filter(|answer| holds_a_code(answer)).count(), 3);
        assert_eq!(answers.iter().filter(|answer| answer.text == HANG_UP).count(), 13);
        // The last of them asks for no key, since there would be nothing more to say.
        assert_eq!(answers.iter().filter(|answer| answer.text.contains("<Gather")).count(), 2);
    }

    async fn another_call_is_told_nothing_and_uses_nothing_up(database) {
        let (app, id, path, sid) = ringing(database).await;
        let before = app.status(&id).await;
        let other = sid.replace("-CA", "-CB");
        for asking in [other.as_str(), "", "x"] {
            assert_eq!(ask_what_to_say(&app, &path, asking, "").await.text, HANG_UP, "{asking:?}");
        }
        assert_eq!(app.status(&id).await, before);
        for more in ["", "&Digits=1", "&Digits=1"] {
            assert!(holds_a_code(&ask_what_to_say(&app, &path, &sid, more).await));
        }
        assert_eq!(ask_what_to_say(&app, &path, &sid, "&Digits=1").await.text, HANG_UP);
        assert_eq!(app.status(&id).await["status"], "pending");
    }

    async fn a_token_opens_what_it_was_made_for_and_nothing_else(database) {
        let (app, id, path, sid) = ringing(database).await;
        let before = app.status(&id).await;
        let call = last_call(&app);
        let callback = path_of(&call.callback.unwrap().url);
        let token = |path: &str| path.split('/').nth(3).unwrap().to_owned();
        let (to_say, to_tell) = (token(&path), token(&callback));
        assert_ne!(to_say, to_tell);
        let rcml = |token: &str| format!("/callbacks/restcomm/{token}/rcml");
        for wrong in [to_tell.clone(), to_say[1..].to_owned(), format!("{to_say}A"), to_say.to_lowercase(), "x".to_owned()] {
            assert_eq!(ask_what_to_say(&app, &rcml(&wrong), &sid, "").await.text, HANG_UP);
        }
        for route in ["call", "sms"] {
            let path = format!("/callbacks/restcomm/{to_say}/{route}");
            ask_what_to_say(&app, &path, &sid, "").await.problem(404, "not_found");
        }
        let path = format!("/callbacks/restcomm/{to_tell}/sms");
        ask_what_to_say(&app, &path, &sid, "").await.problem(404, "not_found");
        assert_eq!(app.status(&id).await, before);
    }

    async fn nothing_is_said_after_the_end(database) {
        for end in ["approved", "canceled", "expired", "call over"] {
            let (app, id, path, sid) = ringing(database).await;
            assert!(holds_a_code(&ask_what_to_say(&app, &path, &sid, "").await));
            match end {
                "canceled" => {
                    app.post(&format!("/otp/{id}/cancel"), json!({})).await;
                }
                "expired" => app.advance(300),
                "call over" => {
                    let call = last_call(&app);
                    let callback = path_of(&call.callback.unwrap().url);
                    let form = format!("CallSid={sid}&CallStatus=completed");
                    let request = app.http.post(format!("{}{callback}", app.base)).body(form);
                    assert_eq!(Answer::of(request).await.status, 204);
                }
                _ => {
                    let answer = ask_what_to_say(&app, &path, &sid, "").await.text;
                    let words = answer.split_once("Your code is: ").unwrap().1;
                    let words = words.split_once('.').unwrap().0;
                    let code: String = words.chars().filter(char::is_ascii_digit).collect();
                    assert_eq!(app.verify(&id, &code).await.status, 200);
                }
            }
            assert_eq!(ask_what_to_say(&app, &path, &sid, "").await.text, HANG_UP, "{end}");
        }
    }

    /// A proxy, or a redirect, may move what is told into the query.
    async fn what_to_say_can_be_asked_with_a_query(database) {
        let (app, _, path, sid) = ringing(database).await;
        let url = format!("{}{path}?CallSid={sid}&CallStatus=in-progress", app.base);
        assert!(holds_a_code(&Answer::of(app.http.get(&url)).await));
        assert!(holds_a_code(&Answer::of(app.http.post(&url).body("token=x")).await));
        let request = app.http.delete(&url);
        Answer::of(request).await.problem(405, "method_not_allowed");
        let huge = "x".repeat(64 * 1024 + 1);
        let request = app.http.post(&url).body(huge);
        Answer::of(request).await.problem(413, "body_too_large");
    }

    async fn a_resend_changes_what_a_call_that_still_rings_will_say(database) {
        let (app, id, path, sid) = ringing(database).await;
        app.advance(30);
        assert_eq!(try_over(&app, "sms").await.status, 200);
        let text = ask_what_to_say(&app, &path, &sid, "").await.text;
        let digits: Vec<String> = app.code().chars().map(String::from).collect();
        assert!(text.contains(&digits.join(", ")), "{text}");
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }
}
