//! The pictures in the README: `scripts/screenshots` writes them.

use std::{env, fs, path::PathBuf};

use serde_json::json;

use super::{chromium::visit, stage::Stage};
use crate::app::NUMBER;

/// What a picture may weigh in a repository.
const HEAVIEST: usize = 150_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_in_the_readme_can_be_taken() {
    let mut taken = Vec::new();
    for (name, width, height, scheme) in [
        ("page-light.png", 1280, 800, "light"),
        ("page-dark.png", 1280, 800, "dark"),
        ("page-call.png", 1280, 800, "light"),
        ("page-narrow.png", 390, 844, "light"),
    ] {
        let stage = Stage::start().await;
        visit(&stage.base, async |browser| {
            browser.screen(width, height).await;
            // Phones have none, and they say nothing.
            let hidden = json!({ "hidden": true });
            browser
                .devtools("Emulation.setScrollbarsHidden", hidden)
                .await;
            browser
                .prefer(&[
                    ("prefers-color-scheme", scheme),
                    ("prefers-reduced-motion", "reduce"),
                ])
                .await;
            browser.send_to(NUMBER).await;
            browser.messages(1).await;
            if name == "page-call.png" {
                browser.change_to("voice").await;
                stage.call_at(NUMBER).await;
                browser.says("call-state", "Incoming call").await;
                browser.press("answer").await;
                let listens =
                    "document.querySelector('.key[aria-disabled=false]')?.checkVisibility()";
                browser.until(listens).await;
            }
            match name {
                "page-light.png" => {
                    browser.check(stage.wrong_code(NUMBER)).await;
                    browser.says("code-error", "4 tries").await;
                }
                "page-dark.png" => {
                    browser.check(&stage.code_at(NUMBER)).await;
                    browser.reaches("ok").await;
                }
                _ => {}
            }
            taken.push((name, browser.picture().await));
        })
        .await;
    }
    for (name, picture) in taken {
        assert!(picture.starts_with(b"\x89PNG"), "{name}");
        assert!(
            picture.len() < HEAVIEST,
            "{name} has {} bytes",
            picture.len()
        );
        if let Some(folder) = folder() {
            fs::write(folder.join(name), picture).unwrap();
        }
    }
}

/// Where to put them, if anywhere.
#[expect(
    clippy::disallowed_methods,
    reason = "who takes pictures says from outside where they go"
)]
fn folder() -> Option<PathBuf> {
    env::var_os("SCREENSHOTS_DIR").map(PathBuf::from)
}
