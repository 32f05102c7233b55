//! Serving: where the bank listens, and for whom.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use iso8583::Spec;
use iso8583::frame::Framing;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bank_front::channel::{self, ChannelOptions};
use crate::bank_front::error::BankError;
use crate::bank_front::gateways::{self, GatewayOptions, Gateways};
use crate::bank_front::hsm::KeyFolder;
use crate::bank_front::link::{Port, Wire};
use crate::bank_front::online::{self, OnlineOptions};
use crate::bank_front::telephone::{self, VoiceOptions};
use crate::bank_front::{BankFront, hold_expiry, link};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{BankId, DataFolder};

/// How to serve.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// The data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// Which bank of the folder.
    #[arg(long, default_value = "first")]
    pub bank: BankId,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8583")]
    pub listen: String,
    /// Misbehave from the start: a script's file (*.toml) or one of the words of docs/bank-scenarios.md, such as silent
    /// or slow:MS; none is the default.
    #[arg(long)]
    pub scenario: Option<String>,
    /// The file with the passphrase of the bank's key file; hsm-passphrase in the bank's folder when absent.
    #[arg(long, env = "TAPSEAL_HSM_PASSPHRASE_FILE")]
    pub hsm_passphrase_file: Option<PathBuf>,
    /// Where codes and notices to payers go.
    #[command(flatten)]
    pub gateways: GatewayOptions,
    /// A port for ordinary ISO 8583 clients.
    #[command(flatten)]
    pub plain: PlainOptions,
    /// A port for a voice gateway.
    #[command(flatten)]
    pub voice: VoiceOptions,
    /// A port for the bank's own channels.
    #[command(flatten)]
    pub channels: ChannelOptions,
    /// The bank's page.
    #[command(flatten)]
    pub online: OnlineOptions,
}

/// The plain port: card data in clear, without TLS. For tests; `docs/bank-front.md` is its manual.
#[derive(Debug, Args)]
pub struct PlainOptions {
    /// Where to listen for ordinary ISO 8583 clients, such as 127.0.0.1:8584; nowhere when absent.
    #[arg(long, value_name = "ADDR")]
    pub plain_listen: Option<SocketAddr>,
    /// How their digits and bytes are written.
    #[arg(long, value_enum, default_value_t = PlainEncoding::Ascii)]
    pub plain_encoding: PlainEncoding,
    /// How the length in front of each message is written: two bytes big-endian, two that count themselves, four bytes
    /// big-endian, or four ASCII digits.
    #[arg(long, default_value = "binary2", value_parser = framing)]
    pub plain_framing: Framing,
    /// Listen on an address that other machines reach, although card data travels in clear.
    #[arg(long)]
    pub plain_anywhere: bool,
}

/// How digits and bytes are written on the plain port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlainEncoding {
    /// Digits as ASCII, bytes and bitmaps as they are.
    Ascii,
    /// Everything printable: bytes and bitmaps in hexadecimal.
    AsciiHex,
    /// Two digits a byte, but for currency codes; bytes and bitmaps as they are.
    Bcd,
}

impl PlainOptions {
    fn wire(&self) -> Wire {
        let spec = match self.plain_encoding {
            PlainEncoding::Ascii => Spec::ASCII,
            PlainEncoding::AsciiHex => Spec::ASCII_HEX,
            PlainEncoding::Bcd => Spec::BCD_CURRENCY_CHARACTERS,
        };
        Wire { spec, framing: self.plain_framing }
    }

    /// The listener, if there shall be one.
    async fn listen(&self) -> Result<Option<TcpListener>, BankError> {
        let Some(addr) = self.plain_listen else { return Ok(None) };
        if !addr.ip().is_loopback() && !self.plain_anywhere {
            return Err(BankError::PlainExposed(addr));
        }
        let socket = |source| BankError::File { what: addr.to_string(), source };
        TcpListener::bind(addr).await.map(Some).map_err(socket)
    }
}

fn framing(name: &str) -> Result<Framing, String> {
    let known = Framing::ALL.into_iter().find(|framing| framing.as_str() == name);
    known.ok_or_else(|| format!("one of {}", Framing::ALL.map(Framing::as_str).join(", ")))
}

/// Serves until `stop` is cancelled. Prints one line of JSON with the address when ready.
pub async fn serve(
    options: &ServeOptions,
    tls: Arc<rustls::ServerConfig>,
    stop: CancellationToken,
) -> Result<(), BankError> {
    let home = DataFolder::new(&options.data).bank_home(&options.bank);
    let keys = KeyFolder::from(home.dir()).with_passphrase_file(options.hsm_passphrase_file.as_deref());
    let (to_payers, sms_session) = Gateways::new(&options.gateways, home.dir())?;
    let front = BankFront::open_with(&home, keys, to_payers, Arc::new(|| signed_ms(now_ms()))).await?;
    // A scenario of an earlier run does not outlive it.
    front.scenario().set(options.scenario.as_deref().unwrap_or("none"))?;
    let socket = |source| BankError::File { what: options.listen.clone(), source };
    let listener = TcpListener::bind(&options.listen).await.map_err(socket)?;
    let addr = listener.local_addr().map_err(socket)?;
    let plain = options.plain.listen().await?;
    let voice = options.voice.bind(home.tls_identity())?;
    let channels = options.channels.bind(home.tls_identity())?;
    let page = options.online.bind(home.tls_identity())?;
    let plain_addr = plain.as_ref().map(TcpListener::local_addr).transpose().map_err(socket)?;
    let mut ready =
        serde_json::json!({ "ready": "bank-front", "bank": options.bank.as_str(), "addr": addr.to_string() });
    if let Some(addr) = plain_addr {
        tracing::warn!(%addr, "card data is taken in clear on the plain port");
        ready["plain_addr"] = addr.to_string().into();
    }
    if let Some(port) = &voice {
        ready["voice_addr"] = port.addr().map_err(socket)?.to_string().into();
    }
    if let Some(port) = &channels {
        ready["channel_addr"] = port.addr().map_err(socket)?.to_string().into();
    }
    if let Some(port) = &page {
        ready["page_addr"] = port.addr().map_err(socket)?.to_string().into();
    }
    println!("{ready}");
    let serve_page = async {
        if let Some(port) = page {
            online::serve(port, Arc::clone(&front), stop.clone()).await;
        }
    };
    let serve_channels = async {
        if let Some(port) = channels {
            channel::serve(port, Arc::clone(&front), stop.clone()).await;
        }
    };
    let serve_voice = async {
        if let Some(port) = voice {
            telephone::serve(port, Arc::clone(&front), stop.clone()).await;
        }
    };
    let serve_plain = async {
        if let Some(listener) = plain {
            link::serve(listener, Port::Plain(options.plain.wire()), Arc::clone(&front), stop.clone()).await;
        }
    };
    tokio::join!(
        link::serve(listener, Port::sealed(tls), Arc::clone(&front), stop.clone()),
        serve_plain,
        serve_voice,
        serve_channels,
        serve_page,
        hold_expiry::watch(Arc::clone(&front), stop.clone()),
        gateways::run(Arc::clone(&front), sms_session, stop.clone()),
    );
    Ok(())
}
