use reqwest::Method;

use super::*;

const MESSAGES: &str =
    "/sim/restcomm/2012-04-24/Accounts/AC00000000000000000000000000000001/SMS/Messages";

#[tokio::test]
async fn without_the_right_credentials_the_answer_is_401_and_empty() {
    let world = World::new();
    let basic = world
        .request(Method::GET, MESSAGES)
        .basic_auth(SID, Some(TOKEN))
        .build()
        .unwrap();
    let right = basic.headers()["authorization"]
        .to_str()
        .unwrap()
        .to_owned();
    let lower_case = right.replace("Basic", "basic");
    let two_spaces = right.replace(' ', "  ");
    let ask = || world.request(Method::GET, MESSAGES);
    for request in [
        ask(),
        ask().basic_auth(SID, Some("wrong")),
        ask().basic_auth("AC00000000000000000000000000000002", Some(TOKEN)),
        ask().bearer_auth(TOKEN),
        ask().header("authorization", &lower_case),
        ask().header("authorization", &two_spaces),
        world.request(Method::GET, "/sim/restcomm/2012-04-24/Elsewhere"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(
            header(&response, "www-authenticate"),
            Some("Basic realm=\"Restcomm realm\"")
        );
        assert_eq!(response.text().await.unwrap(), "");
    }
    assert_eq!(
        ask()
            .header("authorization", &right)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn another_account_is_403_and_empty() {
    let world = World::new();
    let other = MESSAGES.replace("0001/", "0002/");
    for method in [Method::GET, Method::POST] {
        let request = world.request(method, &other).basic_auth(SID, Some(TOKEN));
        let answer = text_of(request.form(&[("From", "a")])).await;
        assert_eq!(answer, (403, String::new()));
    }
}

#[tokio::test]
async fn credentials_are_checked_before_the_content_type_and_that_before_the_form() {
    let world = World::new();
    let status =
        |request: RequestBuilder| async { request.send().await.unwrap().status().as_u16() };
    let json = world.request(Method::POST, MESSAGES).body("{}");
    assert_eq!(status(json).await, 401);
    let json = world
        .rest(Method::POST, "Messages")
        .header("content-type", "application/json");
    assert_eq!(status(json.body("{}")).await, 415);
    assert_eq!(status(world.rest(Method::POST, "Messages")).await, 415);
    assert_eq!(status(world.post(&[])).await, 400);
    assert_eq!(status(world.rest(Method::DELETE, "Messages")).await, 405);
    assert_eq!(status(world.rest(Method::GET, "Elsewhere")).await, 404);
}
