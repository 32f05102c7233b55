//! A gateway of paper, where none is set up: a message is a JSON file in a folder.

use std::path::Path;

use crate::clock::now_ms;

/// Writes a message. A reader of the folder never sees half a file; the files' names begin with the time.
///
/// # Errors
/// When the folder cannot be written.
pub async fn write(folder: &Path, id: &str, to: &str, text: &str) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let name = format!("{}-{id}", now_ms());
    let part = folder.join(format!(".{name}.part"));
    tokio::fs::write(&part, serde_json::json!({ "id": id, "to": to, "text": text }).to_string()).await?;
    tokio::fs::rename(part, folder.join(format!("{name}.json"))).await
}
