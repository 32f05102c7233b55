//! Paying by alias through the whole system: a card enrolled at a vault, released to its bank, given back, forgotten; and a
//! vault that dies in the middle. No card, password or second factor is left where it does not belong. The window's commands
//! set an alias up and look after it.

use std::path::Path;

use e2e::card::Card;
use e2e::keeper::{Authenticator, Keeper, PASSWORD, VAULT, enrol};
use e2e::payer::{Payer, code, money_moved};
use e2e::process;
use e2e::remote::RemoteWallet;
use e2e::system::{Ask, System, Wishes, texts};

use protocol::ErrorCode;
use protocol::ipc::alias::{
    AliasBegin, AliasChange, AliasDeed, AliasEnrol, AliasExport, AliasFactor, AliasLeave, AliasReadCard, AliasRemember,
    AliasSignIn, AliasState,
};
use protocol::ipc::lock::LockNow;
use protocol::ipc::means::TypedSecret;
use protocol::ipc::passphrase::{LockTurnOn, Passphrase, Unlock};
use protocol::ipc::pay::{KeptAlias, Method, PaymentMethods};
use protocol::ipc::{Command, ReaderTestStage, Watch};

const NAME: &str = "王小明";
/// What the password is changed to.
const NEXT_PASSWORD: &str = "Slow river 81 north";
const PAN: &str = "4761340000000050";
const HOLDER: &str = "cardholder:visa-0050";

/// A system whose operator lists a vault that its bank believes.
async fn start() -> (System, Keeper) {
    let (mut system, port) = System::with_keys(Wishes::default()).await;
    let mut keeper = Keeper::found(&system).await;
    system.tapseal(&["migrate", "--data", &system.data()]).await.success();
    system.start_all(port).await;
    keeper.admit(&system, "5000").await;
    keeper.serve(None).await;
    (system, keeper)
}

async fn request(system: &System, payer: &Payer, order: &str) -> String {
    payer.open(&system.ask(&Ask { order: order.into(), ..Ask::default() }).await).await
}

async fn pay(payer: &Payer, request: &str, authenticator: &mut Authenticator) -> process::Finished {
    payer.wallet(&["pay", request, "--alias", NAME], &authenticator.lines().await).await
}

/// Files below a folder that hold one of these.
fn holding(folder: &Path, needles: &[(&str, Vec<u8>)], found: &mut Vec<String>) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            files += holding(&path, needles, found);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        files += 1;
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        let held = needles.iter().filter(|(_, needle)| holds(needle));
        found.extend(held.map(|(what, _)| format!("{}: {what}", path.display())));
    }
    files
}

#[tokio::test]
async fn an_alias_pays_with_a_card_that_only_vault_and_bank_have_seen() {
    let (system, keeper) = start().await;
    let payer = Payer::new(&system);
    let before = system.balance(HOLDER).await;
    let card = Card::present(&system, "visa");
    let (enrolled, mut authenticator) = enrol(&payer, NAME, &card.reader).await;
    drop(card);
    assert_eq!(enrolled.code, 0, "{enrolled:?}\n{}", system.logs());
    assert_eq!(enrolled.answer()["cards"][0]["last_four"], "0050");

    let first = request(&system, &payer, "A-1").await;
    let paid = pay(&payer, &first, &mut authenticator).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    let receipt = paid.answer();
    assert_eq!((&receipt["stage"], &receipt["verified"]), (&"receipt".into(), &true.into()), "{paid:?}");
    system.wait_for_status(&first, "paid").await;
    system.assert_merchant_received(1_280).await;
    assert_eq!(system.balance(HOLDER).await, before - 1_280);
    let receipts = payer.wallet(&["receipts"], "").await.success();
    assert_eq!(receipts[0]["method"], "alias", "{receipts}");

    // A refund goes where it goes for a card.
    let data = system.data();
    let give_back =
        ["merchant", "refund", "--data", &data, "--merchant", "blue-door", &first, "--amount", "2.80", "--json"];
    process::run("tapseal", &texts(&give_back), &[], "").await.success();
    system.wait_until("the refund is booked", async || system.balance(HOLDER).await == before - 1_000).await;

    // Wrong by one digit, or somebody else's name: the same words, and nothing was sent.
    let second = request(&system, &payer, "A-2").await;
    for name in [NAME, "nobody here"] {
        let wrong = payer.wallet(&["pay", &second, "--alias", name], &format!("{PASSWORD}\n00000000\n")).await;
        assert_eq!((code(&wrong).as_str(), money_moved(&wrong).as_str()), ("alias_refused", "no"), "{wrong:?}");
    }
    let audit = keeper.tool(&["audit"]).await.success();
    assert_eq!(audit["count"], 4, "enrolled, released, and refused twice: {audit}");

    // What is left, and where: not at the payment server, in no wallet, and in clear nowhere.
    let secret = authenticator.secret().to_vec();
    let needles = [
        ("card number", PAN.as_bytes().to_vec()),
        ("card number, packed", hex::decode(PAN).expect("digits")),
        ("password", PASSWORD.as_bytes().to_vec()),
        ("second factor", secret.clone()),
        ("second factor in hexadecimal", hex::encode(secret).into_bytes()),
    ];
    let name = [("name", NAME.as_bytes().to_vec())];
    let mut found = Vec::new();
    let files = holding(system.folder(), &needles, &mut found)
        + holding(payer.home(), &needles, &mut found)
        + holding(keeper.folder(), &needles, &mut found)
        + holding(system.folder(), &name, &mut found)
        + holding(payer.home(), &name, &mut found)
        + holding(keeper.folder(), &name, &mut found);
    assert!(files > 30, "the databases, logs and keys of every party");
    assert!(found.is_empty(), "{found:?}");
    // The search finds what is there.
    holding(system.folder(), &[("vault", VAULT.as_bytes().to_vec())], &mut found);
    assert!(!found.is_empty(), "the vault is in the keyset and at the bank");

    // Its owner has everything forgotten, and nothing is paid any more.
    let forgotten = payer.wallet(&["alias", "remove", NAME], &authenticator.lines().await).await.success();
    assert_eq!(forgotten["forgotten"], true);
    let gone = payer.wallet(&["pay", &second, "--alias", NAME], &format!("{PASSWORD}\n00000000\n")).await;
    assert_eq!(code(&gone), "alias_refused");
    system.assert_merchant_received(1_000).await;
}

