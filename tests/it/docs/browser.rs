//! A headless Chromium that keeps account of what a page asks for, and of everything it complains about.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use thirtyfour::{
    ChromiumLikeCapabilities as _, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver,
};
use tokio::time::{Instant, sleep};

/// Longer than a page takes, even on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Browser {
    page: WebDriver,
    _driver: Driver,
}

/// The process that drives it. It is killed when dropped, and Chromium with it.
struct Driver {
    child: Child,
    port: u16,
    /// Read no further, but kept open: the process still writes to it.
    _stdout: BufReader<ChildStdout>,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let driver = Driver::start();
        let mut chrome = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
        ] {
            chrome.add_arg(argument).unwrap();
        }
        for log in ["browser", "performance"] {
            chrome
                .set_logging_prefs(log, LoggingPrefsLogLevel::All)
                .unwrap();
        }
        let address = format!("http://127.0.0.1:{}", driver.port);
        let page = WebDriver::new(address, chrome).await.unwrap();
        Self {
            page,
            _driver: driver,
        }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.page.goto(url).await.unwrap();
    }

    pub(crate) async fn address(&self) -> String {
        self.page.current_url().await.unwrap().to_string()
    }

    /// What `script` returns on the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        let answer = self.page.execute(script, Vec::new()).await.unwrap();
        answer.json().clone()
    }

    /// Polls until `script` returns something other than false, null, zero or nothing at all, and gives that.
    pub(crate) async fn eventually(&self, script: &str) -> Value {
        let start = Instant::now();
        loop {
            let value = self.run(script).await;
            let nothing = [Value::Null, false.into(), 0.into(), "".into()].contains(&value);
            if !nothing {
                return value;
            }
            let waited = start.elapsed();
            assert!(waited < PATIENCE, "it never came about: {script}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything the console says, violations of the content security policy included.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.page.browser_log().await.unwrap();
        let told = entries
            .into_iter()
            .map(|entry| format!("{}: {}", entry.level, entry.message));
        told.collect()
    }

    /// The addresses of all requests since the last question, data in the page itself aside.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let entries = self.page.get_log("performance").await.unwrap();
        let events = entries
            .iter()
            .map(|entry| serde_json::from_str::<Value>(&entry.message).unwrap());
        events
            .filter(|event| event["message"]["method"] == "Network.requestWillBeSent")
            .map(|event| event["message"]["params"]["request"]["url"].clone())
            .map(|url| url.as_str().unwrap().to_owned())
            .filter(|url| !url.starts_with("data:"))
            .collect()
    }
}

impl Driver {
    fn start() -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver, of Debian's package chromium-driver");
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(0 < stdout.read_line(&mut line).unwrap(), "it ended");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim().trim_end_matches('.').parse().unwrap();
            }
        };
        Self {
            child,
            port,
            _stdout: stdout,
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Chromium outlives a driver that is killed, so it goes first.
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            let _ = Command::new("kill").args(["-KILL", child]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
