//! The inner seal: card data and PIN block, from the payer's device to the bank and to nobody between.
//!
//! The plaintext is of fixed size, so its length tells nothing: neither how long the PIN is, nor whether there is one.
//! The PIN sits in it only as a format 4 block under a key from the HPKE exporter: even the opened plaintext holds no
//! PIN digit beside the PAN. `attempt_hash` is the additional data, so a capsule opens for one attempt at one order
//! only.
//!
//! A phone that is the card verifies its owner itself, and then no PIN is asked for. The capsule says so with a code
//! of its own and zeros where the block would be; a bank that does not know the code refuses the capsule whole, so the
//! version stays. The capsule only claims it: the bank believes the card's own cryptogram.

use zeroize::Zeroizing;

use crate::capsule::Capsule;
use crate::encoding::{Full, Reader, Writer};
use crate::error::{OpenError, PinBlockError, SealError};
use crate::means::{self, Means};
use crate::pan::{PAN_LEN_MAX, Pan};
use crate::pin::Pin;
use crate::pin_block::{self, EncipheredPinBlock, PIN_BLOCK_LEN, PinKey};
use crate::sealing_key::{BankSealingKey, BankSealingKeySecret};
use crate::secret::{SecretArray, SecretBytes, wiped_buffer};
use crate::suite::{INNER_LABEL, PIN_EXPORT_LABEL, Sender};

pub mod large_voucher;

/// Length of the plaintext, in bytes, padding included.
pub const INNER_PLAINTEXT_LEN: usize = 1024;
/// Longest Track 2, in bytes: 19 as the binary equivalent (EMV book 3, tag 57), 37 as characters (ISO/IEC 7813).
pub const TRACK2_LEN_MAX: usize = 40;
/// Longest application identifier, in bytes (ISO/IEC 7816-4).
pub const AID_LEN_MAX: usize = 16;
/// Longest ICC data, in bytes: twice what DE 55 carries in ISO 8583:1987.
pub const ICC_DATA_LEN_MAX: usize = 512;

/// First byte of the plaintext.
const VERSION: u8 = 1;
/// The PSN byte of a card without one: card sequence numbers have two decimal digits.
pub(crate) const NO_PSN: u8 = 0xFF;
/// Where [`PinKind`] has its code: no PIN, because the device has verified its owner.
const VERIFIED_BY_DEVICE: u8 = 3;
/// What stands in the place of the PIN block then.
const NO_PIN_BLOCK: [u8; PIN_BLOCK_LEN] = [0; PIN_BLOCK_LEN];
/// Highest card sequence number (ISO 8583 DE 23 holds three digits, EMV tag 5F34 two).
pub(crate) const PSN_MAX: u8 = 99;

/// How the card was read, as ISO 8583 DE 22 says it; the third digit says that a PIN can be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryMode {
    /// 051: contact chip.
    ContactChip,
    /// 071: contactless chip.
    ContactlessChip,
    /// 091: contactless with magnetic stripe data.
    ContactlessMagStripe,
    /// 021: magnetic stripe.
    MagStripe,
}

impl EntryMode {
    /// The three digits of DE 22.
    pub fn de22(self) -> &'static str {
        match self {
            Self::ContactChip => "051",
            Self::ContactlessChip => "071",
            Self::ContactlessMagStripe => "091",
            Self::MagStripe => "021",
        }
    }

    /// The mode that three digits of DE 22 stand for.
    pub fn from_de22(digits: &str) -> Option<Self> {
        [Self::ContactChip, Self::ContactlessChip, Self::ContactlessMagStripe, Self::MagStripe]
            .into_iter()
            .find(|mode| mode.de22() == digits)
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::ContactChip => 5,
            Self::ContactlessChip => 7,
            Self::ContactlessMagStripe => 9,
            Self::MagStripe => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            5 => Some(Self::ContactChip),
            7 => Some(Self::ContactlessChip),
            9 => Some(Self::ContactlessMagStripe),
            2 => Some(Self::MagStripe),
            _ => None,
        }
    }
}

/// Which PIN was entered. A card PIN may not be entered on a phone outside tests (ISO 9564-4); real
/// deployments use a payment PIN that the bank issues for this purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinKind {
    /// The card's own PIN: test cards and the simulator.
    CardPin,
    /// The PIN issued for payments from a device.
    PaymentPin,
}

impl PinKind {
    fn code(self) -> u8 {
        match self {
            Self::CardPin => 1,
            Self::PaymentPin => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::CardPin),
            2 => Some(Self::PaymentPin),
            _ => None,
        }
    }
}