#[tokio::test]
async fn a_vault_killed_in_the_middle_loses_no_alias_and_moves_no_money() {
    let (system, mut keeper) = start().await;
    let payer = Payer::new(&system);
    let card = Card::present(&system, "visa");
    // Before it was stored: nothing is there, and the name is free.
    keeper.serve(Some("before-commit")).await;
    let (cut_off, _) = enrol(&payer, NAME, &card.reader).await;
    assert_eq!((code(&cut_off).as_str(), money_moved(&cut_off).as_str()), ("vault_unreachable", "no"), "{cut_off:?}");
    keeper.crashed().await;
    // After it: the wallet was not told, and everything is there.
    keeper.serve(Some("after-commit")).await;
    let (unheard, mut authenticator) = enrol(&payer, NAME, &card.reader).await;
    assert_eq!(code(&unheard), "vault_unreachable", "{unheard:?}");
    keeper.crashed().await;
    drop(card);

    // A release that was stored and not heard of: no attempt was sent, and the request is open as before.
    let request = request(&system, &payer, "A-1").await;
    keeper.serve(Some("after-commit")).await;
    let lost = pay(&payer, &request, &mut authenticator).await;
    assert_eq!((code(&lost).as_str(), money_moved(&lost).as_str()), ("vault_unreachable", "no"), "{lost:?}");
    keeper.crashed().await;
    let down = payer.wallet(&["pay", &request, "--alias", NAME], &format!("{PASSWORD}\n00000000\n")).await;
    assert_eq!((code(&down).as_str(), money_moved(&down).as_str()), ("vault_unreachable", "no"), "{down:?}");

    // Another master key was made meanwhile; the next start goes over to it, and the alias pays.
    assert_eq!(keeper.tool(&["key", "rotate"]).await.success()["version"], 2);
    keeper.serve(None).await;
    let paid = pay(&payer, &request, &mut authenticator).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(1_280).await;
    system
        .wait_until("the old master key is destroyed", async || {
            let audit = keeper.tool(&["audit"]).await.success();
            let kinds = audit["entries"].as_array().expect("entries").iter().map(|entry| entry["kind"].clone());
            kinds.into_iter().any(|kind| kind == "key_destroyed")
        })
        .await;
}

fn secret(text: &str) -> TypedSecret {
    TypedSecret::new(text.to_owned())
}

/// Why a command is refused.
async fn refusal<C: Command>(wallet: &RemoteWallet, command: C) -> ErrorCode {
    wallet.call(&command).await.err().expect("it is refused").code
}

async fn change(wallet: &RemoteWallet, deed: AliasDeed, code: &str) -> Result<usize, ErrorCode> {
    let changed = wallet.call(&AliasChange { deed, code: secret(code) }).await.map_err(|problem| problem.code)?;
    Ok(changed.and_then(|desk| desk.alias).map_or(0, |alias| alias.cards.len()))
}

/// What is remembered of an alias on this device.
async fn remembered(wallet: &RemoteWallet) -> Option<KeptAlias> {
    let ways = wallet.call(&PaymentMethods {}).await.expect("the ways to pay");
    ways.into_iter().find_map(|way| match way.method {
        Method::Alias { kept } => Some(kept),
        Method::Card { .. } | Method::Carrier { .. } | Method::Code { .. } | Method::Voucher { .. } => None,
    })?
}

async fn sign_in(wallet: &RemoteWallet, password: &str, code: &str) -> Result<(), ErrorCode> {
    let (vault_id, name) = (VAULT.to_owned(), NAME.to_owned());
    let signed_in = AliasSignIn { vault_id, name, password: secret(password), code: secret(code) };
    wallet.call(&signed_in).await.map(drop).map_err(|problem| problem.code)
}

