//! What must hold for any bytes that a card, a file or a peer may send: one check for each parser.
//!
//! A check panics when its promise is broken, so the same function serves the fuzzing engine
//! (`cargo xtask fuzz`) and the test that runs the kept inputs on every `cargo test`.

mod backup_lines;
mod card_session;
mod completion;
mod cvm;
mod dol;
mod dsn;
mod hid;
mod icc_data;
mod inner_plaintext;
mod iso8583_message;
mod kept_card;
mod mpm_qr;
mod passphrase_seal;
mod records;
mod replay;
mod session;
mod sms_receipt;
mod tlv;
mod tracks;

/// A parser under test.
pub struct Target {
    /// The name of its corpus folder.
    pub name: &'static str,
    /// Panics when something that must hold for any bytes does not.
    pub check: fn(&[u8]),
}

/// Every parser that reads what others wrote.
pub const TARGETS: &[Target] = &[
    Target { name: "backup_lines", check: backup_lines::check },
    Target { name: "tlv", check: tlv::check },
    Target { name: "dol", check: dol::check },
    Target { name: "records", check: records::check },
    Target { name: "cvm", check: cvm::check },
    Target { name: "tracks", check: tracks::check },
    Target { name: "hid", check: hid::check },
    Target { name: "card_session", check: card_session::check },
    Target { name: "completion", check: completion::check },
    Target { name: "replay", check: replay::check },
    Target { name: "icc_data", check: icc_data::check },
    Target { name: "inner_plaintext", check: inner_plaintext::check },
    Target { name: "iso8583", check: iso8583_message::check },
    Target { name: "kept_card", check: kept_card::check },
    Target { name: "mpm_qr", check: mpm_qr::check },
    Target { name: "passphrase_seal", check: passphrase_seal::check },
    Target { name: "dsn", check: dsn::check },
    Target { name: "sms_receipt", check: sms_receipt::check },
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
