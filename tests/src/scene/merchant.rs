//! A shop: a till with its screens, and a passer-by who pays what it asks for.

use payment::{Amount, Currency};
use protocol::ipc::SaveSettings;
use protocol::ipc::merchant::{CatalogueItem, MerchantConnect, Sale, SaveCatalogue};
use protocol::ipc::{Language, Settings, Theme};

use crate::browser::Browser;
use crate::card::Card;
use crate::payer::{PIN, Payer};
use crate::process::Finished;
use crate::remote::RemoteWallet;
use crate::system::{System, free_port};
use crate::till::{access_file, path};

/// What a café sells: names and prices in cents.
pub const MENU: [(&str, i64); 8] = [
    ("Flat white", 490),
    ("Espresso", 320),
    ("Croissant", 300),
    ("Cinnamon roll with walnuts", 420),
    ("Orange juice, fresh", 550),
    ("Oat milk", 60),
    ("Sandwich", 890),
    ("Coffee beans, 250 g", 1_450),
];

/// A till with its screens.
pub struct Shop {
    /// The wallet that is the till.
    pub till: RemoteWallet,
    /// Somebody with a wallet and a card.
    pub payer: Payer,
}

impl Shop {
    /// A wallet that took in the merchant's access file.
    pub async fn open(system: &System, name: &str) -> Self {
        let shop = Self::closed(system, name).await;
        let file = access_file(system, &format!("{name}.access.json")).await;
        shop.connect(path(&file)).await;
        shop
    }

    /// A wallet that is nobody's till yet.
    pub async fn closed(system: &System, name: &str) -> Self {
        let reader = format!("127.0.0.1:{}", free_port());
        let till = RemoteWallet::start(system, name, &format!("simulated:{reader}")).await;
        Self { till, payer: Payer::new(system) }
    }

    /// Takes in an access file.
    pub async fn connect(&self, file: &str) {
        let connected = self.till.call(&MerchantConnect { path: Some(file.to_owned()) }).await;
        assert!(connected.expect("the access file is good").is_some());
    }

    /// Sets language and colours of the till's screens.
    pub async fn look(&self, language: Language, theme: Theme) {
        let settings = Settings { language, theme, ..Settings::default() };
        self.till.call(&SaveSettings { settings }).await.expect("settings can be saved");
    }

    /// Puts the menu on the tiles.
    pub async fn set_menu(&self) {
        let currency: Currency = "USD".parse().expect("a currency");
        let item =
            |(name, minor): (&str, i64)| CatalogueItem { name: name.to_owned(), price: Amount::new(minor, currency) };
        let items = MENU.map(item).to_vec();
        self.till.call(&SaveCatalogue { items }).await.expect("the catalogue can be kept");
    }

    /// The link in the code of a sale.
    pub async fn link(&self, request: &str) -> String {
        let request_id = request.parse().expect("a request's id");
        let sale = self.till.call(&Sale { request_id }).await.expect("the sale is known");
        sale.qr.expect("its code is shown").link
    }

    /// The passer-by opens a scanned link; answers the request's id.
    pub async fn scanned(&self, link: &str) -> String {
        let view = self.payer.wallet(&["open", link], "").await.success();
        view["request_id"].as_str().expect("a view names its request").to_owned()
    }

    /// The passer-by pays a request.
    pub async fn pay(&self, request: &str, card: &Card) -> Finished {
        self.payer.pay(request, card, PIN).await
    }
}

/// The request of the sale that the till shows now.
pub async fn shown_sale(browser: &Browser) -> String {
    let sale = browser.wait_for("[data-sale-shown]").await;
    sale.attr("data-sale-shown").await.ok().flatten().expect("the till names its sale")
}
