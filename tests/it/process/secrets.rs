//! No code, no full number and no key is on the disk, in a log line or in an answer, whatever happens.

use std::{fmt::Write as _, fs, process::Command};

use serde_json::json;

use super::{
    SID, TOKEN, run_with,
    service::{Restcomm, Service, Settings, code_of},
};
use crate::app::{Answer, on_both};

/// Everything that callers were answered.
#[derive(Default)]
struct Answers(String);

impl Answers {
    fn keep(&mut self, answer: Option<Answer>) -> Answer {
        let answer = answer.unwrap();
        let _ = writeln!(self.0, "{:?}\n{}", answer.headers, answer.text);
        answer
    }
}

fn contains(place: &[u8], secret: &str) -> bool {
    place
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

on_both! {
    async fn nothing_secret_reaches_the_disk_the_logs_or_the_callers(database) {
        let place = database.create().await;
        let restcomm = Restcomm::start().await;
        let mut settings = Settings::new(&place.url, &restcomm);
        // Ten digits are not there by chance.
        settings.code_length = 10;
        settings.wait = "500ms";
        settings.timeout = "1s";
        let mut service = Service::start_by(&settings, |mut command: Command| {
            command.env("RUST_LOG", "trace");
            command
        })
        .await;
        let client = &service.client;
        let mut answers = Answers::default();
        let mut numbers: Vec<String> = Vec::new();
        let mut codes = Vec::new();

        for n in 0..6 {
            let number = format!("+3519187654{n:02}");
            let body = json!({ "to": number, "metadata": { "order": "77" } });
            let sent = answers.keep(client.post("/otp/send", &body).await);
            assert_eq!(sent.status, 201, "{}", sent.text);
            let code = code_of(&restcomm.texts(&number).await[0]);
            answers.keep(client.verify(&sent.id(), "0000000000").await);
            answers.keep(client.ask(reqwest::Method::GET, &format!("/otp/{}", sent.id()), String::new()).await);
            match n % 3 {
                0 => assert_eq!(answers.keep(client.verify(&sent.id(), &code).await).status, 200),
                1 => assert_eq!(answers.keep(client.post(&format!("/otp/{}/cancel", sent.id()), &json!({})).await).status, 200),
                // Pending, so that code and number are kept, sealed.
                _ => assert_eq!(answers.keep(client.post("/otp/send", &body).await).status, 429),
            }
            let by_number = json!({ "to": number, "code": code });
            answers.keep(client.post("/otp/verify", &by_number).await);
            codes.push(code);
            numbers.push(number);
        }
        for fault in ["500", "401", "403", "garbage", "close", "close-after-accept", "html", "hang", "403-json"] {
            restcomm.answer_with(fault).await;
            let number = format!("+35191876{:04}", 1000 + numbers.len());
            answers.keep(client.send(&number).await);
            codes.extend(restcomm.texts(&number).await.iter().map(|text| code_of(text)));
            numbers.push(number);
        }
        // What is refused is not repeated either.
        for body in [
            json!({ "to": numbers[0], "code": codes[0], "id": "otp_x" }),
            json!({ "to": format!("{}x", numbers[0]) }),
        ] {
            let refused = answers.keep(client.post("/otp/verify", &body).await);
            assert_eq!(refused.status, 422, "{}", refused.text);
        }
        let query = format!("/otp/send?to={}&key={}", numbers[0], client.key);
        assert_eq!(answers.keep(client.post(&query, &json!({})).await).status, 400);

        // Killed, so that the write-ahead log stays as it is.
        service.process.kill();
        service.process.ended().await;
        let logs = service.process.said();
        assert!(logs.contains("restcomm.no_answer"), "{logs}");
        let disk = place.dump().await;
        assert!(database == Database::Postgres || disk.len() > 10_000);
        let listed = run_with(&service.config, &["key", "list"]).await.succeeded();

        let digits = numbers.iter().map(|number| number[1..].to_owned());
        // Without the calling code, a number is still a full number.
        let national = numbers.iter().map(|number| number[4..].to_owned());
        let key = service.client.key.clone();
        let secrets = digits.chain(national).chain(codes).chain([key, TOKEN.to_owned()]);
        for secret in secrets {
            for (place, bytes) in [
                ("database", disk.as_slice()),
                ("logs", logs.as_bytes()),
                ("answers", answers.0.as_bytes()),
                ("list of keys", listed.as_bytes()),
            ] {
                assert!(!contains(bytes, &secret), "{secret} is in the {place}");
            }
        }
        assert!(!logs.contains(SID), "the account's name is half a password");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_database_are_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("new.db").display());
    let restcomm = Restcomm::start().await;
    let service = Service::start(&Settings::new(&url, &restcomm)).await;
    service.client.sent("+351912345678").await;
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(files.len(), 3, "the database, its log and its index");
    for file in files {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
