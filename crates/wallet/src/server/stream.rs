//! The inbox stream: server-sent events (WHATWG HTML section 9.2), read line by line with bounds.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use protocol::wallet_api::InboxEvent;

use super::{Call, Server, lost_or_not_reached, read_bounded, refusal};
use crate::changes::Reach;
use crate::error::{Result, WalletError};

/// How long the stream may be silent: three of the server's keep-alive comments.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// The longest event, in bytes: a sealed order of the largest size.
const EVENT_BYTES_MAX: usize = 256 * 1024;

/// Events of this device's inbox, as they happen.
pub struct InboxStream {
    chunks: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    unread: Vec<u8>,
}

impl Server {
    /// `GET /v1/inbox/stream`: what comes after the inbox entry `after`.
    pub async fn inbox_stream(&self, after: u64) -> Result<InboxStream> {
        let call = Call::get(format!("/v1/inbox/stream?after={after}"));
        let connecting = self.request(&call)?.header("last-event-id", after.to_string()).send();
        let response = tokio::time::timeout(call.wait, connecting).await.map_err(|_| WalletError::Lost)?;
        let response = response.map_err(lost_or_not_reached)?;
        if !response.status().is_success() {
            let status = response.status();
            return Err(refusal(status, &read_bounded(response).await?));
        }
        self.changes.reached(Reach::Online);
        let chunks = response.bytes_stream().map(|chunk| chunk.map(|bytes| bytes.to_vec())).boxed();
        Ok(InboxStream { chunks, unread: Vec::new() })
    }
}

impl InboxStream {
    /// The next event; an error when the stream ended, was silent too long, or cannot be read.
    pub async fn next(&mut self) -> Result<InboxEvent> {
        loop {
            while let Some(block) = self.take_block() {
                if let Some(event) = parse_event(&block) {
                    return Ok(event);
                }
            }
            if self.unread.len() > EVENT_BYTES_MAX {
                return Err(WalletError::Lost);
            }
            let chunk = tokio::time::timeout(SILENCE_MAX, self.chunks.next()).await;
            match chunk {
                Ok(Some(Ok(chunk))) => self.unread.extend(chunk.into_iter().filter(|byte| *byte != b'\r')),
                Ok(Some(Err(_)) | None) | Err(_) => return Err(WalletError::Lost),
            }
        }
    }

    /// The lines up to the next empty one.
    fn take_block(&mut self) -> Option<String> {
        let end = self.unread.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = self.unread.drain(..end + 2).collect();
        Some(String::from_utf8_lossy(&block).into_owned())
    }
}

/// The event in a block; comments and events of other names are none. The name may stand in the data or in
/// the block's `event:` line.
fn parse_event(block: &str) -> Option<InboxEvent> {
    let mut name = None;
    let mut data = String::new();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = Some(value.to_owned()),
            "data" => {
                if !data.is_empty() {
                    data.push('\n');
                }
                data.push_str(value);
            }
            _ => {}
        }
    }
    let mut json: serde_json::Value = serde_json::from_str(&data).ok()?;
    let members = json.as_object_mut()?;
    if let Some(name) = name {
        members.entry("event").or_insert(name.into());
    }
    serde_json::from_value(json).ok()
}

#[cfg(test)]
mod tests {
    use payment::{RequestId, RequestState};

    use super::*;

    fn stream(chunks: &[&str]) -> InboxStream {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(chunk.as_bytes().to_vec())).collect();
        InboxStream { chunks: futures::stream::iter(chunks).boxed(), unread: Vec::new() }
    }

    const STATE: &str = r#""request_id":"00000000-0000-0000-0000-000000000000","status":"seen","server_time_ms":5"#;

    #[tokio::test]
    async fn events_are_found_whatever_the_chunks() {
        let text = format!(
            ": hello\n\nevent: state\r\nid: 7\r\ndata: {{{STATE}}}\r\n\r\ndata: {{\"event\":\"state\",{STATE}}}\n\n"
        );
        let bytes: Vec<String> = text.chars().map(String::from).collect();
        let pieces: Vec<&str> = bytes.iter().map(String::as_str).collect();
        let mut stream = stream(&pieces);
        for _ in 0..2 {
            let InboxEvent::State(view) = stream.next().await.unwrap() else { panic!("a state") };
            assert_eq!(view.request_id, RequestId::from_bytes([0; 16]));
            assert_eq!(view.state, RequestState::Seen);
        }
        assert!(stream.next().await.is_err(), "the stream ended");
    }

    #[tokio::test]
    async fn foreign_events_are_passed_over_and_endless_ones_end_the_stream() {
        let mut other = stream(&["event: weather\ndata: {\"rain\":true}\n\n"]);
        assert!(other.next().await.is_err());
        let long = "x".repeat(EVENT_BYTES_MAX + 1);
        let mut endless = stream(&[&long, &long]);
        assert!(endless.next().await.is_err());
    }
}
