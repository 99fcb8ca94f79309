use reqwest::Method;

use super::*;

const PATH: &str =
    "/sim/restcomm/2012-04-24/Accounts/AC00000000000000000000000000000001/SMS/Messages";

impl World {
    async fn list(&self, query: &str) -> Value {
        let (status, list) =
            json_of(self.rest(Method::GET, &format!("Messages.json?{query}"))).await;
        assert_eq!(status, 200, "{query}");
        list
    }

    async fn bodies(&self, query: &str) -> Vec<String> {
        let list = self.list(query).await;
        let messages = list["messages"].as_array().unwrap().iter();
        messages
            .map(|message| message["body"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn refusal(&self, query: &str) -> (u16, String) {
        text_of(self.rest(Method::GET, &format!("Messages.json?{query}"))).await
    }
}

/// Everything but the messages.
fn head(mut list: Value) -> Value {
    list.as_object_mut().unwrap().remove("messages");
    list
}

#[tokio::test]
async fn an_empty_list_has_its_paging_too() {
    let world = World::new();
    let first = format!("{PATH}?Page=0&PageSize=50");
    let expected = json!({
        "page": 0, "num_pages": 0, "page_size": 50, "total": 0, "start": "0", "end": "0", "uri": PATH,
        "first_page_uri": first, "previous_page_uri": "null", "next_page_uri": "null",
        "last_page_uri": first, "messages": [],
    });
    assert_eq!(world.list("").await, expected);
}

#[tokio::test]
async fn pages_are_counted_as_restcomm_counts_them() {
    let world = World::new();
    for number in 0..5 {
        world.send("+1", &number.to_string()).await;
    }
    let full = world.list("Page=1&PageSize=2").await;
    let last_sid = full["messages"][1]["sid"].as_str().unwrap().to_owned();
    let expected = json!({
        "page": 1, "num_pages": 2, "page_size": 2, "total": 5, "start": "2", "end": "3", "uri": PATH,
        "first_page_uri": format!("{PATH}?Page=0&PageSize=2"),
        "previous_page_uri": format!("{PATH}?Page=0&PageSize=2"),
        "next_page_uri": format!("{PATH}?Page=2&PageSize=2&AfterSid={last_sid}"),
        "last_page_uri": format!("{PATH}?Page=2&PageSize=2"),
    });
    assert_eq!(head(full), expected);

    let last = world.list("Page=2&PageSize=2").await;
    assert_eq!((&last["start"], &last["end"]), (&json!("4"), &json!("5")));
    assert_eq!(last["next_page_uri"], "null");
    assert_eq!(
        world.refusal("Page=3&PageSize=2").await,
        (400, String::new())
    );
}

#[tokio::test]
async fn a_page_after_exactly_full_pages_is_there_and_empty() {
    let world = World::new();
    for _ in 0..2 {
        world.send("+1", "x").await;
    }
    assert_eq!(
        world.bodies("Page=1&PageSize=2").await,
        Vec::<String>::new()
    );
    assert_eq!(
        world.refusal("Page=2&PageSize=2").await,
        (400, String::new())
    );
}

#[tokio::test]
async fn the_newest_message_comes_first_unless_an_order_is_asked_for() {
    let world = World::new();
    for (to, body) in [("+2", "a"), ("+3", "b"), ("+1", "c")] {
        world.send(to, body).await;
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(world.bodies("").await, ["c", "b", "a"]);
    assert_eq!(
        world.bodies("SortBy=DateCreated:asc").await,
        ["a", "b", "c"]
    );
    assert_eq!(world.bodies("SortBy=To").await, ["c", "a", "b"]);
    assert_eq!(world.bodies("SortBy=To:desc").await, ["b", "a", "c"]);
    assert_eq!(world.bodies("SortBy=Sid").await, ["c", "b", "a"]);
    let (status, text) = world.refusal("SortBy=:asc").await;
    assert_eq!(status, 400);
    assert!(text.starts_with("{\"message\":\"Error parsing the SortBy parameter: "));
}

#[tokio::test]
async fn numbers_match_by_their_end_and_bodies_by_any_part() {
    let world = World::new();
    for (to, body) in [
        ("+351912345678", "one"),
        ("+351912345679", "two"),
        ("912345678", "three"),
    ] {
        world.send(to, body).await;
    }
    assert_eq!(world.bodies("To=%2B351912345678").await, ["one"]);
    assert_eq!(world.bodies("To=912345678").await, ["three", "one"]);
    assert_eq!(world.bodies("To=3519%25").await, ["two", "one"]);
    assert_eq!(
        world.bodies("To=912345678&From=App&Body=hre").await,
        ["three"]
    );
    assert_eq!(world.bodies("From=Other").await, Vec::<String>::new());
    // An unescaped plus is a space, on a real platform as well.
    assert_eq!(world.bodies("To=+351912345678").await, Vec::<String>::new());
}

#[tokio::test]
async fn days_are_inclusive_and_one_more() {
    let world = World::new();
    world.send("+1", "Saturday").await;
    world.clock.advance(Duration::from_hours(24));
    world.send("+1", "Sunday").await;
    assert_eq!(world.bodies("StartTime=2026-02-01").await, ["Sunday"]);
    assert_eq!(
        world.bodies("StartTime=2026-02-01%2023:59:59").await,
        ["Sunday"]
    );
    assert_eq!(world.bodies("EndTime=2026-01-31").await, ["Saturday"]);
    assert_eq!(
        world.bodies("EndTime=2026-01-30").await,
        Vec::<String>::new()
    );
    assert_eq!(world.refusal("StartTime=today").await, (400, String::new()));
}

#[tokio::test]
async fn the_status_filter_leaves_the_total_alone_and_breaks_pages_that_are_not_full() {
    let world = World::new();
    world.send("+1", "old").await;
    world.advance_to_status(200, "delivered").await;
    world.send("+1", "new").await;
    let list = world.list("Status=delivered").await;
    assert_eq!(list["total"], 2);
    assert_eq!(list["messages"].as_array().unwrap().len(), 1);
    assert_eq!(world.refusal("Status=delivered&PageSize=2").await.0, 500);
    assert_eq!(world.refusal("PageSize=0").await.0, 500);
}

#[tokio::test]
async fn a_list_in_xml_says_nothing_of_pages() {
    let world = World::new();
    world.send("+1", "x").await;
    let (status, text) = text_of(world.rest(Method::GET, "Messages")).await;
    assert_eq!(status, 200);
    let text = text.replace('\n', "");
    assert!(text.starts_with("<RestcommResponse><SMSMessages><SMSMessage><Sid>SM"));
    assert!(text.ends_with("</SMSMessage></SMSMessages></RestcommResponse>"));
}
