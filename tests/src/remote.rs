//! A wallet in another process, used through its commands as the window uses it.

use std::time::{Duration, Instant};

use protocol::Problem;
use protocol::ipc::lock::Introduced;
use protocol::ipc::{
    CheckoutStage, CheckoutStart, CheckoutView, ClaimConfirm, ClaimStart, Command, OpenLink, PinLayout, PinPad,
    PinPress, PinSubmit, Watch,
};
use serde_json::Value;

use crate::process::Running;
use crate::system::{System, texts};

/// How long a checkout may take to reach a stage.
const STAGE_WAIT: Duration = Duration::from_secs(40);

/// The process and how to reach it.
pub struct RemoteWallet {
    /// The process.
    pub process: Running,
    client: reqwest::Client,
}

impl RemoteWallet {
    /// A new wallet with a folder under the system's, at this reader.
    pub async fn start(system: &System, name: &str, reader: &str) -> Self {
        Self::start_at(system, name, &[reader]).await
    }

    /// The same at several readers.
    pub async fn start_at(system: &System, name: &str, readers: &[&str]) -> Self {
        let wallet = Self::start_new(system, name, readers).await;
        wallet.call(&Introduced {}).await.expect("a wallet that is no new one any more");
        wallet
    }

    /// The same as it is the first time: it introduces itself.
    pub async fn start_new(system: &System, name: &str, readers: &[&str]) -> Self {
        let home = system.folder().join(name);
        let plain = |path: &std::path::Path| path.to_str().expect("paths here are plain").to_owned();
        let bundle = crate::browser::project_root().join("ui/dist");
        let mut arguments = texts(&["--home", &plain(&home), "--trust", &plain(&system.trust())]);
        arguments.extend(texts(&["--bundle", &plain(&bundle)]));
        for reader in readers {
            arguments.extend(texts(&["--reader", reader]));
        }
        crate::tap::install_crypto();
        let process = Running::start("wallet_bridge", &arguments, &system.log(name)).await;
        Self { process, client: reqwest::Client::new() }
    }

    /// The address of its screens.
    pub fn url(&self) -> String {
        format!("http://{}", self.process.address())
    }

    /// Hands the wallet a link from outside, as the system does when a person taps one.
    pub async fn tap_link(&self, link: &str) {
        let answer = self.client.post(format!("{}/outside", self.url())).body(link.to_owned()).send().await;
        assert!(answer.is_ok_and(|answer| answer.status().is_success()), "the link opens");
    }

    /// Claims an e-mail address with the code that is sent there.
    pub async fn claim(&self, system: &System, address: &str) {
        let identifier = address.to_owned();
        // Another device may have claimed it before.
        let known = system.claim_codes(address).len();
        self.call(&ClaimStart { identifier: identifier.clone() }).await.expect("a claim starts");
        let code = system.claim_code_after(address, known).await;
        self.call(&ClaimConfirm { identifier, code }).await.expect("the code is right");
    }

    /// Calls a command.
    pub async fn call<C: Command>(&self, command: &C) -> Result<C::Answer, Problem> {
        let url = format!("{}/ipc/{}", self.url(), C::NAME);
        let answer = self.client.post(url).json(command).send().await.expect("the wallet answers");
        let succeeded = answer.status().is_success();
        let value: Value = answer.json().await.expect("the wallet answers in JSON");
        if succeeded {
            Ok(serde_json::from_value(value).expect("the answer of this command"))
        } else {
            Err(serde_json::from_value(value).expect("a problem"))
        }
    }

    /// Waits until the checkout is at a stage that `reached` accepts.
    pub async fn wait_for_stage(&self, reached: impl Fn(&CheckoutStage) -> bool) -> CheckoutView {
        let started = Instant::now();
        let mut after = 0;
        loop {
            let seen = self.call(&Watch { after }).await.expect("watching does not fail");
            if let Some(checkout) = seen.checkout.clone().filter(|checkout| reached(&checkout.progress)) {
                return checkout;
            }
            assert!(started.elapsed() < STAGE_WAIT, "the checkout stands at {seen:?}");
            after = seen.seq;
        }
    }

    /// Opens a link and pays it, pressing the keys of a scrambled pad's positions for `pin` in its usual order.
    pub async fn pay(&self, link: &str, pin: &str) -> CheckoutView {
        let request = self.call(&OpenLink { link: link.to_owned() }).await.expect("the link opens");
        let start = CheckoutStart { request_id: request.request_id, reader: None };
        self.call(&start).await.expect("the checkout starts");
        self.enter_pin(pin).await
    }

    /// Waits until the PIN is asked for, enters it, and waits for the end.
    pub async fn enter_pin(&self, pin: &str) -> CheckoutView {
        self.wait_for_stage(|stage| matches!(stage, CheckoutStage::Pin { .. })).await;
        let pad = self.call(&PinPad { layout: PinLayout::Standard }).await.expect("a pad");
        for digit in pin.chars() {
            let key = pad.keys.iter().find(|key| key.label.as_deref() == Some(&digit.to_string()));
            let position = key.expect("the pad has every digit").position;
            self.call(&PinPress { position }).await.expect("a key can be pressed");
        }
        self.call(&PinSubmit {}).await.expect("the PIN is complete");
        let ended = |stage: &CheckoutStage| {
            matches!(stage, CheckoutStage::Paid { .. } | CheckoutStage::Refused { .. } | CheckoutStage::Unknown { .. })
        };
        self.wait_for_stage(ended).await
    }
}