/// What was read from the card.
pub struct CardData {
    /// The card number.
    pub pan: Pan,
    /// Track 2 as read, or its binary equivalent (EMV tag 57).
    pub track2: Option<SecretBytes>,
    /// Expiry as four ASCII digits, year then month (EMV tag 5F24 without the day).
    pub expiry_yymm: [u8; 4],
    /// Card sequence number, 0 to 99 (EMV tag 5F34).
    pub psn: Option<u8>,
    /// The application that was selected (EMV tag 4F or 84).
    pub aid: Vec<u8>,
    /// How the card was read.
    pub entry_mode: EntryMode,
    /// BER-TLV of the tags that DE 55 carries.
    pub icc_data: Zeroizing<Vec<u8>>,
}

/// An opened inner seal.
pub struct Opened {
    /// What was read from the card.
    pub card: CardData,
    /// How the payer is said to be the cardholder.
    pub verification: Verification,
}

/// What an inner seal holds.
pub enum Content {
    /// A card, and how its holder is known.
    Card(Box<Opened>),
    /// What pays in a card's place.
    Means(Means),
    /// A voucher, with the card that a large amount needs beside it.
    LargeVoucher(Box<large_voucher::Opened>),
}

/// How the payer is said to be the cardholder.
pub enum Verification {
    /// A PIN was entered.
    Pin(SealedPin),
    /// No PIN: the phone or watch is said to have verified its owner.
    Device,
}

impl Verification {
    /// The PIN, if one was entered.
    pub fn pin(&self) -> Option<&SealedPin> {
        match self {
            Self::Pin(pin) => Some(pin),
            Self::Device => None,
        }
    }
}

/// A PIN as the capsule holds it.
pub struct SealedPin {
    /// Which PIN was entered.
    pub kind: PinKind,
    /// The PIN, enciphered for this card.
    pub block: EncipheredPinBlock,
    key: PinKey,
}

impl SealedPin {
    /// The PIN, for verification by the bank.
    ///
    /// # Errors
    /// [`PinBlockError`] when the block is not one for this card number.
    pub fn decipher(&self, pan: &Pan) -> Result<Pin, PinBlockError> {
        pin_block::decipher(&self.key, &self.block, pan)
    }
}

/// What stands in the plaintext about the cardholder.
enum Written<'a> {
    Pin(PinKind, &'a EncipheredPinBlock),
    Device,
}

/// Seals card and PIN to the bank for the attempt that `attempt_hash` names.
///
/// # Errors
/// [`SealError`] when the key, the card or the PIN cannot be used.
pub fn seal(
    to: &BankSealingKey,
    attempt_hash: &[u8; 32],
    card: &CardData,
    pin: &Pin,
    kind: PinKind,
) -> Result<Capsule, SealError> {
    check(card)?;
    let sender = Sender::to(&to.to_bytes(), INNER_LABEL)?;
    let pin_key = PinKey::from_secret(sender.export(PIN_EXPORT_LABEL));
    let block = pin_block::encipher(&pin_key, pin, &card.pan).map_err(|_| SealError::Malformed("the PIN"))?;
    seal_written(to, sender, attempt_hash, card, &Written::Pin(kind, &block))
}

/// Seals a card whose device has verified its owner, without a PIN.
///
/// # Errors
/// [`SealError`] when the key or the card cannot be used.
pub fn seal_without_pin(to: &BankSealingKey, attempt_hash: &[u8; 32], card: &CardData) -> Result<Capsule, SealError> {
    check(card)?;
    let sender = Sender::to(&to.to_bytes(), INNER_LABEL)?;
    seal_written(to, sender, attempt_hash, card, &Written::Device)
}

fn seal_written(
    to: &BankSealingKey,
    sender: Sender,
    attempt_hash: &[u8; 32],
    card: &CardData,
    written: &Written<'_>,
) -> Result<Capsule, SealError> {
    let mut plaintext = wiped_buffer(INNER_PLAINTEXT_LEN);
    let mut writer = Writer::new(&mut plaintext);
    let filled = writer.put(&[VERSION]).and_then(|()| write(&mut writer, card, written));
    filled.map_err(|Full| SealError::TooLong("the card data"))?;
    Capsule::seal(to, sender, attempt_hash, &plaintext)
}

/// Opens an inner seal made for this key and this attempt, which holds a card.
///
/// # Errors
/// [`OpenError`].
pub fn open(secret: &BankSealingKeySecret, attempt_hash: &[u8; 32], capsule: &Capsule) -> Result<Opened, OpenError> {
    match open_any(secret, attempt_hash, capsule)? {
        Content::Card(opened) => Ok(*opened),
        Content::Means(_) | Content::LargeVoucher(_) => Err(OpenError::Refused),
    }
}

/// Opens an inner seal made for this key and this attempt, whatever pays.
///
/// # Errors
/// [`OpenError`].
pub fn open_any(
    secret: &BankSealingKeySecret,
    attempt_hash: &[u8; 32],
    capsule: &Capsule,
) -> Result<Content, OpenError> {
    let receiver = capsule.receiver(secret, INNER_LABEL)?;
    let key = PinKey::from_secret(receiver.export(PIN_EXPORT_LABEL));
    let plaintext = receiver.open(attempt_hash, &capsule.ciphertext)?;
    if plaintext.len() != INNER_PLAINTEXT_LEN {
        return Err(OpenError::Refused);
    }
    content(&plaintext, key).ok_or(OpenError::Refused)
}