/// Waits until the card was read; then the alias at the desk has it.
async fn card_was_read(wallet: &RemoteWallet) {
    let mut after = 0;
    loop {
        let seen = wallet.call(&Watch { after }).await.expect("watching does not fail");
        match seen.reader_test.map(|look| look.progress) {
            Some(ReaderTestStage::Read { .. }) => return,
            Some(ReaderTestStage::Failed { code }) => panic!("the card was not read: {code}"),
            Some(ReaderTestStage::WaitingForCard { .. } | ReaderTestStage::Reading { .. }) | None => after = seen.seq,
        }
    }
}

#[tokio::test]
async fn an_alias_is_set_up_and_looked_after_by_the_windows_commands() {
    let (system, keeper) = start().await;
    let card = Card::present(&system, "visa");
    let wallet = RemoteWallet::start(&system, "wallet", &card.reader).await;
    let begin =
        |name: &str| AliasBegin { vault_id: VAULT.to_owned(), name: name.to_owned(), password: secret(PASSWORD) };
    let state = wallet.call(&AliasState {}).await.expect("a state");
    assert_eq!((state.vaults.len(), state.desk), (1, None));
    assert_eq!(refusal(&wallet, begin("4761 3400 0000 0050")).await, ErrorCode::AliasNameInvalid);

    wallet.call(&begin(NAME)).await.expect("an alias is begun");
    let limit = Some("USD".parse().map(|currency| payment::Amount::new(5_000, currency)).expect("a currency"));
    wallet.call(&AliasReadCard { label: "everyday".into(), limit, reader: None }).await.expect("a card is waited for");
    card_was_read(&wallet).await;
    let desk = wallet.call(&AliasState {}).await.expect("a state").desk.expect("it is begun");
    assert_eq!((desk.card.as_deref(), desk.alias), (Some("0050"), None));
    let factor = wallet.call(&AliasFactor {}).await.expect("a second factor");
    let again = wallet.call(&AliasFactor {}).await.expect("the same");
    assert_eq!(factor.secret, again.secret, "a page that is loaded anew sets up the same authenticator");
    let mut authenticator = Authenticator::typed(&factor.secret);
    assert_eq!(refusal(&wallet, AliasEnrol { code: secret("00000000") }).await, ErrorCode::AliasRefused);
    let code = secret(&authenticator.code().await);
    let enrolled =
        wallet.call(&AliasEnrol { code }).await.expect("it is set up").alias.expect("and its owner signed in");
    assert_eq!((enrolled.cards[0].last_four.as_str(), enrolled.cards[0].label.as_str()), ("0050", "everyday"));

    // A name is remembered where that is asked for, and forgotten likewise.
    assert_eq!(remembered(&wallet).await, None);
    wallet.call(&AliasRemember { is_remembered: true }).await.expect("it is remembered");
    assert_eq!(remembered(&wallet).await.map(|kept| (kept.name, kept.cards.len())), Some((NAME.into(), 1)));

    // A code that is wrong changes nothing and signs nobody out; the password that is set is the one that lets in.
    assert_eq!(change(&wallet, AliasDeed::RemoveCard { place: 1 }, "00000000").await, Err(ErrorCode::AliasRefused));
    let next = AliasDeed::SetPassword { password: secret(NEXT_PASSWORD) };
    assert_eq!(change(&wallet, next, &authenticator.code().await).await, Ok(1));
    let file = system.folder().join("export.json");
    let path = Some(file.to_str().expect("temporary paths are plain").to_owned());
    wallet.call(&AliasExport { path }).await.expect("it is written");
    let exported = std::fs::read_to_string(&file).expect("the file is there");
    assert!(exported.contains("\"0050\"") && !exported.contains(PAN), "{exported}");
    wallet.call(&AliasLeave {}).await.expect("signed out");
    assert_eq!(change(&wallet, AliasDeed::Remove, "00000000").await, Err(ErrorCode::AliasSignedOut));
    assert_eq!(sign_in(&wallet, PASSWORD, "00000000").await, Err(ErrorCode::AliasRefused));
    assert_eq!(sign_in(&wallet, NEXT_PASSWORD, &authenticator.code().await).await, Ok(()));

    // A lock that closes signs out.
    let passphrase = || Passphrase::new("amber lantern orbit".to_owned());
    wallet.call(&LockTurnOn { passphrase: passphrase() }).await.expect("there is a lock");
    wallet.call(&LockNow {}).await.expect("it closes");
    assert_eq!(refusal(&wallet, AliasState {}).await, ErrorCode::Locked);
    wallet.call(&Unlock { passphrase: passphrase() }).await.expect("it opens");
    assert_eq!(wallet.call(&AliasState {}).await.expect("a state").desk, None);

    let needles = [
        ("card number", PAN.as_bytes().to_vec()),
        ("password", PASSWORD.as_bytes().to_vec()),
        ("next password", NEXT_PASSWORD.as_bytes().to_vec()),
        ("second factor", authenticator.secret().to_vec()),
        ("second factor as it is typed", factor.secret.replace(' ', "").into_bytes()),
    ];
    let mut found = Vec::new();
    holding(system.folder(), &needles, &mut found);
    holding(keeper.folder(), &needles, &mut found);
    assert!(found.is_empty(), "{found:?}");
}
