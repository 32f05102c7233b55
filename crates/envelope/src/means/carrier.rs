//! Paying on the phone bill: number, name and PIN of a subscriber, and its own signature.
//!
//! Three capsules. The first two enrol a wallet and are sealed for a hash of their own ([`enrolment_hash`]): there is no
//! order they could pay. The third pays, with the signature of the key that was enrolled: whoever learns number, name and
//! PIN can do nothing without it.

use sha2::{Digest, Sha256};

use crate::encoding::{Full, Reader, Writer};
use crate::error::SealError;
use crate::secret::SecretBytes;
use crate::signing_key::SIGNATURE_LEN;
use crate::subscriber::{SERIAL_LEN, SubscriberSignature};

/// Longest telephone number, in characters: `+` and fifteen digits (ITU-T E.164).
const NUMBER_LEN_MAX: usize = 16;
/// Longest name, in bytes.
pub const NAME_LEN_MAX: usize = 128;
/// Fewest and most digits of a PIN.
pub const PIN_LEN: std::ops::RangeInclusive<usize> = 4..=8;
/// Digits of the code that proves whose number it is.
pub const ENROLMENT_CODE_LEN: usize = 6;
/// Length of a subscriber's public key, in bytes.
const KEY_LEN: usize = 32;

const ASK: u8 = 1;
const ENROL: u8 = 2;
const PAY: u8 = 3;
/// What the hash of an enrolment begins with.
const ENROLMENT_LABEL: &[u8] = b"tapseal/1 carrier enrolment";

/// What an enrolment's capsule is sealed for.
#[must_use]
pub fn enrolment_hash(operator: &str, enrolment_id: &[u8; 16], nonce: &[u8; 32]) -> [u8; 32] {
    Sha256::new_with_prefix(ENROLMENT_LABEL)
        .chain_update(enrolment_id)
        .chain_update(nonce)
        .chain_update(operator)
        .finalize()
        .into()
}

/// Who is on the line, as it says itself.
pub struct SubscriberClaim {
    /// The telephone number, in international form.
    pub number: String,
    /// The name the operator knows.
    pub name: String,
    /// The PIN for payments.
    pub pin: SecretBytes,
}

/// One step with an operator. Secrets have no `Debug`; so neither has this.
pub enum Carrier {
    /// Asks the operator to send the code that enrols a wallet.
    Ask(SubscriberClaim),
    /// Enrols a wallet's key.
    Enrol(CarrierEnrolment),
    /// Pays.
    Pay(CarrierPayment),
}

/// A wallet's key, to be certified.
pub struct CarrierEnrolment {
    /// Who enrols.
    pub who: SubscriberClaim,
    /// The code that came to the number.
    pub code: SecretBytes,
    /// The public key: Ed25519.
    pub key: [u8; KEY_LEN],
    /// By that key, over the enrolment's hash: it is held by whoever enrols.
    pub signature: SubscriberSignature,
}

/// A payment on the bill.
pub struct CarrierPayment {
    /// Who pays.
    pub who: SubscriberClaim,
    /// Which certificate the signature is under.
    pub serial: [u8; SERIAL_LEN],
    /// By the enrolled key, over what is paid.
    pub signature: SubscriberSignature,
}

impl SubscriberClaim {
    fn check(&self) -> Result<(), SealError> {
        let digits = self.number.strip_prefix('+').unwrap_or_default();
        if !is_digits(digits.as_bytes(), &(1..=NUMBER_LEN_MAX - 1)) {
            return Err(SealError::Malformed("the telephone number"));
        }
        if self.name.is_empty() || self.name.len() > NAME_LEN_MAX {
            return Err(SealError::Malformed("the name"));
        }
        if !is_digits(self.pin.expose(), &PIN_LEN) {
            return Err(SealError::Malformed("the PIN"));
        }
        Ok(())
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.put_short(self.number.as_bytes(), NUMBER_LEN_MAX)?;
        writer.put_short(self.name.as_bytes(), NAME_LEN_MAX)?;
        writer.put_short(self.pin.expose(), *PIN_LEN.end())
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (number, name) = (reader.text(NUMBER_LEN_MAX)?, reader.text(NAME_LEN_MAX)?);
        Some(Self { number, name, pin: SecretBytes::copy_of(reader.short(*PIN_LEN.end())?) })
    }
}

impl Carrier {
    /// Who it is, as it says itself.
    pub fn who(&self) -> &SubscriberClaim {
        match self {
            Self::Ask(who) => who,
            Self::Enrol(enrolment) => &enrolment.who,
            Self::Pay(payment) => &payment.who,
        }
    }

    pub(super) fn check(&self) -> Result<(), SealError> {
        self.who().check()?;
        match self {
            Self::Enrol(enrolment) => {
                let len = ENROLMENT_CODE_LEN..=ENROLMENT_CODE_LEN;
                let fits = is_digits(enrolment.code.expose(), &len);
                if fits { Ok(()) } else { Err(SealError::Malformed("the code")) }
            }
            Self::Ask(_) | Self::Pay(_) => Ok(()),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.put(&[match self {
            Self::Ask(_) => ASK,
            Self::Enrol(_) => ENROL,
            Self::Pay(_) => PAY,
        }])?;
        self.who().write(writer)?;
        match self {
            Self::Ask(_) => Ok(()),
            Self::Enrol(enrolment) => {
                writer.put(enrolment.code.expose())?;
                writer.put(&enrolment.key)?;
                writer.put(&enrolment.signature.to_bytes())
            }
            Self::Pay(payment) => {
                writer.put(&payment.serial)?;
                writer.put(&payment.signature.to_bytes())
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let step = reader.byte()?;
        let who = SubscriberClaim::read(reader)?;
        let signature = |reader: &mut Reader<'_>| reader.array::<SIGNATURE_LEN>().map(SubscriberSignature::from_bytes);
        let carrier = match step {
            ASK => Self::Ask(who),
            ENROL => {
                let code = SecretBytes::copy_of(reader.take(ENROLMENT_CODE_LEN)?);
                let key = reader.array()?;
                Self::Enrol(CarrierEnrolment { who, code, key, signature: signature(reader)? })
            }
            PAY => Self::Pay(CarrierPayment { who, serial: reader.array()?, signature: signature(reader)? }),
            _ => return None,
        };
        carrier.check().ok()?;
        Some(carrier)
    }
}

/// Whether it is so many ASCII digits.
fn is_digits(bytes: &[u8], len: &std::ops::RangeInclusive<usize>) -> bool {
    len.contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit)
}
