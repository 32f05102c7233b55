//! Issuer scripts: commands the bank sends to the card, each with a MAC under a key of its own (Book 2 section 9;
//! Book 3 sections 6.5 and 10.10).

use zeroize::Zeroizing;

use crate::issuer::keys::{CardMasterKey, IssuerMasterKey, SessionKey};
use crate::issuer::version::{CryptogramVersion, Padding};
use crate::issuer::{IssuerError, Verified, des3};
use crate::tag::Tag;
use crate::tlv;

/// Longest script an answer may carry, in bytes: a terminal takes 128 of templates 71 and 72 together
/// (Book 4 section 12.2.4).
pub const SCRIPT_BYTES_MAX: usize = 128;

/// Bytes of a MAC in a script command.
const MAC_BYTES: usize = 8;

/// Issuer script template 1.
const TEMPLATE_1: Tag = Tag(0x71);
/// Issuer script template 2.
const TEMPLATE_2: Tag = Tag(0x72);
/// Issuer script identifier.
const SCRIPT_IDENTIFIER: Tag = Tag(0x9F18);
/// Issuer script command.
const SCRIPT_COMMAND: Tag = Tag(0x86);

/// When a script is performed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScriptTiming {
    /// Before the second GENERATE AC, template 71.
    BeforeFinal,
    /// After it, template 72.
    AfterFinal,
}

/// A command to the card (Book 3 section 6.5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptCommand {
    /// APPLICATION BLOCK.
    ApplicationBlock,
    /// APPLICATION UNBLOCK.
    ApplicationUnblock,
    /// CARD BLOCK.
    CardBlock,
    /// PIN CHANGE/UNBLOCK without a new PIN: gives the tries back.
    PinUnblock,
    /// PUT DATA of a value in clear.
    PutData {
        /// What is set; two bytes.
        tag: u16,
        /// To what.
        value: Vec<u8>,
    },
}

/// How a command is bound to the payment it comes with, beyond its own bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScriptBinding {
    /// Counter and cryptogram stand between header and data when the MAC is made.
    CounterAndCryptogram {
        /// 9F36.
        atc: u16,
        /// 9F26.
        arqc: [u8; 8],
    },
    /// The session key alone, which is made of the cryptogram.
    KeyOnly,
}

/// How command data is enciphered (Book 2 section 9.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandData {
    /// A length byte in front, always padded, each block by itself.
    Visa,
    /// Padded only when it does not fill its blocks, chained.
    MChip,
    /// Always padded, chained.
    CommonCore,
}

impl ScriptCommand {
    /// CLA, INS, P1, P2, and the data field without its MAC.
    fn parts(&self) -> ([u8; 4], &[u8]) {
        match self {
            Self::ApplicationBlock => ([0x84, 0x1E, 0x00, 0x00], &[]),
            Self::ApplicationUnblock => ([0x84, 0x18, 0x00, 0x00], &[]),
            Self::CardBlock => ([0x84, 0x16, 0x00, 0x00], &[]),
            Self::PinUnblock => ([0x84, 0x24, 0x00, 0x00], &[]),
            Self::PutData { tag, value } => {
                let [p1, p2] = tag.to_be_bytes();
                ([0x04, 0xDA, p1, p2], value)
            }
        }
    }
}

impl CryptogramVersion {
    /// How this version binds a script to its payment.
    pub fn script_binding(self, arqc: [u8; 8], atc: u16) -> ScriptBinding {
        match self {
            Self::Interac133 => ScriptBinding::KeyOnly,
            _ => ScriptBinding::CounterAndCryptogram { atc, arqc },
        }
    }

    /// How this version enciphers command data.
    pub fn command_data(self) -> CommandData {
        match self {
            Self::Visa10 | Self::Visa17 | Self::Visa18 | Self::Visa34 => CommandData::Visa,
            Self::UnionPay01 | Self::CommonCore5 => CommandData::CommonCore,
            _ => CommandData::MChip,
        }
    }

    /// The key of the `number`th command of an answer's scripts (from 0): M/Chip and the common core count the cryptogram up so
    /// that no two commands share a key.
    fn script_command_key(self, card: &CardMasterKey, arqc: [u8; 8], atc: u16, number: u8) -> SessionKey {
        let counted = u64::from_be_bytes(arqc).wrapping_add(u64::from(number)).to_be_bytes();
        self.script_session_key(card, if self.counts_commands() { counted } else { arqc }, atc)
    }

    fn counts_commands(self) -> bool {
        self.is_m_chip() || matches!(self, Self::Interac133 | Self::CommonCore5)
    }

    /// The MAC of the `number`th command of an answer's scripts (from 0). `header` is CLA, INS, P1, P2 and Lc, MAC included.
    pub fn script_mac(
        self,
        card: &CardMasterKey,
        payment: (u16, [u8; 8]),
        number: u8,
        header: [u8; 5],
        data: &[u8],
    ) -> [u8; 8] {
        let (atc, arqc) = payment;
        let key = self.script_command_key(card, arqc, atc, number);
        key.script_mac(header, self.script_binding(arqc, atc), data)
    }
}

impl SessionKey {
    /// The MAC of a script command (Book 2 section 9.2.3).
    pub fn script_mac(&self, header: [u8; 5], binding: ScriptBinding, data: &[u8]) -> [u8; 8] {
        let mut input = header.to_vec();
        if let ScriptBinding::CounterAndCryptogram { atc, arqc } = binding {
            input.extend_from_slice(&atc.to_be_bytes());
            input.extend_from_slice(&arqc);
        }
        input.extend_from_slice(data);
        self.mac(&input, Padding::Method2)
    }
}

