//! The ways in which a code can come: which are offered when, and what is asked for then.

use countersign::{domain::delivery::Channel, simulator::Hand};
use serde_json::{Value, json};

use super::{
    chromium::{Browser, visit},
    stage::Stage,
};
use crate::app::NUMBER;

/// The ways that are offered below the code form, and whether they have to wait.
async fn offered(browser: &Browser) -> Value {
    let offered = "[...document.querySelectorAll('#resend, #channels button')]
        .filter((button) => button.checkVisibility())
        .map(({ dataset, disabled }) => [dataset.channel ?? 'again', disabled])";
    browser.evaluate(offered).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_chooses_how_the_code_comes() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let ways = "[...document.querySelectorAll('#ways label')].map(({ innerText }) => innerText.split('\\n')[0].trim())";
        assert_eq!(browser.evaluate(ways).await, json!(["Text message", "Phone call", "Missed call"]));
        let chosen = "document.querySelector('#ways :checked').value";
        assert_eq!(browser.evaluate(chosen).await, "sms");
        browser.fill("number", NUMBER).await;
        for (channel, button, heading, described) in [
            ("voice", "Call with the code", "Type the code",
             "We call the number ending in 7 8. Answer the call, and a voice says the code."),
            ("flashcall", "Ring this phone", "Which number called?",
             "We call the number ending in 7 8, and you need not answer: \
              the last four digits of the caller’s number are the code."),
        ] {
            browser.choose(channel).await;
            assert_eq!(browser.text("number-button").await, button);
            browser.press("number-button").await;
            browser.reaches("code").await;
            assert_eq!(browser.text("code-title").await, heading);
            assert_eq!(browser.title().await, format!("{heading} · Countersign"));
            assert_eq!(browser.described("code").await, described);
            assert_eq!(browser.focused().await, "code");
            stage.call_at(NUMBER).await;
            stage.hand(NUMBER, Hand::Decline).await;
            browser.press("other-number").await;
            browser.reaches("number").await;
            // What was chosen stays chosen.
            assert_eq!(browser.evaluate(chosen).await, channel);
        }
        assert_eq!(stage.messages_at(NUMBER), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_change_need_not_wait_and_those_after_it_do() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        browser.says("resend", "Send again in").await;
        assert_eq!(
            offered(browser).await,
            json!([["again", true], ["voice", false], ["flashcall", false]])
        );
        browser.change_to("voice").await;
        browser
            .says(
                "status",
                "We are calling now. Use the code that this call says.",
            )
            .await;
        assert_eq!(browser.focused().await, "code");
        assert_eq!(
            offered(browser).await,
            json!([["again", true], ["sms", true], ["flashcall", true]])
        );
        browser.says("resend", "Call again in").await;
        stage.call_at(NUMBER).await;
        stage.hand(NUMBER, Hand::Decline).await;
        // Also when the page is loaded again.
        browser.open(&stage.base).await;
        browser.reaches("code").await;
        browser.says("code-lead", "We call").await;
        assert_eq!(
            offered(browser).await,
            json!([["again", true], ["sms", true], ["flashcall", true]])
        );
        stage.advance(4);
        browser.change_to("flashcall").await;
        browser
            .says("status", "The number of this call is the one that counts.")
            .await;
        let call = stage.call_at(NUMBER).await;
        browser.check(&call.from).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_has_to_wait_after_all_is_said_to_be_one() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        // In another window, the one change without a wait was made.
        let beside = stage
            .post("/otp/send", json!({ "to": NUMBER, "channel": "voice" }))
            .await;
        assert_eq!(beside.status, 200);
        browser.change_to("flashcall").await;
        browser
            .says("status", "Another can be sent in 4 seconds.")
            .await;
        assert_eq!(
            offered(browser).await,
            json!([["again", true], ["voice", true], ["flashcall", true]])
        );
        assert_eq!(browser.text("code-title").await, "Type the code");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_tells_of_a_send_is_said_in_words_for_its_way() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        // Whatever it tells, as if it told it of every send.
        let tell = "const fetch = window.fetch;
            window.fetch = async (path, ...rest) => {
                const answer = await fetch(path, ...rest);
                if (!path.endsWith('/otp/send') || !answer.ok) { return answer; }
                const body = { ...(await answer.json()), delivery: { status: window.told } };
                return Response.json(body, { status: window.status, headers: answer.headers });
            };";
        browser.run(tell).await;
        for (place, (channel, status, told, said)) in [
            ("sms", 201, "sent", ""),
            ("sms", 202, "queued", "The message is still on its way out."),
            (
                "sms",
                202,
                "undelivered",
                "The message did not reach the phone.",
            ),
            ("voice", 201, "queued", ""),
            ("voice", 201, "ringing", ""),
            ("voice", 202, "queued", "The call has not gone out yet."),
            ("voice", 202, "busy", "Nobody could take the call."),
            ("voice", 202, "unanswered", "Nobody could take the call."),
            ("voice", 202, "failed", "This number could not be called."),
            ("flashcall", 202, "busy", "The phone could not ring."),
            ("flashcall", 202, "unanswered", ""),
        ]
        .into_iter()
        .enumerate()
        {
            browser
                .inject(&format!(
                    "window.told = '{told}'; window.status = {status};"
                ))
                .await;
            browser.choose(channel).await;
            browser
                .send_to(&format!("+3519123456{:02}", 10 + place))
                .await;
            if said.is_empty() {
                // Words come in a moment, if they come.
                browser
                    .run("await new Promise((done) => setTimeout(done, 300));")
                    .await;
                assert_eq!(browser.text("status").await, "", "{channel}, {told}");
            } else {
                browser.says("status", said).await;
            }
            browser.press("other-number").await;
            browser.reaches("number").await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_the_service_does_not_have_is_said_to_be_none() {
    let stage = Stage::with(|policy| policy.channels = vec![Channel::Sms]).await;
    visit(&stage.base, async |browser| {
        let said = "This service does not send codes this way. The ways that are left still work.";
        browser.fill("number", NUMBER).await;
        browser.choose("voice").await;
        browser.press("number-button").await;
        browser.says("trouble", said).await;
        browser.choose("sms").await;
        browser.press("number-button").await;
        browser.reaches("code").await;
        browser.change_to("flashcall").await;
        browser.says("trouble", said).await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}
