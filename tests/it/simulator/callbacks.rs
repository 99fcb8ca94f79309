use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use countersign::simulator::{Script, SmsFate};
use tokio::sync::mpsc;

use super::*;

/// A client's callback address: notes what it is told, answers 204, or redirects `/moved` to `/here`.
struct Ear {
    base: String,
    heard: mpsc::UnboundedReceiver<Heard>,
}

struct Heard {
    line: String,
    content_type: String,
    authorization: bool,
    body: String,
}

impl Ear {
    fn new() -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
        let app = move || {
            App::new()
                .app_data(web::Data::new(tell.clone()))
                .default_service(web::to(listen))
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        tokio::spawn(server.listen(listener).unwrap().run());
        Self { base, heard }
    }

    async fn next(&mut self) -> Heard {
        let next = tokio::time::timeout(crate::app::PATIENCE, self.heard.recv());
        next.await.unwrap().unwrap()
    }
}

async fn listen(
    request: HttpRequest,
    body: String,
    tell: web::Data<mpsc::UnboundedSender<Heard>>,
) -> HttpResponse {
    let content_type = request.headers().get("content-type").unwrap();
    let heard = Heard {
        line: format!("{} {}", request.method(), request.uri()),
        content_type: content_type.to_str().unwrap().to_owned(),
        authorization: request.headers().contains_key("authorization"),
        body,
    };
    tell.send(heard).ok();
    if request.path() == "/moved" {
        return HttpResponse::Found()
            .insert_header(("location", "/here"))
            .finish();
    }
    HttpResponse::NoContent().finish()
}

impl World {
    async fn send_with_callback(&self, callback: &str) -> String {
        let form = [
            ("From", "OTPApp"),
            ("To", "+351912345678"),
            ("Body", "Code: 1"),
            ("StatusCallback", callback),
        ];
        let (status, answer) = json_of(self.post(&form)).await;
        assert_eq!(status, 200);
        answer["sid"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn each_change_is_reported_once_with_the_body_twice_and_the_query_in_the_form() {
    let (world, mut ear) = (World::new(), Ear::new());
    let callback = format!("http://user:pass@{}/status/abc?token=t%20t&x=", ear.base);
    let sid = world.send_with_callback(&callback).await;
    for (millis, status) in [(50, "sent"), (150, "delivered")] {
        world.clock.advance(Duration::from_millis(millis));
        let heard = ear.next().await;
        assert_eq!(heard.line, "POST /status/abc");
        assert_eq!(
            heard.content_type,
            "application/x-www-form-urlencoded; charset=UTF-8"
        );
        assert!(!heard.authorization);
        let expected = format!(
            "From=OTPApp&To=%2B351912345678&Body=Code%3A+1&AccountSid={SID}&MessageSid={sid}\
             &MessageStatus={status}&Body=Code%3A+1&token=t+t&x="
        );
        assert_eq!(heard.body, expected);
    }
    assert!(ear.heard.try_recv().is_err());
}

#[tokio::test]
async fn a_failure_is_reported_by_the_name_of_its_error() {
    let (world, mut ear) = (World::new(), Ear::new());
    let sms = SmsFate::Undeliver;
    world.simulator.script(
        "+351912345678",
        Script {
            sms,
            ..Script::default()
        },
    );
    let sid = world
        .send_with_callback(&format!("http://{}/s", ear.base))
        .await;
    world.clock.advance(Duration::from_millis(200));
    assert!(ear.next().await.body.contains("&MessageStatus=sent&"));
    let expected = format!(
        "From=OTPApp&To=%2B351912345678&Body=Code%3A+1&AccountSid={SID}\
         &ErrorCode=LANDLINE_OR_UNREACHABLE_CARRIER&MessageSid={sid}\
         &MessageStatus=undelivered&Body=Code%3A+1"
    );
    assert_eq!(ear.next().await.body, expected);
}

#[tokio::test]
async fn a_redirected_report_is_posted_again() {
    let (world, mut ear) = (World::new(), Ear::new());
    world
        .send_with_callback(&format!("http://{}/moved", ear.base))
        .await;
    world.clock.advance(Duration::from_millis(50));
    let (first, second) = (ear.next().await, ear.next().await);
    assert_eq!((&*first.line, &*second.line), ("POST /moved", "POST /here"));
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn a_callback_that_leads_nowhere_harms_nothing() {
    let world = World::new();
    world.send_with_callback("relative/address").await;
    world.send_with_callback("http://127.0.0.1:1/").await;
    world.advance_to_status(200, "delivered").await;
}
