//! Pictures of what belongs to the payer: payment numbers, the report sheet, identifiers and blocked senders.

use e2e::system::Ask;

use super::Series;

impl Series<'_> {
    /// A number is made, seen and taken back.
    pub(super) async fn make_a_number(&self) {
        self.browser.act("done").await;
        self.browser.wait_for_screen("inbox").await;
        self.browser.act("numbers").await;
        self.browser.wait_for_screen("numbers").await;
        let field = self.browser.wait_for("[data-field=\"number-max\"]").await;
        field.send_keys("25.00").await.expect("the field takes an amount");
        self.picture("numbers-new").await;
        self.browser.act("make-number").await;
        self.browser.wait_for("[data-part=\"digits\"]").await;
        self.picture("numbers").await;
        self.browser.act("revoke-number").await;
        self.browser.wait_for("[data-status=\"open\"], #numbers-earlier").await;
        self.browser.act("back").await;
        self.browser.wait_for_screen("inbox").await;
    }

    /// A request is reported: its sender is blocked, and can be unblocked in the settings.
    pub(super) async fn report_a_request(&self, number: u32) {
        let created = self.system.ask(&Ask { order: format!("A-{number}09"), ..Ask::default() }).await;
        self.browser.open_link(created["link"].as_str().expect("a new request has a link")).await;
        self.browser.wait_for_screen("request").await;
        self.browser.act("report").await;
        self.picture("report").await;
        self.browser.act("confirm-report").await;
        self.browser.wait_for_screen("inbox").await;
        self.browser.act("settings").await;
        self.browser.act("settings.senders").await;
        self.browser.wait_for("[data-action=\"unblock\"]").await;
        self.picture("settings.senders").await;
        self.browser.act("unblock").await;
        self.browser.act("inbox").await;
        self.browser.wait_for_screen("inbox").await;
    }
}
