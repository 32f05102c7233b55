//! What pays when no card is read: sealed to the front that decides, in the place and the size of a card.
//!
//! It is the inner seal of `inner` with another plaintext: same key, same additional data, same length, so nobody on the
//! way can tell the two apart. A means is a file here and a line in each `match`.

pub mod alias;
pub mod carrier;
pub mod code;
pub mod voucher;

use crate::capsule::Capsule;
use crate::encoding::{Full, Reader, Writer};
use crate::error::SealError;
use crate::inner::INNER_PLAINTEXT_LEN;
use crate::sealing_key::BankSealingKey;
use crate::secret::wiped_buffer;
use crate::suite::{INNER_LABEL, Sender};

use alias::Alias;
use carrier::Carrier;
use code::Code;
use voucher::Voucher;

/// First byte of the plaintext: a card's begins with 1.
pub(crate) const VERSION: u8 = 2;

/// Which kind of means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MeansKind {
    /// A prepaid voucher.
    Voucher,
    /// A code that comes by another channel.
    Code,
    /// A card that a vault keeps.
    Alias,
    /// A phone bill.
    Carrier,
}

impl MeansKind {
    /// Its code on the wire.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Voucher => 1,
            Self::Code => 2,
            Self::Alias => 3,
            Self::Carrier => 4,
        }
    }

    /// The kind with this code.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        let all = [Self::Voucher, Self::Code, Self::Alias, Self::Carrier];
        all.into_iter().find(|kind| kind.code() == code)
    }
}

/// What pays, when it is no card.
pub enum Means {
    /// A prepaid voucher.
    Voucher(Voucher),
    /// A step of paying by code.
    Code(Code),
    /// A card that a vault releases.
    Alias(Box<Alias>),
    /// A step with a telephone operator.
    Carrier(Carrier),
}

impl Means {
    /// Its kind.
    pub fn kind(&self) -> MeansKind {
        match self {
            Self::Voucher(_) => MeansKind::Voucher,
            Self::Code(_) => MeansKind::Code,
            Self::Alias(_) => MeansKind::Alias,
            Self::Carrier(_) => MeansKind::Carrier,
        }
    }
}

/// Seals a means to the front that decides, for the attempt that `attempt_hash` names.
///
/// # Errors
/// [`SealError`] when the key or the means cannot be used.
pub fn seal(to: &BankSealingKey, attempt_hash: &[u8; 32], means: &Means) -> Result<Capsule, SealError> {
    match means {
        Means::Voucher(voucher) => voucher.check()?,
        Means::Code(code) => code.check()?,
        Means::Alias(alias) => alias.check()?,
        Means::Carrier(carrier) => carrier.check()?,
    }
    let sender = Sender::to(&to.to_bytes(), INNER_LABEL)?;
    let mut plaintext = wiped_buffer(INNER_PLAINTEXT_LEN);
    write(&mut plaintext, means).map_err(|Full| SealError::TooLong("the means"))?;
    Capsule::seal(to, sender, attempt_hash, &plaintext)
}

fn write(plaintext: &mut [u8], means: &Means) -> Result<(), Full> {
    let mut writer = Writer::new(plaintext);
    writer.put(&[VERSION, means.kind().code()])?;
    match means {
        Means::Voucher(voucher) => voucher.write(&mut writer),
        Means::Code(code) => code.write(&mut writer),
        Means::Alias(alias) => alias.write(&mut writer),
        Means::Carrier(carrier) => carrier.write(&mut writer),
    }
}

/// Reads a plaintext of [`VERSION`], if it is one.
pub(crate) fn read(plaintext: &[u8]) -> Option<Means> {
    let mut reader = Reader::new(plaintext);
    if reader.byte()? != VERSION {
        return None;
    }
    let means = match MeansKind::from_code(reader.byte()?)? {
        MeansKind::Voucher => Means::Voucher(Voucher::read(&mut reader)?),
        MeansKind::Code => Means::Code(Code::read(&mut reader)?),
        MeansKind::Alias => Means::Alias(Box::new(Alias::read(&mut reader)?)),
        MeansKind::Carrier => Means::Carrier(Carrier::read(&mut reader)?),
    };
    reader.only_padding()?;
    Some(means)
}

#[cfg(test)]
mod tests;
