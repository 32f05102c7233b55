//! A wallet with years of payments behind it: as many receipts as are wanted, each signed and kept as an older version
//! of the wallet kept it. Its history is the wallet's own work, from the first entry on.

#[path = "../../crates/wallet/tests/wallet/shelf.rs"]
mod shelf;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use wallet::Wallet;
use wallet::config::{KeyStoreKind, Upkeep, WalletConfig};

pub use shelf::{Kept, Sale, Shelf};

/// The latest payment: 2026-11-22 12:00 UTC.
const LATEST_MS: u64 = 1_795_348_800_000;
/// How far apart payments are, in milliseconds: a little over four hours, so that days and months differ in number.
const APART_MS: u64 = 15_100_000;
/// How many receipts one step of the database stores.
const STEP: usize = 2_000;

/// Whom one pays in the course of years: ids and names, in several scripts.
const PAYEES: [(&str, &str); 12] = [
    ("blue-door", "Blue Door Café"),
    ("lan-men", "蓝门咖啡"),
    ("harbour", "Harbour Books and Stationery"),
    ("yun-nan", "云南过桥米线"),
    ("north-rail", "North Rail"),
    ("pharmacy", "Löwen-Apotheke"),
    ("grocer", "Corner Grocer"),
    ("sakura", "さくら書店"),
    ("cinema", "Cinéma Étoile"),
    ("bakery", "Bread & Salt"),
    ("tea", "一间茶"),
    ("long-name", "The Society for the Preservation of Old Steam Locomotives 1"),
];
/// What is bought: names and prices in minor units.
const GOODS: [(&str, i64); 10] = [
    ("Flat white", 490),
    ("Croissant", 790),
    ("拿铁咖啡", 2_800),
    ("可颂", 1_900),
    ("Notebook, squared", 1_250),
    ("过桥米线", 3_600),
    ("Single to Newcastle", 8_740),
    ("Aspirin 500 mg", 620),
    ("Basket of apples", 1_180),
    ("文庫本", 880),
];
/// What is paid with, and in what.
const WAYS: [(&str, &str); 4] =
    [("visa ••0126", "USD"), ("unionpay ••0050", "CNY"), ("mastercard ••7710", "EUR"), ("jcb ••4242", "JPY")];

/// The sale of a number, counted from the latest one.
pub fn sale(number: u64) -> Sale {
    // A fixed spread, so that every run is the same: a multiplicative hash of the number.
    let spread = |salt: u64, of: usize| {
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17 * u32::try_from(salt).unwrap_or(1));
        usize::try_from(mixed % of as u64).unwrap_or(0)
    };
    let (card_label, currency) = WAYS[spread(1, WAYS.len())];
    let lines = 1 + spread(2, 3);
    let items = (0..lines).map(|line| {
        let (name, price) = GOODS[(spread(3, GOODS.len()) + line) % GOODS.len()];
        (name.to_owned(), 1, price)
    });
    let items: Vec<(String, u32, i64)> = items.collect();
    let paid: i64 = items.iter().map(|(_, _, price)| price).sum();
    let refunded_minor = if number % 23 == 7 { if number.is_multiple_of(2) { paid } else { paid / 3 } } else { 0 };
    Sale {
        number,
        payee: spread(4, PAYEES.len()),
        order_number: format!("A-{}", 1_000_000 - number),
        items,
        currency: currency.to_owned(),
        decided_ms: LATEST_MS - number * APART_MS,
        card_label: card_label.to_owned(),
        refunded_minor,
    }
}

/// A wallet's folder that is filled, and what it pins.
pub struct Years {
    /// The wallet's folder.
    pub home: PathBuf,
    /// Its trust file.
    pub trust: PathBuf,
    /// Who signed.
    pub shelf: Shelf,
}

impl Years {
    /// Fills a new wallet under `folder` with this many receipts. No server stands behind it.
    pub async fn filled(folder: &Path, count: u64) -> Self {
        crate::tap::install_crypto();
        let years = Self {
            home: folder.join("wallet-of-years"),
            trust: folder.join("trust-of-years.json"),
            shelf: Shelf::new(&PAYEES),
        };
        let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        let trust = years.shelf.trust_json("https://127.0.0.1:9", &certified.cert.pem());
        std::fs::write(&years.trust, trust).expect("the trust file can be written");
        // A wallet makes its own tables, and its device's keys.
        Wallet::open(years.config()).await.expect("the wallet opens").close().await;
        let mut database = Connection::open(years.home.join("wallet.db")).expect("the database opens");
        let numbers: Vec<u64> = (0..count).collect();
        for step in numbers.chunks(STEP) {
            let transaction = database.transaction().expect("a step begins");
            for number in step {
                store(&transaction, &years.shelf, &sale(*number));
            }
            transaction.commit().expect("a step ends");
        }
        years
    }

    /// How the wallet is opened, once for each command.
    pub fn config(&self) -> WalletConfig {
        let mut config = WalletConfig::new(self.home.clone());
        config.trust = Some(self.trust.clone());
        config.key_store = KeyStoreKind::File;
        config.upkeep = Upkeep::OnDemand;
        config
    }
}

fn store(database: &Connection, shelf: &Shelf, sale: &Sale) {
    let Kept { order, order_jws, attempt_id, receipt } = shelf.receipt(sale);
    let (request_id, attempt_id) = (order.request_id.to_string(), attempt_id.to_string());
    let decided_ms = i64::try_from(sale.decided_ms).expect("a date of this century");
    let request = "INSERT INTO request (request_id, order_jws, merchant_id, received_ms, first_contact, status, \
        attempt_id, changed_ms, refunded_minor) VALUES (?1, ?2, ?3, ?4, 0, 'paid', ?5, ?4, ?6)";
    let row = params![request_id, order_jws, order.merchant_id.as_str(), decided_ms, attempt_id, sale.refunded_minor];
    database.execute(request, row).expect("a request is kept");
    let attempt = "INSERT INTO attempt (attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, \
        created_ms, changed_ms) VALUES (?1, ?2, ?3, '', '', 'approved', ?4, ?4)";
    let nonce = receipt.wallet_nonce.to_string();
    database.execute(attempt, params![attempt_id, request_id, nonce, decided_ms]).expect("an attempt is kept");
    let json = serde_json::to_string(&receipt).expect("a receipt is JSON");
    let kept = "INSERT INTO receipt (attempt_id, request_id, receipt, decided_ms) VALUES (?1, ?2, ?3, ?4)";
    database.execute(kept, params![attempt_id, request_id, json, decided_ms]).expect("a receipt is kept");
}
