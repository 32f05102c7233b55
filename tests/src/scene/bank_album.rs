//! The scenes of the bank's page: signing in, becoming a payer, what is shown then, and what is changed.
//!
//! Its accessibility is examined by its own tests: it has neither pseudo-locale nor workbench.

use crate::album::{Tour, Walk};
use crate::bank_page::{PAYMENT_PASSWORD, PageAddress, SIGN_IN_PASSWORD, code_saying, give_access};
use crate::code::Telephones;
use crate::remote::RemoteWallet;
use crate::system::{System, Wishes, free_port};

const PHONE: &str = "+12025550143";
const OTHER_PHONE: &str = "+12025550199";

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let folder = tempfile::tempdir().expect("a folder for codes");
    let (telephones, mut bank) = Telephones::new(folder.path().join("codes")).await;
    let page = PageAddress::new();
    bank.extend(page.wishes());
    let system = System::start(Wishes { bank, ..Wishes::default() }).await;
    let number = give_access(&system, "ann-0001", PHONE, &["visa-0050", "mastercard-0011"]).await;
    let reader = format!("simulated:127.0.0.1:{}", free_port());
    let wallet = RemoteWallet::start(&system, "wallet", &reader).await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open_at(&page.url(), "sign-in").await;
    sign_in(&walk, &telephones, &number).await;
    set_up(&walk, &telephones).await;
    look_after(&walk, &telephones).await;
    walk.end().await;
}

async fn sign_in(walk: &Walk<'_>, telephones: &Telephones, number: &str) {
    walk.stop("bank.sign-in").await;
    type_into(walk, "access", "4839201175").await;
    type_into(walk, "password", "not the password").await;
    walk.act_until("sign-in", "[data-problem]").await;
    walk.stop("bank.sign-in-refused").await;
    walk.go("activate", "activate").await;
    walk.stop("bank.activate").await;
    let code = code_saying(walk.system, telephones, PHONE, "activates", 0).await;
    type_into(walk, "access", number).await;
    type_into(walk, "activation", &code).await;
    type_into(walk, "new-password", SIGN_IN_PASSWORD).await;
    walk.go("activate", "sign-in-code").await;
    walk.stop("bank.sign-in-code").await;
    let code = code_saying(walk.system, telephones, PHONE, "signs you in", 0).await;
    type_into(walk, "code", &code).await;
    walk.go("sign-in-code", "home").await;
    walk.stop("bank.home-unbound").await;
}

async fn set_up(walk: &Walk<'_>, telephones: &Telephones) {
    walk.go("open", "open").await;
    walk.stop("bank.open").await;
    type_into(walk, "phone", PHONE).await;
    type_into(walk, "payment-password", PAYMENT_PASSWORD).await;
    walk.go("go-on", "codes").await;
    walk.stop("bank.codes-register").await;
    let code = code_saying(walk.system, telephones, PHONE, "registers", 0).await;
    type_into(walk, "code", &code).await;
    walk.go("confirm", "done").await;
    walk.stop("bank.done").await;
    walk.go("home", "home").await;
    walk.go("add-terminal", "add-terminal").await;
    walk.stop("bank.add-terminal").await;
    type_into(walk, "terminal", OTHER_PHONE).await;
    walk.go("go-on", "codes").await;
    walk.stop("bank.codes").await;
    let code = code_saying(walk.system, telephones, PHONE, "payment codes go to", 0).await;
    type_into(walk, "code", &code).await;
    walk.act_until("confirm", "[data-purpose=\"register\"]").await;
    let code = code_saying(walk.system, telephones, OTHER_PHONE, "registers", 0).await;
    type_into(walk, "code", &code).await;
    walk.go("confirm", "done").await;
    walk.go("home", "home").await;
    walk.stop("bank.home").await;
}

async fn look_after(walk: &Walk<'_>, telephones: &Telephones) {
    for (action, screen) in [
        ("remove-terminal", "remove-terminal"),
        ("add-account", "add-account"),
        ("new-password", "password"),
        ("end", "end"),
    ] {
        walk.go(action, screen).await;
        walk.stop(&format!("bank.{screen}")).await;
        walk.go("back", "home").await;
    }
    walk.go("limits", "limits").await;
    walk.stop("bank.limits").await;
    walk.go("go-on", "codes").await;
    let code = code_saying(walk.system, telephones, PHONE, "USD 50.00 at once", 0).await;
    type_into(walk, "code", if code == "000000" { "000001" } else { "000000" }).await;
    walk.act_until("confirm", "[data-problem=\"wrong_code\"]").await;
    walk.stop("bank.codes-wrong").await;
    walk.go("back", "home").await;
}

/// Empties a field, and types into it.
async fn type_into(walk: &Walk<'_>, id: &str, text: &str) {
    let field = walk.browser.wait_for(&format!("#{id}")).await;
    field.clear().await.expect("a field can be emptied");
    field.send_keys(text).await.expect("a field takes text");
}