/// One script for a card.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// When it is performed.
    pub timing: ScriptTiming,
    /// What the terminal names it by when it reports.
    pub identifier: [u8; 4],
    /// Its commands.
    pub commands: Vec<ScriptCommand>,
}

/// Scripts for the card that sent a verified ARQC: templates 71 and 72 with their commands, each with its MAC, in the
/// order they are performed in. `script_key` is the issuer's master key for script MACs.
///
/// # Errors
/// [`IssuerError::Script`] when a script has no command or all are longer than [`SCRIPT_BYTES_MAX`], and
/// [`IssuerError::CardNumber`].
pub fn scripts(
    verified: &Verified,
    script_key: &IssuerMasterKey,
    (pan_digits, psn): (&str, Option<u8>),
    scripts: &[Script],
) -> Result<Vec<u8>, IssuerError> {
    let version = verified.version;
    let card = version.card_key(script_key, pan_digits, psn.unwrap_or(0))?;
    let mut number = 0_u8;
    let mut out = Vec::new();
    for (timing, template) in [(ScriptTiming::BeforeFinal, TEMPLATE_1), (ScriptTiming::AfterFinal, TEMPLATE_2)] {
        for script in scripts.iter().filter(|script| script.timing == timing) {
            let mut content = Vec::new();
            tlv::write(&mut content, SCRIPT_IDENTIFIER, &script.identifier);
            for command in &script.commands {
                let ([cla, ins, p1, p2], data) = command.parts();
                let lc = u8::try_from(data.len() + MAC_BYTES).map_err(|_| IssuerError::Script)?;
                let header = [cla, ins, p1, p2, lc];
                let mac = version.script_mac(&card, (verified.atc, verified.arqc()), number, header, data);
                tlv::write(&mut content, SCRIPT_COMMAND, &[&header[..], data, &mac].concat());
                number = number.checked_add(1).ok_or(IssuerError::Script)?;
            }
            tlv::write(&mut out, template, &content);
            if script.commands.is_empty() || out.len() > SCRIPT_BYTES_MAX {
                return Err(IssuerError::Script);
            }
        }
    }
    Ok(out)
}

/// Enciphers command data under a session key for confidentiality (Book 2 section 9.3).
///
/// # Errors
/// [`IssuerError::Script`] when it is longer than a command carries.
pub fn encipher_command_data(key: &SessionKey, data: &[u8], how: CommandData) -> Result<Vec<u8>, IssuerError> {
    let length = u8::try_from(data.len()).map_err(|_| IssuerError::Script)?;
    let mut padded = Zeroizing::new(Vec::with_capacity(data.len() + 16));
    if how == CommandData::Visa {
        padded.push(length);
    }
    padded.extend_from_slice(data);
    if how != CommandData::MChip || !data.len().is_multiple_of(8) {
        padded.push(0x80);
        let whole = padded.len().next_multiple_of(8);
        padded.resize(whole, 0x00);
    }
    let (blocks, _) = padded.as_chunks::<8>();
    Ok(match how {
        CommandData::Visa => blocks.iter().flat_map(|block| des3::encrypt(key.expose(), *block)).collect(),
        CommandData::MChip | CommandData::CommonCore => des3::encrypt_chained(key.expose(), &padded),
    })
}

/// PIN block format 2 (ISO 9564-1), in which M/Chip and others send a new PIN.
///
/// # Errors
/// [`IssuerError::Script`] when the PIN is not 4 to 12 digits.
pub fn script_pin_block(pin_digits: &str) -> Result<Zeroizing<[u8; 8]>, IssuerError> {
    pin_field(pin_digits, 0x20)
}

/// Visa's PIN block: the new PIN, masked by the card's key for cryptograms, and by the current PIN when it is known.
///
/// # Errors
/// [`IssuerError::Script`] when a PIN is not 4 to 12 digits.
pub fn visa_script_pin_block(
    card: &CardMasterKey,
    pin_digits: &str,
    current_digits: Option<&str>,
) -> Result<Zeroizing<[u8; 8]>, IssuerError> {
    let mut block = pin_field(pin_digits, 0x00)?;
    for (byte, key) in block[4..].iter_mut().zip(&card.expose()[4..8]) {
        *byte ^= key;
    }
    if let Some(digits) = current_digits {
        let mut current = packed_digits(digits, 0x0)?;
        current.rotate_left(1);
        for (byte, other) in block.iter_mut().zip(current.iter()) {
            *byte ^= other;
        }
    }
    Ok(block)
}

/// Length byte with its control nibble, digits, F.
fn pin_field(digits: &str, control: u8) -> Result<Zeroizing<[u8; 8]>, IssuerError> {
    let mut field = packed_digits(digits, 0xF)?;
    field[0] = control | u8::try_from(digits.len()).map_err(|_| IssuerError::Script)?;
    Ok(field)
}

/// Digits packed into bytes 1 to 7, filled on the right; byte 0 is zero.
fn packed_digits(digits: &str, filler: u8) -> Result<Zeroizing<[u8; 8]>, IssuerError> {
    if !(4..=12).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(IssuerError::Script);
    }
    let mut packed = Zeroizing::new([(filler << 4) | filler; 8]);
    packed[0] = 0;
    for (index, digit) in digits.bytes().map(|digit| digit - b'0').enumerate() {
        let byte = &mut packed[1 + index / 2];
        *byte = if index % 2 == 0 { (digit << 4) | (*byte & 0x0F) } else { (*byte & 0xF0) | digit };
    }
    Ok(packed)
}
