//! Bounces (RFC 3464): whatever a mail server sends back, reading it ends, and what it is taken for is bounded.

// The server's own file, built without the server.
#[path = "../../../backend/src/payment_server/mail/dsn.rs"]
mod server;

/// A whole mail.
pub fn check(bytes: &[u8]) {
    let Some(dsn) = server::parse(bytes) else { return };
    assert!(bytes.len() <= server::BYTES_MAX);
    assert!([2, 4, 5].contains(&dsn.status.class) && dsn.status.subject <= 999 && dsn.status.detail <= 999);
    assert!(dsn.returned_to.len() <= 16 && dsn.message_ids.len() <= 16);
    assert_eq!(server::parse(bytes), Some(dsn), "the same mail says the same");
}
