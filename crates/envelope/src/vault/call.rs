//! One call to a vault: whose alias, that it is its owner, and what shall be done.

use crate::encoding::{Full, Reader, Writer};
use crate::error::SealError;
use crate::kept_card::KeptCard;
use crate::means::code::PASSWORD_LEN_MAX;
use crate::secret::{SecretArray, SecretBytes};
use crate::vault::{FACTOR_CODE_LEN, LABEL_LEN_MAX, NAME_LEN_MAX};

/// First byte of the plaintext.
const VERSION: u8 = 1;
/// Length of a second factor's secret, in bytes: that of its hash (RFC 4226, section 4, R6).
const FACTOR_SECRET_LEN: usize = 32;

const ENROL: u8 = 1;
const SHOW: u8 = 2;
const RELEASE: u8 = 3;
const ADD_CARD: u8 = 4;
const REMOVE_CARD: u8 = 5;
const REMOVE_ALIAS: u8 = 6;
const SET_PASSWORD: u8 = 7;
const SET_FACTOR: u8 = 8;
const SET_LIMIT: u8 = 9;

/// What a second factor's codes are made of (RFC 6238). The wallet draws it, shows it once and forgets it.
pub struct FactorSecret(SecretArray<FACTOR_SECRET_LEN>);

impl FactorSecret {
    /// Draws one.
    #[must_use]
    pub fn draw() -> Self {
        Self(SecretArray::random())
    }

    /// The secret with these bytes; the caller wipes its own copy. None when they are too few or too many.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(SecretArray::copy_of(bytes.try_into().ok()?)))
    }

    /// The same secret, for the call that hands it over.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(SecretArray::copy_of(self.0.expose()))
    }

    /// Its bytes, for the one place that uses them.
    pub fn expose(&self) -> &[u8; FACTOR_SECRET_LEN] {
        self.0.expose()
    }
}

/// A card to be kept.
pub struct NewCard {
    /// Where it is kept: what its cryptogram was made for.
    pub entry_id: [u8; 16],
    /// What its owner calls it; may be empty.
    pub label: String,
    /// The most one payment may take, in minor units of `limit_currency`; zero for no bound but the bank's.
    pub limit_minor: u64,
    /// ISO 4217, three letters.
    pub limit_currency: [u8; 3],
    /// The card.
    pub card: KeptCard,
}

/// A card that shall be released for an attempt. The vault learns no more of the order than its hash and amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseWish {
    /// Which card, by its number; zero for the first.
    pub place: u8,
    /// What the attempt's hash is made of.
    pub order_hash: [u8; 32],
    /// The attempt.
    pub attempt_id: [u8; 16],
    /// The wallet's random part.
    pub wallet_nonce: [u8; 32],
    /// The order's amount, in minor units of `currency`. The bank compares it with the order.
    pub amount_minor: u64,
    /// ISO 4217, three letters.
    pub currency: [u8; 3],
}

/// What shall be done.
pub enum Deed {
    /// Opens an alias with its first card. Password and code of the call are those it has from then on.
    Enrol {
        /// What its second factor's codes are made of.
        factor: FactorSecret,
        /// The card.
        card: Box<NewCard>,
    },
    /// Shows what is stored.
    Show,
    /// Releases a card to its bank.
    Release(ReleaseWish),
    /// Keeps one more card.
    AddCard(Box<NewCard>),
    /// Forgets a card.
    RemoveCard {
        /// Which, by its number.
        place: u8,
    },
    /// Sets another limit for a card.
    SetLimit {
        /// Which, by its number.
        place: u8,
        /// The most one payment may take, in minor units of `currency`; zero for no bound but the bank's.
        limit_minor: u64,
        /// ISO 4217, three letters.
        currency: [u8; 3],
    },
    /// Forgets the alias and every card.
    RemoveAlias,
    /// Sets another password.
    SetPassword(SecretBytes),
    /// Sets another second factor, which is shown to be set up by one of its codes.
    SetFactor {
        /// What its codes are made of.
        factor: FactorSecret,
        /// One of them.
        code: SecretBytes,
    },
}

/// One call. Secrets have no `Debug`; so neither has this.
pub struct Call {
    /// Whose alias.
    pub name: String,
    /// The password.
    pub password: SecretBytes,
    /// The second factor's code: eight digits.
    pub code: SecretBytes,
    /// What shall be done.
    pub deed: Deed,
}

