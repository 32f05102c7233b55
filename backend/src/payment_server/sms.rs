//! Text messages: where they go.

use std::path::{Path, PathBuf};

use super::Error;
use super::outbox::Verdict;
use crate::clock::now_ms;

/// Where text messages go.
pub(super) enum SmsGateway {
    /// Into a folder, a JSON file a message.
    Files(PathBuf),
}

impl SmsGateway {
    /// Into a folder, which is made.
    pub(super) fn files(folder: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self::Files(folder))
    }

    /// Hands a message over.
    pub(super) async fn send(&self, id: &str, to: &str, text: &str) -> Verdict {
        match self {
            Self::Files(folder) => match write_file(folder, id, to, text).await {
                Ok(()) => Verdict::Taken { gateway: "files".to_owned() },
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
