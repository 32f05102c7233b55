//! The bank's own channels: online banking binds a customer over mutual TLS, who then pays.

use e2e::authority::{Authority, client_showing, deployments_client};
use e2e::bank_page::code_saying;
use e2e::code::{PASSWORD, Telephones, Typing};
use e2e::payer::Payer;
use e2e::process;
use e2e::system::{Ask, System, Wishes, free_port, texts};
use serde_json::{Value, json};

const PHONE: &str = "+12025550143";

#[tokio::test]
async fn online_banking_binds_a_customer_who_pays_and_no_other_certificate_is_let_in() {
    let (authority, port) = (Authority::of("online-banking"), free_port());
    let folder = tempfile::TempDir::new().expect("a folder for codes");
    let (telephones, mut bank) = Telephones::new(folder.path().join("codes")).await;
    let (listen, ca) = (format!("127.0.0.1:{port}"), authority.certificate());
    let ca = ca.to_str().expect("temporary paths are plain");
    bank.extend(texts(&["--channel-listen", &listen, "--channel-ca", ca]));
    let system = System::start(Wishes { bank, ..Wishes::default() }).await;
    let data = system.data();
    let open = ["bank", "customer", "open", "ann-0001", "--data", &data, "--phone", PHONE, "--account", "visa-0050"];
    process::run("tapseal", &texts(&open), &[], "").await;
    let url = format!("https://{listen}/v1/customers/ann-0001");

    // Its authority's certificate opens the connection, and only the bank's tool lets it in.
    let channel = authority.client(&system);
    let answer = channel.get(&url).send().await.expect("the bank answers");
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.json::<Value>().await.expect("a problem")["code"], "not_admitted");
    let certificate = authority.client_certificate();
    let certificate = certificate.to_str().expect("temporary paths are plain");
    let admit = ["bank", "channel", "admit", "online-banking", "--data", &data, "--certificate", certificate, "--json"];
    assert_eq!(system.tapseal(&admit).await.success()[0]["kind"], "online");
    for stranger in [client_showing(&system, None), deployments_client(&system, "payment-server-client")] {
        assert!(stranger.get(&url).send().await.is_err(), "no other authority's certificate opens the connection");
    }
    let lines = deployments_client(&system, "payment-server-client");
    assert!(lines.get(format!("https://{}/", system.bank_address())).send().await.is_err());

    let wish = json!({ "what": "open", "accounts": ["cardholder:visa-0050"], "terminals": [PHONE], "password": PASSWORD,
        "payment_limit_minor": 5_000, "day_limit_minor": 8_000 });
    let change = format!("{url}/changes/01a2-c1");
    for _ in 0..2 {
        let answer = channel.put(&change).json(&wish).send().await.expect("the bank answers");
        assert_eq!(answer.json::<Value>().await.expect("a change")["state"], "waiting");
    }
    let code = code_saying(&system, &telephones, PHONE, "registers", 0).await;
    let typed = json!({ "proof": 1, "code": code });
    let done = channel.post(format!("{change}/codes")).json(&typed).send().await.expect("the bank answers");
    assert_eq!(done.json::<Value>().await.expect("a change")["state"], "done");
    assert_eq!(telephones.codes_to(PHONE).len(), 1, "the call that came twice sent one code");
    let customer: Value = channel.get(&url).send().await.expect("the bank answers").json().await.expect("a customer");
    let identity = customer["payer"]["identity_code"].as_str().expect("an identity code").to_owned();

    system.wait_until("the server knows", async || system.logs().contains("tells of payers by code")).await;
    let payer = Payer::new(&system);
    let request = payer.open(&system.ask(&Ask::default()).await).await;
    let mut typing = Typing::begin(&payer, &request, &[], &identity, PASSWORD).await;
    typing.line(&code_saying(&system, &telephones, PHONE, "pays", 0).await).await;
    let paid = typing.end().await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    system.assert_merchant_received(1_280).await;

    let dismissed = ["bank", "channel", "dismiss", "online-banking", "--data", &data, "--json"];
    assert_eq!(system.tapseal(&dismissed).await.success()[0]["is_admitted"], false);
    assert_eq!(channel.get(&url).send().await.expect("the bank answers").status(), 403);
}
