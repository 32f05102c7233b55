//! The page's calls, as its script makes them, and as somebody else's would.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use super::access::ACCESS_TRIES_MAX;
use super::calls::App;
use super::{Access, port, send_due};
use crate::bank_front::account::AccountId;
use crate::bank_front::binding::{Address, Payer};
use crate::bank_front::customer::Customer;
use crate::bank_front::gateways;
use crate::bank_front::tests::support::{Bench, HOLDER, NOW_MS};
use crate::bank_front::tests::texts::{assert_kept_nowhere, code_to, texts_to};

const PHONE: &str = "+12025550143";
const PASSWORD: &str = "a page of my bank";
const PAYMENT_PASSWORD: &str = "correct horse 77";

/// A bank with a page, and a customer with access to it.
struct Desk {
    bench: Bench,
    url: String,
    number: String,
    seen: Vec<String>,
}

/// A browser: it keeps a cookie, and the page in it a token.
#[derive(Clone, Default)]
struct Browser {
    cookie: String,
    token: String,
}

impl Desk {
    async fn new() -> Self {
        let bench = Bench::new().await;
        crate::tls::install_provider();
        let router = port::router(App::new(Arc::clone(&bench.front)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let mut desk = Self { bench, url, number: String::new(), seen: Vec::new() };
        desk.number = desk.open("ann-0001", PHONE, HOLDER).await;
        desk
    }

    /// The counter opens access; the number.
    async fn open(&self, name: &'static str, phone: &'static str, account: &'static str) -> String {
        let opened = self.bench.front.db.write(move |db_tx| {
            Box::pin(async move {
                let telephone = Address::parse(phone)?;
                let new = Customer { name: name.to_owned(), telephone, language: "en".to_owned() };
                Customer::open(db_tx, &new, &[AccountId::named(account)], NOW_MS).await?;
                Access::open(db_tx, &new).await
            })
        });
        let number = opened.await.ok().unwrap().access_number;
        send_due(&self.bench.front).await.unwrap();
        number
    }

    async fn call(&self, browser: &mut Browser, method: Method, path: &str, body: &Value) -> Response {
        let origin = self.url.replace("http:", "https:");
        let mut call = Client::new().request(method.clone(), format!("{}{path}", self.url)).header("origin", origin);
        if !browser.cookie.is_empty() {
            call = call.header("cookie", format!("other=1; {}", browser.cookie));
        }
        if !browser.token.is_empty() {
            call = call.header("tapseal-page", &browser.token);
        }
        if method != Method::GET {
            call = call.json(body);
        }
        let answer = call.send().await.unwrap();
        if let Some(cookie) = answer.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            for wanted in ["__Host-tapseal-bank=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(cookie.contains(wanted), "{cookie}");
            }
            browser.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        if let Some(token) = answer.headers().get("tapseal-page") {
            browser.token = token.to_str().unwrap().to_owned();
        }
        assert_eq!(answer.headers()["cache-control"], "no-store");
        answer
    }

    async fn post(&self, browser: &mut Browser, path: &str, body: Value) -> Response {
        self.call(browser, Method::POST, path, &body).await
    }

    async fn put(&self, browser: &mut Browser, path: &str, body: Value) -> Response {
        self.call(browser, Method::PUT, path, &body).await
    }

    async fn get(&self, browser: &mut Browser, path: &str) -> Response {
        self.call(browser, Method::GET, path, &Value::Null).await
    }

    async fn code(&mut self, says: &str) -> String {
        code_to(&self.bench, PHONE, says, &mut self.seen).await
    }

    async fn try_password(&self, number: &str, password: &str) -> (u16, String) {
        let body = json!({ "access_number": number, "password": password });
        refused(self.post(&mut Browser::default(), "/v1/sign-in", body).await).await
    }

    /// Activates the access; the browser then waits for its code.
    async fn activate(&mut self) -> Browser {
        let mut browser = Browser::default();
        let code = self.code("activates").await;
        let body = json!({ "access_number": self.number, "activation_code": code, "password": PASSWORD });
        let answer = self.post(&mut browser, "/v1/activation", body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        browser
    }

    async fn type_sign_in_code(&mut self, browser: &mut Browser) {
        let code = self.code("signs you in").await;
        let answer = self.post(browser, "/v1/sign-in/code", json!({ "code": code })).await;
        assert_eq!(answer.status(), 200);
    }

    async fn signed_in(&mut self) -> Browser {
        let mut browser = self.activate().await;
        self.type_sign_in_code(&mut browser).await;
        browser
    }

    async fn bind(&mut self, browser: &mut Browser) {
        let change: Value = self.put(browser, "/v1/changes/c-1", opening()).await.json().await.unwrap();
        assert_eq!(change["state"], "waiting", "{change}");
        let code = self.code("registers").await;
        let done = self.post(browser, "/v1/changes/c-1/codes", json!({ "proof": 1, "code": code })).await;
        assert_eq!(done.json::<Value>().await.unwrap()["state"], "done");
    }
}

async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap();
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

fn opening() -> Value {
    json!({ "what": "open", "accounts": [HOLDER], "terminals": [PHONE], "password": PAYMENT_PASSWORD,
        "payment_limit_minor": 5_000, "day_limit_minor": 8_000 })
}

fn wrong() -> (u16, String) {
    (401, "not_signed_in".to_owned())
}

#[tokio::test]
async fn a_customer_activates_signs_in_becomes_a_payer_and_signs_out() {
    let mut desk = Desk::new().await;
    let mut browser = desk.activate().await;
    assert_eq!(desk.get(&mut browser, "/v1/session").await.json::<Value>().await.unwrap()["stage"], "code");
    assert_eq!(desk.get(&mut browser, "/v1/customer").await.status(), 401, "half signed in is not signed in");
    let former = browser.cookie.clone();
    desk.type_sign_in_code(&mut browser).await;
    assert_ne!(browser.cookie, former, "a step up has another cookie");
    let customer: Value = desk.get(&mut browser, "/v1/customer").await.json().await.unwrap();
    assert_eq!((&customer["customer"], &customer["payer"]), (&"ann-0001".into(), &Value::Null));
    let before = browser.clone();
    desk.bind(&mut browser).await;
    assert_ne!((&browser.cookie, &browser.token), (&before.cookie, &before.token), "a change has another cookie");
    assert_eq!(desk.get(&mut before.clone(), "/v1/customer").await.status(), 401);
    let customer: Value = desk.get(&mut browser, "/v1/customer").await.json().await.unwrap();
    assert_eq!(customer["payer"]["state"], "active");
    let journal: Value = desk.get(&mut browser, "/v1/journal").await.json().await.unwrap();
    let told: Vec<_> = journal["entries"].as_array().unwrap().iter().map(|it| (&it["channel"], &it["what"])).collect();
    assert_eq!(told, [(&"page".into(), &"open".into()), (&"page".into(), &"page_activated".into())]);
    let kept = browser.clone();
    assert_eq!(desk.post(&mut browser, "/v1/sign-out", json!({})).await.status(), 204);
    assert_eq!(desk.get(&mut kept.clone(), "/v1/customer").await.status(), 401);
    // And again with the password that was chosen.
    let body = json!({ "access_number": format!("{} {}", &desk.number[..3], &desk.number[3..]), "password": PASSWORD });
    let mut browser = Browser::default();
    let stage: Value = desk.post(&mut browser, "/v1/sign-in", body).await.json().await.unwrap();
    assert_eq!(stage, json!({ "stage": "code", "sent_to": "••43" }));
    desk.type_sign_in_code(&mut browser).await;
    assert_eq!(desk.get(&mut browser, "/v1/customer").await.status(), 200);
}

#[tokio::test]
async fn unknown_wrong_and_locked_are_answered_alike_and_guessing_locks() {
    let mut desk = Desk::new().await;
    desk.activate().await;
    let unknown = desk
        .post(&mut Browser::default(), "/v1/sign-in", json!({ "access_number": "0000000000", "password": PASSWORD }))
        .await;
    let unknown = unknown.text().await.unwrap();
    let body = json!({ "access_number": desk.number, "password": "another one" });
    for _ in 0..ACCESS_TRIES_MAX {
        let told = desk.post(&mut Browser::default(), "/v1/sign-in", body.clone()).await.text().await.unwrap();
        assert_eq!(told, unknown);
    }
    let right = json!({ "access_number": desk.number, "password": PASSWORD });
    let locked = desk.post(&mut Browser::default(), "/v1/sign-in", right).await.text().await.unwrap();
    assert_eq!(locked, unknown, "locked, the right password is as wrong as any");
    gateways::send_due(&desk.bench.front).await.unwrap();
    let told = texts_to(&desk.bench, PHONE).await;
    assert_eq!(told.iter().filter(|text| text.contains("locked after")).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|text| text.contains("signs you in")).count(), 1, "no code for wrong passwords");
    // The counter gives another activation code; the password of before is worth nothing then.
    desk.open("ann-0001", PHONE, HOLDER).await;
    assert_eq!(desk.try_password(&desk.number.clone(), PASSWORD).await, wrong());
    let mut browser = desk.activate().await;
    // The code of the first activation was never typed: only the last one signs in.
    let codes: Vec<_> =
        texts_to(&desk.bench, PHONE).await.into_iter().filter(|it| it.contains("signs you in")).collect();
    assert_eq!(codes.len(), 2);
    desk.seen.push(codes[0].clone());
    desk.type_sign_in_code(&mut browser).await;
}

#[tokio::test]
async fn whoever_guesses_at_activation_or_sign_in_codes_locks_the_access() {
    let mut desk = Desk::new().await;
    let mut body = json!({ "access_number": desk.number, "activation_code": "00000000", "password": PASSWORD });
    for code in ["00000001", "00000002", "00000003", "00000004"] {
        body["activation_code"] = code.into();
        assert_eq!(refused(desk.post(&mut Browser::default(), "/v1/activation", body.clone()).await).await, wrong());
    }
    // The right one still serves; then wrong sign-in codes use up what tries there are.
    let mut browser = desk.activate().await;
    for _ in 0..ACCESS_TRIES_MAX {
        for (code, answer) in [("x", 403), ("y", 403), ("z", 409)] {
            let told = desk.post(&mut browser, "/v1/sign-in/code", json!({ "code": code })).await;
            assert_eq!(told.status(), answer);
        }
        let again = json!({ "access_number": desk.number, "password": PASSWORD });
        desk.post(&mut browser, "/v1/sign-in", again).await;
    }
    assert_eq!(desk.try_password(&desk.number.clone(), PASSWORD).await, wrong());
    let late = desk.post(&mut browser, "/v1/sign-in/code", json!({ "code": "000000" })).await;
    assert_eq!(refused(late).await, (409, "change_over".to_owned()));
    // An unfit password is told before anything is looked up.
    body["password"] = "12345678".into();
    let unfit = desk.post(&mut Browser::default(), "/v1/activation", body).await;
    assert_eq!(refused(unfit).await, (422, "password_unfit".to_owned()));
}

#[tokio::test]
async fn one_address_does_not_guess_through_many_numbers() {
    let desk = Desk::new().await;
    let mut answers = Vec::new();
    for number in 0..=crate::guard::FAILURES_OF_ONE {
        answers.push(desk.try_password(&format!("{number:010}"), "password 1").await);
    }
    assert_eq!(answers.pop().unwrap(), (429, "wait".to_owned()));
    assert!(answers.iter().all(|answer| *answer == wrong()));
}

#[tokio::test]
async fn a_call_that_the_page_did_not_make_does_nothing_whatever_cookie_comes_with_it() {
    let mut desk = Desk::new().await;
    let mut browser = desk.signed_in().await;
    desk.bind(&mut browser).await;
    let stolen = browser.cookie.clone();
    let end = |origin: Option<&'static str>, kind: &'static str, token: &str, site: Option<&'static str>| {
        let mut call = Client::new()
            .put(format!("{}/v1/changes/c-9", desk.url))
            .header("cookie", &stolen)
            .header("content-type", kind)
            .body(r#"{"what":"end"}"#);
        let own = desk.url.replace("http:", "https:");
        call = call.header("tapseal-page", token);
        if let Some(origin) = origin {
            call = call.header("origin", if origin == "own" { own.as_str() } else { origin });
        }
        if let Some(site) = site {
            call = call.header("sec-fetch-site", site);
        }
        async move { call.send().await.unwrap().status().as_u16() }
    };
    let token = browser.token.clone();
    let json = "application/json";
    assert_eq!(end(Some("https://evil.example"), json, &token, None).await, 401, "another origin");
    assert_eq!(end(Some("null"), json, &token, None).await, 401, "a frame in a sandbox");
    assert_eq!(end(None, json, &token, None).await, 401, "no origin");
    assert_eq!(end(Some("own"), "text/plain", &token, None).await, 401, "what a form could send");
    assert_eq!(end(Some("own"), json, &token, Some("cross-site")).await, 401, "the browser says that it is another's");
    assert_eq!(end(Some("own"), json, "", None).await, 401, "no token");
    assert_eq!(end(Some("own"), json, &"0".repeat(32), None).await, 401, "a guessed token");
    let customer: Value = desk.get(&mut browser, "/v1/customer").await.json().await.unwrap();
    assert_eq!(customer["payer"]["state"], "active", "nothing was done");
    assert_eq!(end(Some("own"), json, &token, Some("same-origin")).await, 200);
}

#[tokio::test]
async fn a_stolen_session_changes_nothing_without_a_code_and_ends_with_the_access() {
    let mut desk = Desk::new().await;
    let mut browser = desk.signed_in().await;
    desk.bind(&mut browser).await;
    // The thief has cookie and token, and a telephone of its own.
    let mut thief = browser.clone();
    let wish = json!({ "what": "add_terminal", "terminal": "+12025550199" });
    let change: Value = desk.put(&mut thief, "/v1/changes/t-1", wish).await.json().await.unwrap();
    assert_eq!(change["proofs"][0]["purpose"], "confirm");
    let own = code_to(&desk.bench, "+12025550199", "registers", &mut Vec::new()).await;
    let half: Value =
        desk.post(&mut thief, "/v1/changes/t-1/codes", json!({ "proof": 2, "code": own })).await.json().await.unwrap();
    assert_eq!(half["state"], "waiting");
    for code in ["000000", "000001"] {
        desk.post(&mut thief, "/v1/changes/t-1/codes", json!({ "proof": 1, "code": code })).await;
    }
    let wishes = [
        json!({ "what": "password", "password": "the thief's own" }),
        json!({ "what": "limits", "payment_limit_minor": 1_000_000, "day_limit_minor": 1_000_000 }),
        json!({ "what": "add_account", "account": HOLDER }),
    ];
    for (number, wish) in wishes.iter().enumerate() {
        let answer = desk.put(&mut thief, &format!("/v1/changes/t-2-{number}"), wish.clone()).await;
        let told: Value = answer.json().await.unwrap();
        assert_ne!(told["state"], "done", "{wish}");
    }
    {
        let mut connection = desk.bench.front.db.reader().acquire().await.unwrap();
        let payer = Payer::of_customer(&mut connection, "ann-0001").await.unwrap();
        assert_eq!((payer.terminals(&mut connection).await.unwrap().len(), payer.payment_limit.minor()), (1, 5_000));
    }
    let ended = desk.bench.front.db.write(|db_tx| {
        Box::pin(async move {
            let ann = Customer::named(db_tx, "ann-0001").await?;
            Access::end(db_tx, &ann, NOW_MS).await
        })
    });
    ended.await.unwrap();
    assert_eq!(desk.get(&mut thief, "/v1/customer").await.status(), 401, "the counter ends every session");
}

#[tokio::test]
async fn nobody_reaches_another_customer_through_the_page() {
    let mut desk = Desk::new().await;
    desk.open("bob-0001", "+12025550188", "cardholder:unionpay-1117").await;
    let mut browser = desk.signed_in().await;
    let mut wish = opening();
    wish["accounts"] = json!(["cardholder:unionpay-1117"]);
    let refusal = refused(desk.put(&mut browser, "/v1/changes/c-1", wish).await).await;
    assert_eq!(refusal, (409, "account_unknown".to_owned()));
    // Bob's activation code is not Ann's.
    let bobs = code_to(&desk.bench, "+12025550188", "activates", &mut Vec::new()).await;
    let body = json!({ "access_number": desk.number, "activation_code": bobs, "password": PASSWORD });
    assert_eq!(refused(desk.post(&mut Browser::default(), "/v1/activation", body).await).await, wrong());
    // A call has no member or path that names another customer.
    for path in ["/v1/customers/bob-0001", "/v1/customer/bob-0001"] {
        assert_eq!(desk.get(&mut browser, path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn an_activation_code_that_is_a_day_old_activates_nothing() {
    let mut desk = Desk::new().await;
    let code = desk.code("activates").await;
    let body = json!({ "access_number": desk.number, "activation_code": code, "password": PASSWORD });
    desk.bench.clock.fetch_add(24 * 60 * 60 * 1_000, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(refused(desk.post(&mut Browser::default(), "/v1/activation", body).await).await, wrong());
}

#[tokio::test]
async fn an_activation_code_serves_once_and_codes_to_a_telephone_have_a_bound() {
    let mut desk = Desk::new().await;
    let code = desk.code("activates").await;
    let body = json!({ "access_number": desk.number, "activation_code": code, "password": PASSWORD });
    assert_eq!(desk.post(&mut Browser::default(), "/v1/activation", body.clone()).await.status(), 200);
    assert_eq!(refused(desk.post(&mut Browser::default(), "/v1/activation", body).await).await, wrong());
    let right = json!({ "access_number": desk.number, "password": PASSWORD });
    let mut sent = 2;
    loop {
        let answer = desk.post(&mut Browser::default(), "/v1/sign-in", right.clone()).await;
        if answer.status() != 200 {
            assert_eq!(refused(answer).await, (429, "too_many_texts".to_owned()));
            break;
        }
        sent += 1;
    }
    assert_eq!(sent, 10);
}

#[tokio::test]
async fn what_the_bank_keeps_tells_no_password_and_no_code() {
    let mut desk = Desk::new().await;
    let mut browser = desk.signed_in().await;
    desk.bind(&mut browser).await;
    let mut secrets = vec![PASSWORD.to_owned(), PAYMENT_PASSWORD.to_owned(), browser.token.clone()];
    secrets.push(browser.cookie.split('=').next_back().unwrap().to_owned());
    // A code of six digits is found by chance; with what stands before it, it is not.
    secrets.extend(desk.seen.iter().map(|text| text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")));
    assert_kept_nowhere(&desk.bench, &secrets);
}

#[tokio::test]
async fn the_page_is_all_its_own_and_nobody_may_frame_it() {
    let desk = Desk::new().await;
    let page = Client::new().get(&desk.url).header("accept-language", "zh-CN").send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"));
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    let html = page.text().await.unwrap();
    assert!(html.contains("lang=\"zh-Hans\"") && !html.contains("{script}"), "{html}");
    for (path, kind) in [
        ("/page.js", "text/javascript"),
        ("/screen.js", "text/javascript"),
        ("/page.css", "text/css"),
        ("/texts.json", "application/json"),
    ] {
        let part = Client::new().get(format!("{}{path}", desk.url)).send().await.unwrap();
        assert!(part.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        let bytes = part.bytes().await.unwrap();
        assert!(html.contains(&crate::web_page::hash(&bytes)), "{path} is named by its hash");
    }
}
