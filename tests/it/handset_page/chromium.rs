//! A headless Chromium of its own for every story, and what a person does with it.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    By, ChromeCapabilities, ChromiumLikeCapabilities as _, LoggingPrefsLogLevel, WebDriver,
    WebElement,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep},
};

use super::stage::PATIENCE;

/// A browser fills a processor.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
pub(super) struct Browser {
    driver: WebDriver,
    _process: Driver,
    _profile: TempDir,
    _permit: SemaphorePermit<'static>,
}

/// chromedriver, which is killed when dropped. Its browser has gone with the session.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Opens `url` in a new browser, lets `story` happen, and asserts that the browser had nothing to complain of: no
/// violation of the content security policy, no error in a script.
pub(super) async fn visit(url: &str, story: impl AsyncFnOnce(&Browser)) {
    let browser = Browser::start().await;
    browser.open(url).await;
    story(&browser).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.driver.quit().await.unwrap();
}

impl Browser {
    async fn start() -> Self {
        let permit = AT_ONCE.acquire().await.unwrap();
        let profile = tempfile::tempdir().unwrap();
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let process = Command::new("/usr/bin/chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's chromium-driver is installed: scripts/test sees to it");
        let process = Driver(process);
        let mut wanted = ChromeCapabilities::new();
        wanted.set_binary("/usr/bin/chromium").unwrap();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--lang=en",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            wanted.add_arg(argument).unwrap();
        }
        wanted
            .set_logging_prefs("browser".to_owned(), LoggingPrefsLogLevel::All)
            .unwrap();
        let server = format!("http://127.0.0.1:{port}");
        let begun = Instant::now();
        let driver = loop {
            match WebDriver::new(server.as_str(), wanted.clone()).await {
                Ok(driver) => break driver,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "no browser: {error}"),
            }
            sleep(Duration::from_millis(50)).await;
        };
        Self {
            driver,
            _process: process,
            _profile: profile,
            _permit: permit,
        }
    }

    pub(super) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    pub(super) async fn element(&self, id: &str) -> WebElement {
        self.driver.find(By::Id(id)).await.unwrap()
    }

    /// The text that can be seen there.
    pub(super) async fn text(&self, id: &str) -> String {
        self.element(id).await.text().await.unwrap()
    }

    pub(super) async fn title(&self) -> String {
        self.driver.title().await.unwrap()
    }

    pub(super) async fn press(&self, id: &str) {
        let element = self.element(id).await;
        // A click is aimed at a place: what moves meanwhile, because the page has just learned something, is missed.
        let place =
            format!("JSON.stringify(document.getElementById('{id}').getBoundingClientRect())");
        let mut before = self.evaluate(&place).await;
        for _ in 0..100 {
            let now = self.evaluate(&place).await;
            if now == before {
                break;
            }
            before = now;
        }
        element.click().await.unwrap();
    }

    /// Types into a field in place of what stands there.
    pub(super) async fn fill(&self, id: &str, text: &str) {
        let field = self.element(id).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Types wherever the focus is.
    pub(super) async fn keys(&self, keys: impl AsRef<str>) {
        let chain = self.driver.action_chain().send_keys(keys.as_ref());
        chain.perform().await.unwrap();
    }

    /// The id of what has the focus.
    pub(super) async fn focused(&self) -> String {
        let id = self.evaluate("document.activeElement.id").await;
        id.as_str().unwrap().to_owned()
    }

    pub(super) async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        let result = self.driver.execute(script, Vec::new()).await.unwrap();
        result.json().clone()
    }

    /// What the body of an asynchronous function returns.
    pub(super) async fn run(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[0];\
             (async () => {{ {body} }})().then(done, (error) => done(`failed: ${{error}}`));"
        );
        let result = self.driver.execute_async(script, Vec::new()).await.unwrap();
        result.json().clone()
    }

    pub(super) async fn inject(&self, script: &str) {
        self.driver.execute(script, Vec::new()).await.unwrap();
    }

    pub(super) async fn devtools(&self, method: &str, parameters: Value) {
        let cdp = self.driver.cdp();
        cdp.send_raw(method, parameters).await.unwrap();
    }

    pub(super) async fn screen(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// What the person's system prefers, such as `prefers-color-scheme` and `dark`.
    pub(super) async fn prefer(&self, features: &[(&str, &str)]) {
        let features: Vec<Value> = features
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
        .await;
    }

    pub(super) async fn picture(&self) -> Vec<u8> {
        self.driver.screenshot_as_png().await.unwrap()
    }

    /// What describes an element to whoever hears the page.
    pub(super) async fn described(&self, id: &str) -> Value {
        let cdp = self.driver.cdp();
        let wanted = json!({ "expression": format!("document.getElementById('{id}')") });
        let found = cdp.send_raw("Runtime.evaluate", wanted).await.unwrap();
        let wanted = json!({ "objectId": found["result"]["objectId"], "fetchRelatives": false });
        let tree = cdp.send_raw("Accessibility.getPartialAXTree", wanted);
        tree.await.unwrap()["nodes"][0]["description"]["value"].clone()
    }

    /// Polls until the expression is true.
    #[track_caller]
    pub(super) fn until(&self, expression: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            while self.evaluate(&format!("Boolean({expression})")).await != json!(true) {
                if PATIENCE < begun.elapsed() {
                    let seen = self.evaluate("document.body.innerText").await;
                    panic!("at {place}, it never came about: {expression}; the page says {seen}");
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Waits for a step: `number`, `code`, `ok` or `not-ok`.
    pub(super) async fn reaches(&self, step: &str) {
        self.until(&format!(
            "document.getElementById('{step}-step')?.checkVisibility()"
        ))
        .await;
    }

    /// Waits for words to stand there.
    pub(super) async fn says(&self, id: &str, words: &str) {
        let words = json!(words);
        self.until(&format!(
            "document.getElementById('{id}').innerText.includes({words})"
        ))
        .await;
    }

    /// Sends a code to a number, and waits for the code form.
    pub(super) async fn send_to(&self, number: &str) {
        self.fill("number", number).await;
        self.press("number-button").await;
        self.reaches("code").await;
    }

    /// Chooses, beside the number, how the code is to come.
    pub(super) async fn choose(&self, channel: &str) {
        let way = format!("document.querySelector('#ways [value={channel}]').click();");
        self.inject(&way).await;
    }

    /// Has the code come in another way, once that is possible.
    pub(super) async fn change_to(&self, channel: &str) {
        let button = format!("document.querySelector('#channels [data-channel={channel}]')");
        self.until(&format!("!{button}.disabled && {button}.checkVisibility()"))
            .await;
        self.inject(&format!("{button}.click();")).await;
    }

    /// Types a code and has it checked, to the end of it.
    pub(super) async fn check(&self, code: &str) {
        self.fill("code", code).await;
        self.press("code-button").await;
        self.until("!document.getElementById('task').hasAttribute('aria-busy')")
            .await;
    }

    /// How many messages the phone shows, once they are so many.
    pub(super) async fn messages(&self, count: usize) {
        self.until(&format!(
            "document.querySelectorAll('.bubble').length === {count}"
        ))
        .await;
    }

    /// What the browser found wrong. That a request was refused, or found nobody, is no fault of the page.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        log.into_iter()
            .filter(|entry| entry.source.as_deref() != Some("network"))
            .filter(|entry| !entry.message.contains("blocked by CORS policy"))
            .map(|entry| format!("{} {:?} {}", entry.level, entry.source, entry.message))
            .collect()
    }
}

/// axe-core, which `scripts/npm` puts there.
pub(super) fn axe() -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/npm/node_modules/axe-core/axe.min.js"
    );
    fs::read_to_string(path).expect("axe-core is there: run scripts/npm")
}
