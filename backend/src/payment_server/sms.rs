//! Text messages: where they go (an SMPP centre, an HTTP gateway, or JSON files).

use std::path::{Path, PathBuf};

use url::Url;

use super::outbox::{self, Report};
use super::{App, Error};
use crate::clock::now_ms;
use crate::gateway::receipt::{Receipt, Stage};
use crate::gateway::smpp::{self, SmppGateway, SmppSession, StoreError};
use crate::gateway::{self, Verdict};

pub(super) mod http;

use http::HttpGateway;

/// Where text messages go.
pub(super) enum SmsGateway {
    /// To a short message centre.
    Smpp(SmppGateway),
    /// To a gateway that speaks HTTP.
    Http(HttpGateway),
    /// Into a folder, a JSON file a message.
    Files(PathBuf),
}

impl SmsGateway {
    /// The gateway at this address, and the session that has to run for it, if any.
    pub(super) fn new(url: &str, ca: Option<&[u8]>) -> Result<(Self, Option<SmppSession>), Error> {
        let url = Url::parse(url).map_err(|_| sms_error("a gateway's address is malformed"))?;
        match url.scheme() {
            "smpp" => {
                let (gateway, session) = smpp::open(&url).map_err(sms_error)?;
                Ok((Self::Smpp(gateway), Some(session)))
            }
            "https" | "http" => Ok((Self::Http(HttpGateway::new(url, ca)?), None)),
            _ => Err(sms_error("a gateway is smpp://, https:// or http://")),
        }
    }

    /// Into a folder, which is made.
    pub(super) fn files(folder: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self::Files(folder))
    }

    /// Hands a message over. The same id is the same message.
    pub(super) async fn send(&self, id: &str, to: &str, text: &str) -> Verdict {
        match self {
            Self::Smpp(centre) => centre.send(id, to, text).await,
            Self::Http(gateway) => gateway.send(id, to, text).await,
            Self::Files(folder) => match write_file(folder, id, to, text).await {
                Ok(()) => Verdict::taken("files"),
                Err(error) => {
                    tracing::error!(%error, "a text message could not be written");
                    Verdict::Later("gateway_unreachable")
                }
            },
        }
    }
}

/// A reader of the folder never sees half a file; the files' names begin with the time.
async fn write_file(folder: &Path, id: &str, to: &str, text: &str) -> std::io::Result<()> {
    let name = format!("{}-{id}", now_ms());
    let part = folder.join(format!(".{name}.part"));
    tokio::fs::write(&part, serde_json::json!({ "id": id, "to": to, "text": text }).to_string()).await?;
    tokio::fs::rename(part, folder.join(format!("{name}.json"))).await
}

fn sms_error(error: impl std::fmt::Display) -> Error {
    Error::Sms(error.to_string())
}

/// A user or password of an address.
fn decoded(text: &str) -> Result<String, Error> {
    gateway::decoded(text).map_err(sms_error)
}

/// Keeps a session with a centre; what it tells later is stored in the outbox.
pub(super) async fn run(session: SmppSession, app: App) {
    let shutdown = app.shutdown.clone();
    session.run(shutdown, move |centre, receipt| store_receipt(app.clone(), centre, receipt)).await;
}

async fn store_receipt(app: App, centre: String, receipt: Receipt) -> Result<(), StoreError> {
    let report = match receipt.stage {
        Stage::UnderWay => return Ok(()),
        Stage::Delivered => Report::Delivered,
        Stage::Expired => Report::FailedHere("expired"),
        Stage::Undeliverable => Report::FailedHere("unreachable"),
        Stage::Rejected => Report::FailedHere("rejected"),
    };
    Ok(outbox::report_part(&app, &centre, receipt.message_id, report).await?)
}
