//! A TypeScript client, made from the OpenAPI document, against the built program.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use super::{dev::Dev, finish, run};

const NUMBER: &str = "+351912345678";

/// What `scripts/npm` installed.
fn npm() -> PathBuf {
    let npm = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npm");
    assert!(
        npm.join("node_modules/.package-lock.json").exists(),
        "run scripts/npm first"
    );
    npm
}

/// Runs one of its tools in `place`, and gives what it printed. It must succeed.
async fn tool(place: &Path, name: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(npm().join("node_modules/.bin").join(name));
    command.args(arguments).current_dir(place);
    let finished = finish(command).await;
    assert_eq!(finished.code, Some(0), "{name}: {finished:?}");
    finished.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typescript_client_made_from_the_document_compiles_and_does_the_main_job() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    for name in ["walk.ts", "tsconfig.json"] {
        fs::copy(npm().join("client").join(name), place.join(name)).unwrap();
    }
    fs::write(place.join("package.json"), r#"{"type":"module"}"#).unwrap();
    symlink(npm().join("node_modules"), place.join("node_modules")).unwrap();
    let document = run(&["openapi"]).await.succeeded();
    fs::write(place.join("openapi.json"), document).unwrap();

    tool(
        place,
        "openapi-typescript",
        &["openapi.json", "-o", "api.d.ts"],
    )
    .await;
    tool(place, "tsc", &["--project", "."]).await;

    let dev = Dev::start().await;
    let data = dev.data();
    let key = run(&["key", "create", "--data", &data, "--tenant", "dev"]).await;
    let mut walk = Command::new("node");
    walk.args(["walk.js", &dev.base, key.succeeded().trim(), NUMBER])
        .current_dir(place);
    let walked = finish(walk).await.succeeded();
    assert_eq!(
        walked,
        "sent pending sms sent 5 attempts\n\
         again 429 resend_too_soon true true\n\
         guess 422 attempts left: 4\n\
         check 200 approved signup\n\
         status approved 1001 wrong_code approved\n\
         unknown 404\n"
    );
}
