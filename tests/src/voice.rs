//! A voice gateway: keys go to the bank as digits, and what comes back is spoken by espeak-ng.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::authority::{Authority, client_showing, deployments_client};
use crate::hand::{now_ms, random};
use crate::system::{System, free_port, texts};

/// A gateway with a certificate of its own authority.
pub struct VoiceGateway {
    authority: Authority,
    port: u16,
}

impl VoiceGateway {
    /// Makes its authority and certificate.
    pub fn new() -> Self {
        Self { authority: Authority::of("voice-gateway"), port: free_port() }
    }

    /// What the bank front is started with.
    pub fn wishes(&self) -> Vec<String> {
        let authority = self.authority.certificate();
        let authority = authority.to_str().expect("temporary paths are plain");
        texts(&["--voice-listen", &format!("127.0.0.1:{}", self.port), "--voice-gateway-ca", authority])
    }

    /// Somebody dials.
    pub async fn dial(&self, system: &System, language: &str) -> Conversation {
        let client = self.authority.client(system);
        let call = format!("{}-{}", now_ms(), u32::from_be_bytes(random()));
        let url = format!("https://127.0.0.1:{}/v1/calls/{call}", self.port);
        let mut conversation = Conversation { client, url, turn: 0, told: Value::Null };
        conversation.bring(&json!({ "turn": 0, "language": language })).await;
        conversation
    }

    /// How a client is answered that shows no certificate, or that of the payment server.
    pub async fn is_let_in(&self, system: &System, identity: Option<&str>) -> bool {
        let client = match identity {
            Some(name) => deployments_client(system, name),
            None => client_showing(system, None),
        };
        let url = format!("https://127.0.0.1:{}/v1/calls/somebody", self.port);
        client.post(url).json(&json!({ "turn": 0 })).send().await.is_ok()
    }
}

impl Default for VoiceGateway {
    fn default() -> Self {
        Self::new()
    }
}

/// A call that is going on.
pub struct Conversation {
    client: reqwest::Client,
    url: String,
    turn: u64,
    told: Value,
}

impl Conversation {
    /// Keys digits; what is spoken then.
    pub async fn key(&mut self, digits: &str) -> String {
        let turn = json!({ "turn": self.turn, "digits": digits });
        self.bring(&turn).await
    }

    /// Brings the turn before once more, as if its answer had been lost.
    pub async fn key_again(&mut self, digits: &str) -> String {
        let turn = json!({ "turn": self.turn - 1, "digits": digits });
        self.bring(&turn).await
    }

    async fn bring(&mut self, turn: &Value) -> String {
        let answer = self.client.post(&self.url).json(turn).send().await.expect("the bank answers");
        assert_eq!(answer.status(), StatusCode::OK, "{turn}");
        self.told = answer.json().await.expect("an answer is JSON");
        self.turn = self.told["turn"].as_u64().expect("a turn has a number");
        self.spoken()
    }

    /// What was spoken last.
    pub fn spoken(&self) -> String {
        self.told["speak"].as_str().expect("something is spoken").to_owned()
    }

    /// How many digits are waited for; none when the call is over.
    pub fn digits(&self) -> Option<u64> {
        self.told["digits"]["max"].as_u64()
    }

    /// The caller hangs up.
    pub async fn hang_up(self) {
        let answer = self.client.delete(&self.url).send().await.expect("the bank answers");
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    /// What was spoken last, as a voice speaks it: a WAV file's samples.
    pub async fn rendered(&self, folder: &Path) -> Vec<u8> {
        let voice = if self.told["language"] == "zh-Hans" { "cmn" } else { "en" };
        let file = folder.join("spoken.wav");
        let mut speaking = Command::new("espeak-ng");
        let speaking = speaking.args(["-v", voice, "-w"]).arg(&file).arg(self.spoken()).status().await;
        assert!(speaking.expect("espeak-ng is installed").success(), "{}", self.spoken());
        let wav = std::fs::read(&file).expect("a WAV file");
        assert!(wav.starts_with(b"RIFF") && wav[8..12] == *b"WAVE", "a WAV file has its header");
        wav[44..].to_vec()
    }
}