impl Call {
    pub(super) fn check(&self) -> Result<(), SealError> {
        if self.name.is_empty() || self.name.len() > NAME_LEN_MAX {
            return Err(SealError::Malformed("the alias"));
        }
        check_password(&self.password)?;
        check_code(&self.code)?;
        match &self.deed {
            Deed::Enrol { card, .. } | Deed::AddCard(card) => card.check(),
            Deed::Release(wish) => check_currency(wish.currency),
            Deed::SetLimit { currency, .. } => check_currency(*currency),
            Deed::SetPassword(password) => check_password(password),
            Deed::SetFactor { code, .. } => check_code(code),
            Deed::Show | Deed::RemoveCard { .. } | Deed::RemoveAlias => Ok(()),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.put(&[VERSION])?;
        writer.put_long(self.name.as_bytes(), NAME_LEN_MAX)?;
        writer.put_long(self.password.expose(), PASSWORD_LEN_MAX)?;
        writer.put(self.code.expose())?;
        match &self.deed {
            Deed::Enrol { factor, card } => {
                writer.put(&[ENROL])?;
                writer.put(factor.expose())?;
                card.write(writer)
            }
            Deed::Show => writer.put(&[SHOW]),
            Deed::Release(wish) => {
                writer.put(&[RELEASE, wish.place])?;
                writer.put(&wish.order_hash)?;
                writer.put(&wish.attempt_id)?;
                writer.put(&wish.wallet_nonce)?;
                writer.put(&wish.amount_minor.to_be_bytes())?;
                writer.put(&wish.currency)
            }
            Deed::AddCard(card) => {
                writer.put(&[ADD_CARD])?;
                card.write(writer)
            }
            Deed::RemoveCard { place } => writer.put(&[REMOVE_CARD, *place]),
            Deed::SetLimit { place, limit_minor, currency } => {
                writer.put(&[SET_LIMIT, *place])?;
                writer.put(&limit_minor.to_be_bytes())?;
                writer.put(currency)
            }
            Deed::RemoveAlias => writer.put(&[REMOVE_ALIAS]),
            Deed::SetPassword(password) => {
                writer.put(&[SET_PASSWORD])?;
                writer.put_long(password.expose(), PASSWORD_LEN_MAX)
            }
            Deed::SetFactor { factor, code } => {
                writer.put(&[SET_FACTOR])?;
                writer.put(factor.expose())?;
                writer.put(code.expose())
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.byte()? != VERSION {
            return None;
        }
        let name = std::str::from_utf8(reader.long(NAME_LEN_MAX)?).ok()?.to_owned();
        let password = SecretBytes::copy_of(reader.long(PASSWORD_LEN_MAX)?);
        let code = read_code(reader)?;
        let deed = match reader.byte()? {
            ENROL => Deed::Enrol { factor: read_factor(reader)?, card: Box::new(NewCard::read(reader)?) },
            SHOW => Deed::Show,
            RELEASE => Deed::Release(ReleaseWish {
                place: reader.byte()?,
                order_hash: reader.array()?,
                attempt_id: reader.array()?,
                wallet_nonce: reader.array()?,
                amount_minor: u64::from_be_bytes(reader.array()?),
                currency: reader.array()?,
            }),
            ADD_CARD => Deed::AddCard(Box::new(NewCard::read(reader)?)),
            REMOVE_CARD => Deed::RemoveCard { place: reader.byte()? },
            SET_LIMIT => Deed::SetLimit {
                place: reader.byte()?,
                limit_minor: u64::from_be_bytes(reader.array()?),
                currency: reader.array()?,
            },
            REMOVE_ALIAS => Deed::RemoveAlias,
            SET_PASSWORD => Deed::SetPassword(SecretBytes::copy_of(reader.long(PASSWORD_LEN_MAX)?)),
            SET_FACTOR => Deed::SetFactor { factor: read_factor(reader)?, code: read_code(reader)? },
            _ => return None,
        };
        let call = Self { name, password, code, deed };
        call.check().ok()?;
        Some(call)
    }
}

impl NewCard {
    fn check(&self) -> Result<(), SealError> {
        if self.label.len() > LABEL_LEN_MAX {
            return Err(SealError::TooLong("the card's label"));
        }
        check_currency(self.limit_currency)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.put(&self.entry_id)?;
        writer.put_long(self.label.as_bytes(), LABEL_LEN_MAX)?;
        writer.put(&self.limit_minor.to_be_bytes())?;
        writer.put(&self.limit_currency)?;
        self.card.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            entry_id: reader.array()?,
            label: std::str::from_utf8(reader.long(LABEL_LEN_MAX)?).ok()?.to_owned(),
            limit_minor: u64::from_be_bytes(reader.array()?),
            limit_currency: reader.array()?,
            card: KeptCard::read(reader)?,
        })
    }
}

fn read_factor(reader: &mut Reader<'_>) -> Option<FactorSecret> {
    FactorSecret::from_bytes(reader.take(FACTOR_SECRET_LEN)?)
}

fn read_code(reader: &mut Reader<'_>) -> Option<SecretBytes> {
    Some(SecretBytes::copy_of(reader.take(FACTOR_CODE_LEN)?))
}

fn check_password(password: &SecretBytes) -> Result<(), SealError> {
    if password.is_empty() || password.len() > PASSWORD_LEN_MAX {
        return Err(SealError::Malformed("the password"));
    }
    Ok(())
}

fn check_code(code: &SecretBytes) -> Result<(), SealError> {
    if code.len() != FACTOR_CODE_LEN || !code.expose().iter().all(u8::is_ascii_digit) {
        return Err(SealError::Malformed("the second factor's code"));
    }
    Ok(())
}

fn check_currency(currency: [u8; 3]) -> Result<(), SealError> {
    if currency.iter().all(u8::is_ascii_uppercase) { Ok(()) } else { Err(SealError::Malformed("the currency")) }
}