/// What a plaintext holds, by its first byte; the key is that of the PIN block which may be in it.
fn content(plaintext: &[u8], key: PinKey) -> Option<Content> {
    match *plaintext.first()? {
        VERSION => {
            let mut reader = Reader::new(plaintext);
            reader.byte()?;
            let opened = read(&mut reader, key)?;
            reader.only_padding()?;
            Some(Content::Card(Box::new(opened)))
        }
        means::VERSION => means::read(plaintext).map(Content::Means),
        large_voucher::VERSION => large_voucher::read(plaintext, key).map(Box::new).map(Content::LargeVoucher),
        _ => None,
    }
}

/// Whether a plaintext is one that a capsule may hold, which anybody can seal: for those who try what else is taken.
pub fn is_plaintext(plaintext: &[u8]) -> bool {
    plaintext.len() == INNER_PLAINTEXT_LEN && content(plaintext, PinKey::from_secret(SecretArray::random())).is_some()
}

fn check(card: &CardData) -> Result<(), SealError> {
    if !is_expiry(card.expiry_yymm) {
        return Err(SealError::Malformed("the expiry"));
    }
    if card.psn.is_some_and(|psn| psn > PSN_MAX) {
        return Err(SealError::Malformed("the card sequence number"));
    }
    if card.track2.as_ref().is_some_and(SecretBytes::is_empty) {
        return Err(SealError::Malformed("Track 2"));
    }
    let bounds = [
        (card.track2.as_ref().map_or(0, SecretBytes::len), TRACK2_LEN_MAX, "Track 2"),
        (card.aid.len(), AID_LEN_MAX, "the AID"),
        (card.icc_data.len(), ICC_DATA_LEN_MAX, "the ICC data"),
    ];
    match bounds.into_iter().find(|(len, len_max, _)| len > len_max) {
        Some((_, _, field)) => Err(SealError::TooLong(field)),
        None => Ok(()),
    }
}

pub(crate) fn is_expiry(yymm: [u8; 4]) -> bool {
    yymm.iter().all(u8::is_ascii_digit) && (1..=12).contains(&((yymm[2] - b'0') * 10 + (yymm[3] - b'0')))
}

/// Writes a card and what is said of its holder, as they stand after a version.
fn write(writer: &mut Writer<'_>, card: &CardData, written: &Written<'_>) -> Result<(), Full> {
    let (code, block) = match written {
        Written::Pin(kind, block) => (kind.code(), block.to_bytes()),
        Written::Device => (VERIFIED_BY_DEVICE, NO_PIN_BLOCK),
    };
    writer.put(&[card.entry_mode.code(), code, card.psn.unwrap_or(NO_PSN)])?;
    writer.put(&card.expiry_yymm)?;
    writer.put_short(card.pan.expose_ascii(), PAN_LEN_MAX)?;
    let track2 = card.track2.as_ref().map_or(&[][..], SecretBytes::expose);
    writer.put_short(track2, TRACK2_LEN_MAX)?;
    writer.put_short(&card.aid, AID_LEN_MAX)?;
    writer.put_long(&card.icc_data, ICC_DATA_LEN_MAX)?;
    writer.put(&block)
}

/// Reads what [`write`] wrote.
fn read(reader: &mut Reader<'_>, key: PinKey) -> Option<Opened> {
    let entry_mode = EntryMode::from_code(reader.byte()?)?;
    let code = reader.byte()?;
    let psn = match reader.byte()? {
        NO_PSN => None,
        psn if psn <= PSN_MAX => Some(psn),
        _ => return None,
    };
    let expiry_yymm = reader.array()?;
    if !is_expiry(expiry_yymm) {
        return None;
    }
    let pan = Pan::from_ascii(reader.short(PAN_LEN_MAX)?).ok()?;
    let track2 = reader.short(TRACK2_LEN_MAX)?;
    let aid = reader.short(AID_LEN_MAX)?.to_vec();
    let icc_data = Zeroizing::new(reader.long(ICC_DATA_LEN_MAX)?.to_vec());
    let block = reader.array::<PIN_BLOCK_LEN>()?;
    let verification = match code {
        VERIFIED_BY_DEVICE if block == NO_PIN_BLOCK => Verification::Device,
        VERIFIED_BY_DEVICE => return None,
        code => {
            let block = EncipheredPinBlock::from_bytes(block);
            Verification::Pin(SealedPin { kind: PinKind::from_code(code)?, block, key })
        }
    };
    let card = CardData {
        pan,
        track2: (!track2.is_empty()).then(|| SecretBytes::copy_of(track2)),
        expiry_yymm,
        psn,
        aid,
        entry_mode,
        icc_data,
    };
    Some(Opened { card, verification })
}

#[cfg(test)]
mod tests;
