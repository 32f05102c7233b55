//! A voice gateway: keys go to the bank as digits, and what comes back is spoken by espeak-ng.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::hand::{now_ms, random};
use crate::system::{System, free_port, texts};

/// A gateway with a certificate of its own authority.
pub struct VoiceGateway {
    folder: TempDir,
    port: u16,
    identity: String,
}

impl VoiceGateway {
    /// Makes its authority and certificate.
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder for the gateway");
        let authority = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "Voice gateway's authority");
        let certificate = params.self_signed(&authority).expect("a certificate").pem();
        std::fs::write(folder.path().join("ca.pem"), certificate).expect("the folder can be written");
        let issuer = Issuer::new(params, authority);
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["voice-gateway".to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let own = params.signed_by(&key, &issuer).expect("a certificate").pem();
        Self { folder, port: free_port(), identity: [own, key.serialize_pem()].concat() }
    }

    /// What the bank front is started with.
    pub fn wishes(&self) -> Vec<String> {
        let authority = self.folder.path().join("ca.pem");
        let authority = authority.to_str().expect("temporary paths are plain");
        texts(&["--voice-listen", &format!("127.0.0.1:{}", self.port), "--voice-gateway-ca", authority])
    }

    /// Somebody dials.
    pub async fn dial(&self, system: &System, language: &str) -> Conversation {
        let identity = reqwest::Identity::from_pem(self.identity.as_bytes()).expect("an identity");
        let builder = client(system).identity(identity);
        let call = format!("{}-{}", now_ms(), u32::from_be_bytes(random()));
        let url = format!("https://127.0.0.1:{}/v1/calls/{call}", self.port);
        let client = builder.build().expect("a client");
        let mut conversation = Conversation { client, url, turn: 0, told: Value::Null };
        conversation.bring(&json!({ "turn": 0, "language": language })).await;
        conversation
    }

    /// How a client is answered that shows no certificate, or that of the payment server.
    pub async fn is_let_in(&self, system: &System, identity: Option<&str>) -> bool {
        let mut builder = client(system);
        if let Some(name) = identity {
            let read = |end: &str| {
                std::fs::read_to_string(system.folder().join(format!("tls/{name}.{end}"))).expect("it is there")
            };
            let pem = [read("pem"), read("key")].concat();
            builder = builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).expect("an identity"));
        }
        let url = format!("https://127.0.0.1:{}/v1/calls/somebody", self.port);
        builder.build().expect("a client").post(url).json(&json!({ "turn": 0 })).send().await.is_ok()
    }
}

impl Default for VoiceGateway {
    fn default() -> Self {
        Self::new()
    }
}

fn client(system: &System) -> reqwest::ClientBuilder {
    crate::tap::install_crypto();
    let pem = std::fs::read(system.folder().join("tls/ca.pem")).expect("the authority is there");
    let root = reqwest::Certificate::from_pem(&pem).expect("the authority is PEM");
    reqwest::Client::builder().tls_certs_only([root])
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
