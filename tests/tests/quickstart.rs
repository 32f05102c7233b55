//! The merchant's quickstart, followed command by command as it stands on the page.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use e2e::process::program;
use e2e::system::free_port;
use tokio::process::Command;

/// The Python that has `requests`; `cargo xtask test` sets it.
const PYTHON_EXPECTED: &str = "TAPSEAL_TEST_PYTHON";
const PAGE: &str = include_str!("../../docs/merchant-quickstart.md");
/// Addresses on the page that another test may hold at the same time.
const PORTS: [&str; 4] = ["8443", "9800", "8000", "35963"];
/// How long following it may take.
const RUN_WAIT: Duration = Duration::from_mins(4);

#[tokio::test]
async fn every_command_of_the_merchants_quickstart_works_as_written() {
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with requests is expected here");
        return;
    };
    let folder = tempfile::TempDir::new().expect("a folder for the merchant");
    let blocks: Vec<&str> =
        PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().expect("a block ends")).collect();
    assert!(blocks.len() >= 12, "{}", blocks.len());
    // What the page starts in the background ends with the page.
    let mut script = String::from("set -eu -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\nset -x\n");
    script.push_str(&blocks.join("\n"));
    for port in PORTS {
        script = script.replace(port, &free_port().to_string());
    }
    let programs = program("tapseal").parent().expect("a program is in a folder").to_owned();
    let own = Path::new(&python).parent().expect("an interpreter is in a folder").to_owned();
    let given = std::env::var_os("PATH").unwrap_or_default();
    let path = [own, programs].into_iter().chain(std::env::split_paths(&given));
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop");
    let following = Command::new("bash")
        .args(["-c", &script])
        .env("PATH", std::env::join_paths(path).expect("no path here has a colon"))
        .env("SHOP", shop)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(RUN_WAIT, following).await.expect("it ends in time").expect("bash runs");
    let printed = String::from_utf8_lossy(&ended.stdout);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let logs =
        ["server.log", "bank.log", "card.log", "shop.log", "refused.json", "paid.json"].map(read).join("\n---\n");
    assert!(ended.status.success(), "{printed}\n{}\n{logs}", String::from_utf8_lossy(&ended.stderr));
    assert!(!read("paid.json").is_empty());
}
