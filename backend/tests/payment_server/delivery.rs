//! Devices, claims by mail, the inbox and its stream.

use envelope::request;
use futures::StreamExt;
use payment::RequestState;
use protocol::merchant_api::{Channel, DeliveryStatus, PayerIdentifier, PaymentRequestView};
use protocol::wallet_api::{
    ConfirmClaim, InboxEvent, InboxPage, OtherDevices, RequestLetter, RequestStatusView, SealedRequest, StartClaim,
};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::deployment::Deployment;
use crate::payer::{self, Answer, Payer};
use crate::{in_time, refused};

const ANN: &str = "ann@example.org";

fn ann() -> PayerIdentifier {
    PayerIdentifier::Email(ANN.into())
}

/// The six digits of a mail.
fn code_of(mail: &str) -> String {
    let digits = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    mail.lines().find(digits).expect("the mail holds six digits").to_owned()
}

async fn confirm(payer: &Payer, code: &str) -> Answer<StatusCode> {
    payer
        .post("/v1/claims/confirm", &ConfirmClaim { identifier: ann(), code: code.into(), others: OtherDevices::Keep })
        .await
}

async fn claimed(deployment: &Deployment) -> Payer {
    let payer = deployment.payer().await;
    let mails = deployment.mails().len();
    payer.post("/v1/claims", &StartClaim { identifier: ann() }).await.unwrap();
    let code = code_of(&deployment.mail(mails).await);
    assert_eq!(confirm(&payer, &code).await, Ok(StatusCode::NO_CONTENT));
    payer
}

/// Events of a stream, as they come.
pub async fn stream(payer: &Payer, after: u64) -> impl futures::Stream<Item = (u64, InboxEvent)> + Unpin {
    let response = payer.call(Method::GET, &format!("/v1/inbox/stream?after={after}"), Vec::new()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let state = (Box::pin(response.bytes_stream()), String::new());
    Box::pin(futures::stream::unfold(state, |(mut bytes, mut text)| async move {
        loop {
            if let Some((event, rest)) = text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let parsed = field("data:").map(|data| {
                    let id = field("id:").map_or(0, |id| id.parse().unwrap());
                    (id, serde_json::from_str(data).unwrap())
                });
                text = rest.to_owned();
                if let Some(parsed) = parsed {
                    return Some((parsed, (bytes, text)));
                }
            } else {
                text.push_str(std::str::from_utf8(&bytes.next().await?.unwrap()).unwrap());
            }
        }
    }))
}

#[tokio::test]
async fn a_claimed_address_reaches_the_device_and_the_mailbox() {
    let deployment = Deployment::start().await;
    let payer = claimed(&deployment).await;
    let mut events = stream(&payer, 0).await;
    let order = deployment.requested_from(Some(PayerIdentifier::Email(" Ann@Example.org".into()))).await;

    let (seq, event) = in_time(events.next()).await.unwrap();
    let InboxEvent::Request(sealed) = event else { panic!("the letter comes first") };
    assert_eq!((sealed.seq, sealed.request_id), (seq, order.request_id));
    assert_eq!(open(&payer, &sealed), deployment.signed(&order).order);
    let page: InboxPage = payer.get("/v1/inbox?after=0").await.unwrap();
    assert_eq!(page.requests, [sealed]);
    assert!(!page.has_more);

    let mail = deployment.mail(1).await;
    assert!(mail.contains("To: ann@example.org") && mail.contains("Blue Door Café asks you for a payment."));
    assert!(mail.contains("https://127.0.0.1:8443/r/") && mail.contains("tapseal://r/"));
    assert!(!mail.contains("Flat white") && !mail.contains("A-1042"), "no text of the merchant's in a mail");

    let sent = |view: &PaymentRequestView| view.deliveries.iter().all(|one| one.status == DeliveryStatus::Sent);
    let view = deployment
        .eventually(async || Some(deployment.show(&order).await).filter(|view| view.state == RequestState::Delivered))
        .await;
    assert!(sent(&view) && channels(&view) == ["email"], "nobody learns that a device claimed the address: {view:?}");
    let seen = format!("/v1/requests/{}/seen", order.request_id);
    assert_eq!(payer.post(&seen, &()).await, Ok(StatusCode::NO_CONTENT));
    let view = deployment.show(&order).await;
    assert_eq!(channels(&view), ["device", "email"], "who opened it says so");
    let of_device = view.deliveries.iter().find(|delivery| delivery.channel == Channel::Device).unwrap();
    assert_eq!(of_device.status, DeliveryStatus::Seen);
    let wanted = ["created", "delivering", "delivered", "seen"].map(|state| format!("request.{state}"));
    let events = deployment.events(&order).await;
    assert!(events.iter().filter(|kind| kind.starts_with("request.")).eq(wanted.iter()), "{events:?}");
    assert!(events.contains(&"delivery.sent".to_owned()) && events.contains(&"delivery.seen".to_owned()));
}

