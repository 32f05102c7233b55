//! For tests: a bank with an acquirer, and that acquirer's own copy of the keys they share.

use envelope::{Pan, Pin};

use super::pin_block::{self, PinFormat};
use super::{Hsm, SharedKey, ZoneKeyKind, ZoneSetup, add_zone, init, share_key, tdes};
use crate::bank_front::seed;
use crate::bank_front::tests::support::NOW_MS;

/// DE 32.
pub const ACQUIRER: &str = "000042";
const MASTER: tdes::Key = *b"\x13\x13\x13\x13\x13\x13\x13\x13\x26\x26\x26\x26\x26\x26\x26\x26";

/// The base derivation keys of its terminals.
pub const BASE: tdes::Key = *b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10";
pub const BASE_AES: [u8; 32] = [0x35; 32];
/// DE 32 of an acquirer that takes key blocks.
pub const MODERN: &str = "43";

/// Both sides.
pub struct Shared {
    pub folder: tempfile::TempDir,
    pub hsm: Hsm,
    pub pin_key: tdes::Key,
}

impl Shared {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        init(folder.path(), &"first".parse().unwrap(), seed::test_issuers().unwrap(), NOW_MS).unwrap();
        add_zone(folder.path(), &ZoneSetup { acquirer: ACQUIRER, master: &MASTER }).unwrap();
        for (acquirer, key) in [
            (ACQUIRER, SharedKey::Base(&BASE)),
            (ACQUIRER, SharedKey::BaseAes(&BASE_AES)),
            (MODERN, SharedKey::MasterAes(&[0x71; 32])),
        ] {
            share_key(folder.path(), acquirer, &key).unwrap();
        }
        let hsm = Hsm::open(folder.path(), NOW_MS).unwrap();
        let pin_key = received(&hsm, ZoneKeyKind::Pin);
        Self { folder, hsm, pin_key }
    }

    /// A block as the acquirer makes it.
    pub fn block(&self, format: PinFormat, pin: &str, pan: &Pan) -> [u8; 8] {
        pin_block::encipher(&self.pin_key, format, &Pin::from_ascii(pin.as_bytes()).unwrap(), pan).unwrap()
    }
}

/// Gives the bank of a folder the zone master key that it shares with [`ACQUIRER`]; it has it when it starts next.
pub fn share_master(bank_dir: &std::path::Path) {
    add_zone(bank_dir, &ZoneSetup { acquirer: ACQUIRER, master: &MASTER }).unwrap();
}

/// A PIN block of format 0 under a working key.
pub fn block0(key: &tdes::Key, pin: &str, pan: &Pan) -> [u8; 8] {
    pin_block::encipher(key, PinFormat::Iso0, &Pin::from_ascii(pin.as_bytes()).unwrap(), pan).unwrap()
}

/// A working key that came under the zone master key.
pub fn opened(mut key: tdes::Key) -> tdes::Key {
    for half in key.as_chunks_mut::<8>().0 {
        tdes::decipher(&MASTER, half);
    }
    key
}

/// A new working key as the acquirer takes it: deciphered under its zone master key, and checked.
pub fn received(hsm: &Hsm, kind: ZoneKeyKind) -> tdes::Key {
    let sent = hsm.new_zone_key(ACQUIRER, kind).unwrap();
    let mut key: tdes::Key = sent.cryptogram.try_into().unwrap();
    for half in key.as_chunks_mut::<8>().0 {
        tdes::decipher(&MASTER, half);
    }
    assert_eq!(tdes::kcv(&key), sent.kcv);
    key
}
