//! The history: what an older version kept is entered, found in both languages, counted, and kept as files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payment::AttemptId;
use protocol::ErrorCode;
use protocol::ipc::Language;
use protocol::ipc::history::{
    CheckFinding, CheckVerdict, ExportView, GivenReceipt, HistoryQuery, ListFormat, ReceiptFault, ReceiptFormat,
    RefundFilter,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use wallet::{KeyStoreKind, Upkeep, Wallet, WalletConfig};

use crate::shelf::{Kept, Sale, Shelf};

/// 2026-03-15 12:00 UTC: far from any month's end.
const NOON_MS: u64 = 1_773_576_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn sale(number: u64, payee: usize, days: u64, items: &[(&str, i64)]) -> Sale {
    Sale {
        number,
        payee,
        order_number: format!("A-{}", 1_000 + number),
        items: items.iter().map(|(name, total)| ((*name).to_owned(), 1, *total)).collect(),
        currency: if payee == 1 { "CNY" } else { "USD" }.to_owned(),
        decided_ms: NOON_MS + days * DAY_MS,
        card_label: if payee == 1 { "unionpay ••0050" } else { "visa ••0126" }.to_owned(),
        refunded_minor: 0,
    }
}

/// A wallet of an older version, with receipts that no history knows of; its folder, and a receipt of each.
struct Old {
    shelf: Shelf,
    folder: tempfile::TempDir,
    kept: Vec<Kept>,
}

impl Old {
    async fn with(sales: &[Sale]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shelf = Shelf::new(&[("blue-door", "Blue Door Café"), ("lan-men", "蓝门咖啡"), ("formula", "=1+1")]);
        let folder = tempfile::tempdir().unwrap();
        let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let trust = shelf.trust_json("https://127.0.0.1:9", &certified.cert.pem());
        std::fs::write(folder.path().join("given.json"), trust).unwrap();
        let kept = sales.iter().map(|sale| shelf.receipt(sale)).collect();
        let old = Self { shelf, folder, kept };
        old.open(Upkeep::OnDemand).await.close().await;
        let mut database = old.database().await;
        for (sale, kept) in sales.iter().zip(&old.kept) {
            insert(&mut database, &old.shelf, sale, kept).await;
        }
        database.close().await.unwrap();
        old
    }

    async fn open(&self, upkeep: Upkeep) -> Wallet {
        let mut config = WalletConfig::new(self.folder.path().join("wallet"));
        config.trust = Some(self.folder.path().join("given.json"));
        config.key_store = KeyStoreKind::File;
        config.upkeep = upkeep;
        Wallet::open(config).await.unwrap()
    }

    async fn database(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.folder.path().join("wallet/wallet.db"));
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// The wallet once its history is whole.
    async fn wallet(&self) -> Wallet {
        let wallet = self.open(Upkeep::Continuous).await;
        let mut after = 0;
        while wallet.history(HistoryQuery::default()).await.unwrap().waiting > 0 {
            after = wallet.watch(after).await.unwrap().seq;
        }
        wallet
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

async fn insert(database: &mut SqliteConnection, shelf: &Shelf, sale: &Sale, kept: &Kept) {
    let (request_id, attempt_id) = (kept.order.request_id.to_string(), kept.attempt_id.to_string());
    let decided_ms = i64::try_from(sale.decided_ms).unwrap();
    sqlx::query(
        "INSERT INTO request (request_id, order_jws, merchant_id, received_ms, first_contact, status, attempt_id, \
         changed_ms, refunded_minor) VALUES ($1, $2, $3, $4, 0, 'paid', $5, $4, $6)",
    )
    .bind(&request_id)
    .bind(&kept.order_jws)
    .bind(kept.order.merchant_id.as_str())
    .bind(decided_ms)
    .bind(&attempt_id)
    .bind(sale.refunded_minor)
    .execute(&mut *database)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO attempt (attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, created_ms, \
         changed_ms) VALUES ($1, $2, $3, $4, $5, 'approved', $6, $6)",
    )
    .bind(&attempt_id)
    .bind(&request_id)
    .bind(kept.receipt.wallet_nonce.to_string())
    .bind(&shelf.keyset)
    .bind(&shelf.certificate)
    .bind(decided_ms)
    .execute(&mut *database)
    .await
    .unwrap();
    sqlx::query("INSERT INTO receipt (attempt_id, request_id, receipt, decided_ms) VALUES ($1, $2, $3, $4)")
        .bind(&attempt_id)
        .bind(&request_id)
        .bind(serde_json::to_string(&kept.receipt).unwrap())
        .bind(decided_ms)
        .execute(&mut *database)
        .await
        .unwrap();
}

fn sales() -> Vec<Sale> {
    let coffee = sale(1, 0, 0, &[("Flat white", 490), ("Croissant", 790)]);
    let latte = sale(2, 1, 1, &[("拿铁咖啡", 2_800), ("可颂", 1_900)]);
    let more = sale(3, 0, 40, &[("Beans, 1 kg", 128_000)]);
    let formula = Sale { refunded_minor: 500, ..sale(4, 2, 41, &[("Nothing", 900)]) };
    vec![coffee, latte, more, formula]
}

fn searching(text: &str) -> HistoryQuery {
    HistoryQuery { text: text.to_owned(), ..HistoryQuery::default() }
}

/// The order numbers of what answers, newest first.
async fn found(wallet: &Wallet, query: HistoryQuery) -> Vec<String> {
    let lines = wallet.history_lines(query.clone(), 0, 50).await.unwrap();
    assert_eq!(wallet.history(query).await.unwrap().count as usize, lines.len(), "what is counted is what is listed");
    lines.into_iter().map(|line| line.order_number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_wallets_receipts_are_entered_and_found_in_both_languages() {
    let old = Old::with(&sales()).await;
    let wallet = old.wallet().await;
    assert_eq!(found(&wallet, HistoryQuery::default()).await, ["A-1004", "A-1003", "A-1002", "A-1001"]);
    let (first, second, third) = ("A-1001", "A-1002", "A-1003");
    for (text, expected) in [
        ("blue door", vec![third, first]),
        ("CAFE", vec![third, first]),
        ("croiss", vec![first]),
        ("lue", vec![third, first]),
        ("bl", vec![third, first]),
        ("蓝", vec![second]),
        ("咖啡", vec![second]),
        ("蓝门咖啡", vec![second]),
        ("拿铁 可颂", vec![second]),
        ("银联", vec![second]),
        ("unionpay 0050", vec![second]),
        ("12.80", vec![first]),
        ("$1,280", vec![third]),
        ("usd 1280.00", vec![third]),
        ("A-1002", vec![second]),
        ("march 2026", vec![second, first]),
        ("2026年4月24日", vec![third]),
        ("\"flat white\"", vec![first]),
        ("\"white flat\"", vec![]),
        ("blue 咖啡", vec![]),
        ("ue", vec![]),
    ] {
        assert_eq!(found(&wallet, searching(text)).await, expected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_and_months_add_up() {
    let old = Old::with(&sales()).await;
    let wallet = old.wallet().await;
    let filters = [
        (HistoryQuery { currency: Some("CNY".parse().unwrap()), ..HistoryQuery::default() }, vec!["A-1002"]),
        (
            HistoryQuery { payee: Some("blue-door".parse().unwrap()), ..HistoryQuery::default() },
            vec!["A-1003", "A-1001"],
        ),
        (HistoryQuery { method: Some("unionpay ••0050".into()), ..HistoryQuery::default() }, vec!["A-1002"]),
        (HistoryQuery { refunds: RefundFilter::Refunded, ..HistoryQuery::default() }, vec!["A-1004"]),
        (HistoryQuery { refunds: RefundFilter::Untouched, ..searching("a-10") }, vec!["A-1003", "A-1002", "A-1001"]),
        (
            HistoryQuery { from_ms: Some(NOON_MS + DAY_MS), to_ms: Some(NOON_MS + 40 * DAY_MS), ..searching("a-10") },
            vec!["A-1002"],
        ),
    ];
    for (query, expected) in filters {
        assert_eq!(found(&wallet, query.clone()).await, expected, "{query:?}");
    }
    let view = wallet.history(HistoryQuery::default()).await.unwrap();
    let months: Vec<(u16, u8, u32)> = view.months.iter().map(|it| (it.year, it.month, it.count)).collect();
    assert_eq!(months, [(2026, 4, 2), (2026, 3, 2)]);
    let sums: Vec<(String, i64)> = view.sums.iter().map(|it| (it.paid.to_string(), it.refunded_minor)).collect();
    assert_eq!(sums, [("CNY 47.00".to_owned(), 0), ("USD 1301.80".to_owned(), 500)]);
    let choices = wallet.history_choices().await.unwrap();
    assert_eq!(choices.payees[0].name, "Blue Door Café", "who is paid most often comes first");
    assert_eq!((choices.currencies.len(), choices.methods[0].as_str()), (2, "visa ••0126"));
    let page = wallet.history_lines(HistoryQuery::default(), 1, 2).await.unwrap();
    assert_eq!(page.iter().map(|it| it.order_number.as_str()).collect::<Vec<_>>(), ["A-1003", "A-1002"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_receipt_that_does_not_verify_is_no_entry() {
    let old = Old::with(&sales()).await;
    let mut database = old.database().await;
    let stolen = old.kept[1].attempt_id.to_string();
    sqlx::query(
        "UPDATE receipt SET receipt = replace(receipt, '\"version\":1', '\"version\":2') WHERE attempt_id = $1",
    )
    .bind(&stolen)
    .execute(&mut database)
    .await
    .unwrap();
    // A receipt that is true, and of another payment.
    sqlx::query(
        "UPDATE receipt SET receipt = (SELECT receipt FROM receipt WHERE attempt_id = $2) WHERE attempt_id = $1",
    )
    .bind(old.kept[0].attempt_id.to_string())
    .bind(old.kept[2].attempt_id.to_string())
    .execute(&mut database)
    .await
    .unwrap();
    database.close().await.unwrap();
    let wallet = old.wallet().await;
    assert_eq!(found(&wallet, HistoryQuery::default()).await, ["A-1004", "A-1003"]);
    let problem = wallet.show_receipt(old.kept[1].attempt_id).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::ReceiptInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_kept_as_a_table_that_computes_nothing_and_as_a_document() {
    let old = Old::with(&sales()).await;
    let wallet = old.wallet().await;
    let path = old.path("list.csv");
    let saved = wallet
        .history_export(searching("a-100"), ListFormat::Csv, Language::English, Some(path.clone()))
        .await
        .unwrap();
    assert_eq!(saved, ExportView::Saved { name: "list.csv".into(), count: 4 });
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}time,payee,order_number,currency,amount,refunded,method,attempt_id");
    assert!(lines[1].contains(",'=1+1,A-1004,USD,9.00,5.00,visa ••0126,"), "{}", lines[1]);
    assert!(lines[3].contains("蓝门咖啡,A-1002,CNY,47.00,0.00"), "{}", lines[3]);
    assert_eq!(lines.len(), 6, "a line each, and nothing after the last");
    assert!(!std::path::Path::new(&old.path("list.csv.part")).exists());
    let given = wallet.history_export(HistoryQuery::default(), ListFormat::Pdf, Language::Chinese, None).await.unwrap();
    let ExportView::Given { name, media_type, data, count } = given else { panic!("{given:?}") };
    assert!(
        std::path::Path::new(&name).extension().is_some_and(|it| it == "pdf")
            && media_type == "application/pdf"
            && count == 4
    );
    assert!(STANDARD.decode(data).unwrap().starts_with(b"%PDF-"));
    let nowhere = Some(old.path("no/such/folder/list.csv"));
    let failed = wallet.history_export(HistoryQuery::default(), ListFormat::Csv, Language::English, nowhere).await;
    assert_eq!(failed.unwrap_err().code, ErrorCode::ExportFailed);
}

async fn document(wallet: &Wallet, attempt_id: AttemptId) -> String {
    match wallet.receipt_export(attempt_id, ReceiptFormat::Pdf, Language::Chinese, None).await.unwrap() {
        ExportView::Given { data, .. } => data,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_holds_its_receipt_and_a_check_says_what_it_found() {
    let old = Old::with(&sales()).await;
    let wallet = old.wallet().await;
    let kept = &old.kept[1];
    let data = document(&wallet, kept.attempt_id).await;
    let checked = wallet.check_receipt(GivenReceipt::File { data }).await.unwrap();
    let CheckVerdict::Receipt { receipt } = checked.verdict else { panic!("{:?}", checked.verdict) };
    assert_eq!((receipt.summary.payee.as_str(), receipt.summary.attempt_id), ("蓝门咖啡", kept.attempt_id));
    assert!(checked.checks.iter().all(|line| line.finding == CheckFinding::Holds));
    assert!(!checked.operator_root.is_empty() && checked.bank_root.is_some());

    let mut forged = kept.receipt.clone();
    forged.order = old.kept[0].receipt.order.clone();
    let text = serde_json::to_string(&forged).unwrap();
    let checked = wallet.check_receipt(GivenReceipt::Text { text }).await.unwrap();
    assert_eq!(checked.verdict, CheckVerdict::Refused { fault: ReceiptFault::AnotherOrder });
    let failed: Vec<&str> =
        checked.checks.iter().filter(|it| it.finding == CheckFinding::Fails).map(|it| it.check.name()).collect();
    assert_eq!(failed, ["same_order"]);

    let stranger = Shelf::new(&[("lan-men", "蓝门咖啡")]);
    let text = serde_json::to_string(&stranger.receipt(&Sale { payee: 0, ..sales()[1].clone() }).receipt).unwrap();
    let checked = wallet.check_receipt(GivenReceipt::Text { text }).await.unwrap();
    assert_eq!(checked.verdict, CheckVerdict::Refused { fault: ReceiptFault::BankNotCertified });

    // A short proof needs the bank's certificate, which this wallet never fetched.
    let proof = format!("tapseal:proof:1:{}", kept.receipt.outcome);
    let checked = wallet.check_receipt(GivenReceipt::Text { text: proof.clone() }).await.unwrap();
    assert_eq!(checked.verdict, CheckVerdict::Refused { fault: ReceiptFault::BankUnknownHere });
    wallet.close().await;
    let keys = serde_json::json!({ "keyset": old.shelf.keyset, "bank_certificates": [old.shelf.certificate] });
    let mut database = old.database().await;
    sqlx::query("INSERT INTO setting (name, value) VALUES ('keys', $1)")
        .bind(keys.to_string())
        .execute(&mut database)
        .await
        .unwrap();
    let wallet = old.open(Upkeep::OnDemand).await;
    let checked = wallet.check_receipt(GivenReceipt::Text { text: proof }).await.unwrap();
    let CheckVerdict::Proof { proof } = checked.verdict else { panic!("{:?}", checked.verdict) };
    assert_eq!((proof.payee.as_deref(), proof.amount.to_string()), (Some("蓝门咖啡"), "CNY 47.00".into()));
    let unchecked = checked.checks.iter().filter(|line| line.finding == CheckFinding::NotChecked).count();
    assert_eq!(unchecked, 3, "a short proof brings neither the order nor the merchant's signature");
}