fn channels(view: &PaymentRequestView) -> Vec<&'static str> {
    let mut channels: Vec<_> = view.deliveries.iter().map(|delivery| delivery.channel.name()).collect();
    channels.sort_unstable();
    channels
}

/// The JSON texts of the text messages so far, oldest first.
fn text_messages(deployment: &Deployment) -> Vec<serde_json::Value> {
    let files = std::fs::read_dir(deployment.folder.path().join("sms")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_phone_number_is_claimed_by_text_message_and_asked_by_one() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let identifier = PayerIdentifier::Phone("+8613800138000".into());
    payer.post("/v1/claims", &StartClaim { identifier: identifier.clone() }).await.unwrap();
    let message = deployment.eventually(async || text_messages(&deployment).first().cloned()).await;
    assert_eq!(message["to"], "+8613800138000");
    let code: String = message["text"].as_str().unwrap().chars().filter(char::is_ascii_digit).take(6).collect();
    let confirm = ConfirmClaim { identifier: identifier.clone(), code, others: OtherDevices::Keep };
    assert_eq!(payer.post("/v1/claims/confirm", &confirm).await, Ok(StatusCode::NO_CONTENT));

    let mut events = stream(&payer, 0).await;
    let order = deployment.requested_from(Some(identifier)).await;
    let (_, event) = in_time(events.next()).await.unwrap();
    assert!(matches!(event, InboxEvent::Request(sealed) if sealed.request_id == order.request_id));
    let message = deployment.eventually(async || text_messages(&deployment).get(1).cloned()).await;
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("Blue Door Café") && text.contains("/r/") && !text.contains("12.80"), "{text}");
}

fn open(payer: &Payer, sealed: &SealedRequest) -> String {
    let capsule = payer::capsule(&sealed.sealed);
    let letter = request::open_as_device(&payer.sealing, sealed.request_id.as_bytes(), &capsule).unwrap();
    serde_json::from_slice::<RequestLetter>(&letter).unwrap().order
}

#[tokio::test]
async fn a_stream_tells_changes_of_state_and_resumes_where_it_stopped() {
    let deployment = Deployment::start().await;
    let payer = claimed(&deployment).await;
    let mut events = stream(&payer, 0).await;
    let order = deployment.requested_from(Some(ann())).await;
    let (letter_seq, _) = in_time(events.next()).await.unwrap();
    deployment.cancel(&order).await.unwrap();
    let is_cancelled =
        |event: &InboxEvent| matches!(event, InboxEvent::State(view) if view.state == RequestState::Cancelled);
    let seq = loop {
        let (seq, event) = in_time(events.next()).await.unwrap();
        if is_cancelled(&event) {
            break seq;
        }
    };
    assert!(seq > letter_seq);
    drop(events);
    let mut resumed = stream(&payer, letter_seq).await;
    let (again, event) = in_time(resumed.next()).await.unwrap();
    assert_eq!(again, seq);
    assert!(is_cancelled(&event));
}

#[tokio::test]
async fn the_link_key_and_the_code_leave_the_database_with_the_mail() {
    let mut deployment = Deployment::start().await;
    let _payer = claimed(&deployment).await;
    let code = code_of(&deployment.mails()[0]);
    let order = Deployment::order();
    let body = protocol::merchant_api::CreatePaymentRequest { payer: Some(ann()), ..deployment.signed(&order) };
    let view = deployment.create("key", &body).await.unwrap();
    deployment.mail(1).await;
    deployment
        .eventually(async || {
            let deliveries = deployment.show(&order).await.deliveries;
            let is_sent = |delivery: &protocol::merchant_api::DeliveryView| delivery.status == DeliveryStatus::Sent;
            (!deliveries.is_empty() && deliveries.iter().all(is_sent)).then_some(())
        })
        .await;
    deployment.stop_server().await;
    let link = view.link.unwrap();
    let fragment = link.split_once('#').unwrap().1;
    let db = deployment.database.open(&deployment.folder).await;
    let secrets: Vec<Option<String>> =
        sqlx::query_scalar("SELECT secret FROM delivery").fetch_all(db.reader()).await.unwrap();
    assert!(secrets.len() >= 2 && secrets.iter().all(Option::is_none));
    let answers: Vec<String> =
        sqlx::query_scalar("SELECT answer FROM idempotency_key").fetch_all(db.reader()).await.unwrap();
    assert!(answers.iter().all(|answer| !answer.contains(fragment)));
    let hashes: Vec<String> =
        sqlx::query_scalar("SELECT code_hash FROM claim_code").fetch_all(db.reader()).await.unwrap();
    assert!(hashes.iter().all(|hash| !hash.contains(&code)), "a used code is gone");
}

