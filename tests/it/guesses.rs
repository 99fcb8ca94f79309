//! What the body of a check may say. What cannot be a code costs nothing.

use serde_json::json;

use crate::{
    app::{NUMBER, TestApp},
    database::Database,
    members::assert_faults,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_guess_that_cannot_be_a_code_is_free_of_charge() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let id = app.send().await;
    let long = "1".repeat(10_000);
    for code in [
        "",
        " ",
        "-",
        "+",
        "123",
        "1234567890123456",
        "12345a",
        "12 34 5\u{a0}6",
        "\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}",
        "\u{0661}\u{0662}\u{0663}\u{0664}",
        "123456\u{0}",
        "123456\n",
        "123\t456",
        "++123456",
        "12+3456",
        "0x1234",
        "1e5",
        "12345.6",
        "' OR 1=1--",
        "%31%32%33%34",
        &long,
    ] {
        assert_faults(&app.verify(&id, code).await, &[("#/code", "invalid")]);
    }
    for code in [
        json!(123_456),
        json!(null),
        json!(true),
        json!(["123456"]),
        json!({ "$ne": "" }),
        json!(1.5e5),
    ] {
        assert_faults(
            &app.post("/otp/verify", json!({ "id": id, "code": code }))
                .await,
            &[("#/code", "wrong_type")],
        );
    }
    let wrong = app.wrong_code();
    for (body, expected) in [
        (
            json!({}),
            &[("#/id", "required"), ("#/code", "required")][..],
        ),
        (json!({ "id": id }), &[("#/code", "required")]),
        (json!({ "code": wrong }), &[("#/id", "required")]),
        (json!({ "id": 1, "code": wrong }), &[("#/id", "wrong_type")]),
        (
            json!({ "id": null, "to": NUMBER, "code": wrong }),
            &[("#/to", "not_allowed"), ("#/id", "wrong_type")],
        ),
        (
            json!({ "id": id, "to": NUMBER, "code": wrong }),
            &[("#/to", "not_allowed")],
        ),
        (
            json!({ "id": id, "purpose": "login", "code": wrong }),
            &[("#/purpose", "not_allowed")],
        ),
        (
            json!({ "to": "1", "purpose": "P", "code": 1, "x": 1 }),
            &[
                ("#/to", "invalid"),
                ("#/purpose", "invalid"),
                ("#/code", "wrong_type"),
                ("#/x", "unknown_member"),
            ],
        ),
    ] {
        assert_faults(&app.post("/otp/verify", body).await, expected);
    }
    assert_eq!(app.status(&id).await["attempts_left"], 5);

    let unlikely = format!("{wrong}{wrong}123");
    for (guess, left) in [("0000", 4), (&unlikely, 3), (&format!("+{wrong}"), 2)] {
        assert_eq!(
            app.verify(&id, guess).await.problem(422, "wrong_code")["attempts_left"],
            left
        );
    }
    let code = app.code();
    assert_eq!(
        app.verify(&id, &format!(" {} - {} ", &code[..3], &code[3..]))
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_none_of_ours_names_nothing() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let id = app.send().await;
    let (upper, spaced) = (id.to_uppercase(), format!(" {id}"));
    for id in [
        "",
        "x",
        "otp_",
        "' OR 1=1--",
        "\u{0}",
        &upper,
        &spaced,
        &"z".repeat(9_000),
        "otp_000000000000000000000000000000",
    ] {
        app.verify(id, &app.code())
            .await
            .problem(404, "no_such_verification");
    }
    assert_eq!(app.verify(&id, &app.code()).await.status, 200);
}
