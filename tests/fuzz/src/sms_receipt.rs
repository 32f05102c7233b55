//! Receipts of text messages (SMPP 3.4, appendix B): a name that is taken is short, printable and stood in the text.

// The server's own file, built without the server.
#[path = "../../../backend/src/gateway/receipt.rs"]
mod server;

/// The text of a receipt; its first byte serves as a state too.
pub fn check(bytes: &[u8]) {
    if let Some(state) = bytes.first() {
        assert_eq!(server::Stage::of_state(*state).is_some(), (1..=8).contains(state));
    }
    let Some(receipt) = server::parse(bytes) else { return };
    let id = receipt.message_id.as_bytes();
    assert!((1..=64).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic));
    assert!(bytes.windows(id.len()).any(|window| window == id));
    assert_ne!(Some(receipt.stage), server::Stage::of_state(0));
}