#[tokio::test]
async fn a_code_is_guessed_five_times_at_most_and_for_its_own_device_only() {
    let deployment = Deployment::start().await;
    let (payer, other) = (deployment.payer().await, deployment.payer().await);
    payer.post("/v1/claims", &StartClaim { identifier: ann() }).await.unwrap();
    let code = code_of(&deployment.mail(0).await);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(confirm(&other, &code).await, refused(422, "claim_code_wrong"));
    for _ in 0..5 {
        assert_eq!(confirm(&payer, wrong).await, refused(422, "claim_code_wrong"));
    }
    assert_eq!(confirm(&payer, &code).await, refused(422, "claim_code_wrong"));
    // A new code starts anew, and is used up by its first use.
    payer.post("/v1/claims", &StartClaim { identifier: ann() }).await.unwrap();
    let code = code_of(&deployment.mail(1).await);
    assert_eq!(confirm(&payer, &code).await, Ok(StatusCode::NO_CONTENT));
    assert_eq!(confirm(&payer, &code).await, refused(422, "claim_code_wrong"));
}

#[tokio::test]
async fn the_answer_to_a_claim_does_not_tell_when_no_more_codes_are_sent() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    for _ in 0..7 {
        assert_eq!(payer.post("/v1/claims", &StartClaim { identifier: ann() }).await, Ok(StatusCode::ACCEPTED));
    }
    deployment.mail(4).await;
    assert_eq!(deployment.mails().len(), 5);
}

#[tokio::test]
async fn a_call_counts_only_with_a_known_devices_fresh_signature() {
    let deployment = Deployment::start().await;
    let mut payer = deployment.payer().await;
    let stranger = Payer::stranger(&deployment.client, &deployment.base);
    assert_eq!(stranger.get::<InboxPage>("/v1/inbox").await, refused(401, "device_unknown"));

    let mut impostor = Payer::stranger(&deployment.client, &deployment.base);
    impostor.id = payer.id;
    assert_eq!(impostor.get::<InboxPage>("/v1/inbox").await, refused(401, "device_signature_invalid"));
    assert_eq!(impostor.register().await, refused(401, "device_signature_invalid"));
    payer.register().await.unwrap();

    payer.clock_offset_ms = -3_600_000;
    assert_eq!(payer.get::<InboxPage>("/v1/inbox").await, refused(401, "clock_skew"));
    let bare = deployment.client.get(format!("{}/v1/inbox", deployment.base)).send().await.unwrap();
    assert_eq!(crate::checked(bare).await.map(drop), refused(401, "device_signature_invalid"));
}

#[tokio::test]
async fn seen_and_rejected_are_told_and_stay() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    let path = format!("/v1/requests/{}", order.request_id);
    assert_eq!(payer.post(&format!("{path}/seen"), &()).await, Ok(StatusCode::NO_CONTENT));
    assert_eq!(payer.post(&format!("{path}/seen"), &()).await, Ok(StatusCode::NO_CONTENT));
    assert_eq!(deployment.state(&order).await, RequestState::Seen);
    payer.post(&format!("{path}/reject"), &()).await.unwrap();
    payer.post(&format!("{path}/reject"), &()).await.unwrap();
    let view: RequestStatusView = payer.get(&path).await.unwrap();
    assert_eq!(view.state, RequestState::Rejected);
    assert_eq!(deployment.events(&order).await, ["request.created", "request.seen", "request.rejected"]);
    let nobody = payer.get::<RequestStatusView>("/v1/requests/01a201e2-17aa-7f19-820b-59dff928241e").await;
    assert_eq!(nobody, refused(404, "not_found"));
}

/// A mail server that takes one mail and gives its text.
async fn one_mail(listener: tokio::net::TcpListener) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 test\r\n").await.unwrap();
    let mut mail = None::<String>;
    while let Some(line) = lines.next_line().await.unwrap() {
        let answer = match (&mut mail, line.as_str()) {
            (Some(mail), ".") => {
                writer.write_all(b"250 taken\r\n").await.unwrap();
                return std::mem::take(mail);
            }
            (Some(mail), line) => {
                mail.push_str(line);
                mail.push('\n');
                continue;
            }
            (None, "DATA") => {
                mail = Some(String::new());
                "354 go on"
            }
            (None, _) => "250 ok",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
    panic!("the connection ended without a mail");
}

#[tokio::test]
async fn a_mail_server_takes_the_mails_when_there_is_one() {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    deployment.with_smtp(&format!("smtp://{}", listener.local_addr().unwrap()));
    deployment.start_server().await;
    let taken = tokio::spawn(one_mail(listener));
    let order = deployment.requested_from(Some(ann())).await;
    let mail = in_time(taken).await.unwrap();
    assert!(mail.contains("To: ann@example.org") && mail.contains("quoted-printable"));
    let sent = async || (deployment.state(&order).await == RequestState::Delivered).then_some(());
    deployment.eventually(sent).await;
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_tried_again() {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    deployment.with_smtp(&format!("smtp://{addr}"));
    deployment.start_server().await;
    let order = deployment.requested_from(Some(ann())).await;
    let tried = async || (deployment.show(&order).await.deliveries[0].tries > 0).then_some(());
    deployment.eventually(tried).await;
    assert_eq!(deployment.state(&order).await, RequestState::Delivering);
    let taken = tokio::spawn(one_mail(tokio::net::TcpListener::bind(addr).await.unwrap()));
    assert!(in_time(taken).await.unwrap().contains("To: ann@example.org"));
}
