//! The merchant API against a client that has read its description only: Schemathesis, as it is published.

use std::path::Path;
use std::time::Duration;

use e2e::process::program;
use e2e::system::{MERCHANT, System, Wishes};
use serde_json::Value;
use tokio::process::Command;

/// The Python that has Schemathesis; `cargo xtask test` sets it.
const PYTHON_EXPECTED: &str = "TAPSEAL_TEST_PYTHON";
/// How many calls of its own it makes up for each operation, beside those for each bound of each parameter.
const EXAMPLES: &str = "8";
/// How long it may take.
const RUN_WAIT: Duration = Duration::from_mins(5);
/// Certificates it may register.
const CERTIFICATES: usize = 60;

/// What is left out: the wallet's calls, tagged `wallet`. Each is signed by a device's key over method, path, time and
/// body, so whatever is made up for them ends at the signature; our own tests of tampering make them well signed.
const LEFT_OUT: &str = "wallet";

#[tokio::test]
async fn a_client_that_knows_only_the_description_finds_nothing_that_differs_from_it() {
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with Schemathesis is expected here");
        return;
    };
    let system = System::start(Wishes::default()).await;
    let (data, url) = (system.data(), system.server_url());
    let keys = ["merchant", "keys", "--json", "--data", &data, "--server", &url, "--merchant", MERCHANT];
    let access = system.tapseal(&keys).await.success();
    let own_key_id = access["api_keys"][0]["id"].as_str().expect("the first key").to_owned();
    let certificates = system.folder().join("certificates.json");
    std::fs::write(&certificates, Value::from(self_signed(CERTIFICATES)).to_string()).expect("the folder is ours");
    let key = std::fs::read_to_string(system.folder().join("merchants").join(MERCHANT).join("api-key"));
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");

    let mut run = Command::new(&python);
    run.args(["-m", "schemathesis.cli", "--no-color", "--config-file"]).arg(clients.join("schemathesis.toml"));
    run.arg("run").arg(format!("{url}/v1/openapi.json"));
    run.args(["--header", &format!("Authorization: Bearer {}", key.expect("the merchant's key").trim())]);
    run.arg("--tls-verify").arg(system.folder().join("tls/ca.pem"));
    // Every check is on by itself; naming them here would take the place of what the configuration argues.
    run.args(["--exclude-tag", LEFT_OUT, "--phases", "examples,coverage,fuzzing,stateful"]);
    run.args(["--max-examples", EXAMPLES, "--seed", "1", "--no-shrink", "--continue-on-failure"]);
    run.env("PYTHONPATH", &clients).env("SCHEMATHESIS_HOOKS", "schemathesis_hooks");
    run.env("TAPSEAL_PROGRAM", program("tapseal")).env("TAPSEAL_DATA", data);
    run.env("TAPSEAL_MERCHANT", MERCHANT).env("TAPSEAL_OWN_KEY_ID", own_key_id);
    run.env("TAPSEAL_CERTIFICATES", certificates).current_dir(system.folder()).kill_on_drop(true);
    let ended = tokio::time::timeout(RUN_WAIT, run.output()).await.expect("it ends in time").expect("it runs");
    let printed = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{printed}{}{}", String::from_utf8_lossy(&ended.stderr), system.logs());
    // It has called everything there is, and a good deal of it.
    let selected = number_after(&printed, "Selected: ");
    assert!(selected >= 25 && number_after(&printed, "Tested: ") == selected, "{printed}");
    assert!(number_after(&printed, "Test cases:\n  ") > 300, "{printed}");
}

fn number_after(printed: &str, words: &str) -> usize {
    let rest = printed.split(words).nth(1).unwrap_or_default();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn self_signed(count: usize) -> Vec<String> {
    let make = |n: usize| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec![format!("till-{n}")]).expect("a name");
        params.self_signed(&key).expect("a certificate").pem()
    };
    (0..count).map(make).collect()
}
