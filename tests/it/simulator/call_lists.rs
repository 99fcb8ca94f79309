use super::*;

const PATH: &str = "/2012-04-24/Accounts/AC00000000000000000000000000000001/Calls";

impl World {
    async fn call_to(&self, to: &str) -> String {
        self.call(&[
            ("From", "+13055550100"),
            ("To", to),
            ("Url", "http://127.0.0.1:1/"),
        ])
        .await
    }

    async fn call_list(&self, query: &str) -> Value {
        let (status, list) = json_of(self.calls(Method::GET, &format!(".json?{query}"))).await;
        assert_eq!(status, 200, "{query}");
        list
    }

    async fn called(&self, query: &str) -> Vec<String> {
        let list = self.call_list(query).await;
        let calls = list["calls"].as_array().unwrap().iter();
        calls
            .map(|call| call["to"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn a_list_of_calls_is_paged_like_messages_and_says_its_path_without_the_context() {
    let world = World::new();
    for number in 1..=5 {
        world.call_to(&format!("+{number}")).await;
    }
    let mut list = world.call_list("Page=1&PageSize=2").await;
    let calls = list.as_object_mut().unwrap().remove("calls").unwrap();
    let last_sid = calls[1]["sid"].as_str().unwrap();
    let expected = json!({
        "page": 1, "num_pages": 2, "page_size": 2, "total": 5, "start": "2", "end": "3", "uri": PATH,
        "first_page_uri": format!("{PATH}?Page=0&PageSize=2"),
        "previous_page_uri": format!("{PATH}?Page=0&PageSize=2"),
        "next_page_uri": format!("{PATH}?Page=2&PageSize=2&AfterSid={last_sid}"),
        "last_page_uri": format!("{PATH}?Page=2&PageSize=2"),
    });
    assert_eq!(list, expected);
    assert_eq!(calls[0].get("duration"), None);
    let beyond = world.calls(Method::GET, ".json?Page=3&PageSize=2");
    assert_eq!(text_of(beyond).await, (400, String::new()));
}

#[tokio::test]
async fn calls_are_filtered_and_ordered() {
    let world = World::new();
    for to in ["+35191", "+44791", "+35192"] {
        world.call_to(to).await;
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(world.called("").await, ["+35192", "+44791", "+35191"]);
    assert_eq!(
        world.called("Reverse=false").await,
        ["+35191", "+44791", "+35192"]
    );
    assert_eq!(
        world.called("SortBy=To&Reverse=true").await,
        ["+35191", "+35192", "+44791"]
    );
    assert_eq!(world.called("To=91").await, ["+44791", "+35191"]);
    assert_eq!(world.called("Body=x").await.len(), 3);
    let none = Vec::<String>::new();
    assert_eq!(world.called("ParentCallSid=CA1").await, none);
    assert_eq!(world.called("ConferenceSid=CF1").await, none);
    assert_eq!(world.called("Status=completed").await, none);
}

#[tokio::test]
async fn a_list_of_calls_in_xml_says_its_paging_with_a_mistake() {
    let world = World::new();
    for _ in 0..3 {
        world.call_to("+1").await;
    }
    let (status, text) = text_of(world.calls(Method::GET, "?PageSize=2&Page=1")).await;
    assert_eq!(status, 200);
    let text = text.replace('\n', "");
    let (first, last) = (
        format!("{PATH}?Page=0&amp;PageSize=2"),
        format!("{PATH}?Page=1&amp;PageSize=2"),
    );
    let head = format!(
        "<RestcommResponse><Calls page=\"1\" numpages=\"1\" pagesize=\"2\" total=\"1\" start=\"2\" end=\"3\" \
         uri=\"{PATH}\" firstpageuri=\"{first}\" previouspageuri=\"{first}\" nextpageuri=\"null\" \
         lastpageuri=\"{last}\"><Call><Sid>ID"
    );
    assert!(text.starts_with(&head), "{text}");
    assert!(
        text.ends_with("</Call></Calls></RestcommResponse>"),
        "{text}"
    );
}
