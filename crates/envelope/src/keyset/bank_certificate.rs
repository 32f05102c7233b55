//! A bank's own certificate: its sealing epochs, its outcome keys and the card ranges it answers for.

use serde::{Deserialize, Serialize};

use super::{
    BankTrust, Dated, KEYSET_KEYS_MAX, check_period, check_time, check_unique, check_version, is_display_name,
    is_identifier, newest,
};
use crate::error::KeysetError;
use crate::jws::{self, TYP_BANK_CERTIFICATE};
use crate::sealing_key::BankSealingKey;
use crate::signing_key::{BankOutcome, BankRoot, SigningKey, VerifyingKey};

/// Longest life of a bank's sealing key, in milliseconds: what a stolen one opens is at most a day's capsules.
pub const BANK_EPOCH_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// Most card ranges of one bank.
const IIN_RANGES_MAX: usize = 1_000;
/// Issuer prefixes are compared at this many digits.
const IIN_LEN_MAX: usize = 8;
/// Fewest digits of an issuer prefix.
const IIN_LEN_MIN: usize = 6;

/// Issuer prefixes from `from` to `to`, both included, of six to eight digits and equal length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IinRange {
    /// First prefix.
    pub from: String,
    /// Last prefix.
    pub to: String,
}

impl IinRange {
    /// Whether every card with the prefix `iin` falls into this range.
    pub fn covers(&self, iin: &str) -> bool {
        is_iin(iin) && padded(&self.from, '0') <= padded(iin, '0') && padded(iin, '9') <= padded(&self.to, '9')
    }

    /// Whether a card could fall into both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        padded(&self.from, '0') <= padded(&other.to, '9') && padded(&other.from, '0') <= padded(&self.to, '9')
    }

    fn validate(&self) -> Result<(), KeysetError> {
        let well_formed =
            is_iin(&self.from) && is_iin(&self.to) && self.from.len() == self.to.len() && self.from <= self.to;
        if well_formed { Ok(()) } else { Err(KeysetError::Malformed("a card range")) }
    }
}

fn is_iin(text: &str) -> bool {
    (IIN_LEN_MIN..=IIN_LEN_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Eight digits, so that text order is number order.
fn padded(iin: &str, digit: char) -> String {
    let missing = IIN_LEN_MAX.saturating_sub(iin.len());
    iin.chars().chain(std::iter::repeat_n(digit, missing)).collect()
}

/// Which of several banks answers for the cards with one prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<'a> {
    /// No bank answers for all of them.
    Nobody,
    /// This bank does, and no other claims any of them.
    One(&'a BankCertificate),
    /// Two banks at least claim some of them: nobody may guess between the two.
    Several(&'a BankCertificate, &'a BankCertificate),
}

impl<'a> Claim<'a> {
    /// Who claims the cards with the prefix `iin` (six to eight digits).
    pub fn to(iin: &str, certificates: impl IntoIterator<Item = &'a BankCertificate>) -> Self {
        let prefix = IinRange { from: iin.to_owned(), to: iin.to_owned() };
        let claims = |bank: &&BankCertificate| bank.iin_ranges.iter().any(|range| range.overlaps(&prefix));
        let mut claimants = certificates.into_iter().filter(claims);
        match (claimants.next(), claimants.next()) {
            (Some(one), Some(other)) => Self::Several(one, other),
            (Some(bank), None) if bank.covers(iin) => Self::One(bank),
            (Some(_) | None, _) => Self::Nobody,
        }
    }
}

/// What stands behind a front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrontKind {
    /// A bank: the one kind there was before certificates said it.
    #[default]
    Bank,
    /// A telephone operator, which puts payments on its subscribers' bills.
    Operator,
}

impl FrontKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    const fn is_bank(&self) -> bool {
        matches!(self, Self::Bank)
    }
}

/// What a bank's root certifies, or a telephone operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankCertificate {
    /// The bank.
    pub bank_id: String,
    /// Its name, for the payer.
    pub bank_name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "FrontKind::is_bank")]
    pub kind: FrontKind,
    /// Counts up; a wallet never goes back below what it accepted.
    pub version: u64,
    /// When it was issued.
    pub issued_ms: i64,
    /// When it stops being acceptable.
    pub expires_ms: i64,
    /// The cards this bank answers for.
    pub iin_ranges: Vec<IinRange>,
    /// Epoch keys that open the inner seal.
    pub sealing_keys: Vec<Dated<BankSealingKey>>,
    /// Keys that sign outcomes.
    pub outcome_keys: Vec<Dated<VerifyingKey<BankOutcome>>>,
}

impl BankCertificate {
    /// Signs the certificate. Nothing is checked here; [`BankCertificate::validate`] says whether anybody
    /// would accept it.
    pub fn sign(&self, root: &SigningKey<BankRoot>) -> String {
        let payload = serde_json::to_vec(self).expect("strings and integers are always JSON");
        jws::sign(root, TYP_BANK_CERTIFICATE, &payload)
    }

    /// The certificate in `jws`, if that bank's pinned root signed it, it is valid now, and it is not older
    /// than `version_floor`, the highest version of this bank accepted so far.
    pub fn verify(jws: &str, roots: &[BankTrust], now_ms: i64, version_floor: u64) -> Result<Self, KeysetError> {
        let certificate = Self::verify_at(jws, roots, now_ms)?;
        check_version(certificate.version, version_floor)?;
        Ok(certificate)
    }

    /// The same for a receipt: validity is judged at a past time, and there is no floor.
    pub fn verify_at(jws: &str, roots: &[BankTrust], at_ms: i64) -> Result<Self, KeysetError> {
        let kid = jws::peek_kid(jws)?;
        let root = roots.iter().find(|root| root.key.kid() == kid).ok_or(KeysetError::UnknownRoot)?;
        let payload = jws::verify(&root.key, TYP_BANK_CERTIFICATE, jws)?;
        let certificate: Self = serde_json::from_slice(&payload).map_err(|_| KeysetError::Malformed("the JSON"))?;
        // One bank's root must not vouch for another bank's keys.
        if certificate.bank_id != root.bank_id {
            return Err(KeysetError::WrongBank);
        }
        certificate.validate()?;
        check_time(certificate.issued_ms, certificate.expires_ms, at_ms)?;
        Ok(certificate)
    }

    /// The rules a certificate keeps whatever the time.
    pub fn validate(&self) -> Result<(), KeysetError> {
        if !is_identifier(&self.bank_id) {
            return Err(KeysetError::Malformed("the bank id"));
        }
        if !is_display_name(&self.bank_name) {
            return Err(KeysetError::Malformed("the bank's name"));
        }
        if self.iin_ranges.len() > IIN_RANGES_MAX {
            return Err(KeysetError::Malformed("the number of card ranges"));
        }
        if self.sealing_keys.len() + self.outcome_keys.len() > KEYSET_KEYS_MAX {
            return Err(KeysetError::Malformed("the number of keys"));
        }
        check_period(self.issued_ms, self.expires_ms)?;
        self.iin_ranges.iter().try_for_each(IinRange::validate)?;
        for epoch in &self.sealing_keys {
            check_period(epoch.not_before_ms, epoch.not_after_ms)?;
            if epoch.not_after_ms - epoch.not_before_ms > BANK_EPOCH_MS_MAX {
                return Err(KeysetError::Malformed("a sealing key of more than 24 hours"));
            }
        }
        for dated in &self.outcome_keys {
            check_period(dated.not_before_ms, dated.not_after_ms)?;
        }
        check_unique(
            (self.sealing_keys.iter().map(|dated| dated.key.kid()))
                .chain(self.outcome_keys.iter().map(|dated| dated.key.kid())),
        )
    }

    /// Whether this bank answers for cards with the prefix `iin` (six to eight digits).
    pub fn covers(&self, iin: &str) -> bool {
        self.iin_ranges.iter().any(|range| range.covers(iin))
    }

    /// The first of this bank's ranges that another bank's certificate claims too.
    pub fn first_overlap(&self, other: &Self) -> Option<&IinRange> {
        self.iin_ranges.iter().find(|range| other.iin_ranges.iter().any(|theirs| range.overlaps(theirs)))
    }

    /// The key to seal to at `now_ms`: of those valid, the one that became valid last.
    pub fn sealing_key_at(&self, now_ms: i64) -> Option<&BankSealingKey> {
        newest(&self.sealing_keys, now_ms, Some)
    }

    /// The outcome key `kid`, if it was valid at `at_ms`.
    pub fn outcome_key(&self, kid: &str, at_ms: i64) -> Option<&VerifyingKey<BankOutcome>> {
        self.outcome_keys.iter().find(|dated| dated.key.kid() == kid && dated.covers(at_ms)).map(|dated| &dated.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str) -> IinRange {
        IinRange { from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn ranges_overlap_when_a_card_could_fall_into_both() {
        for (one, other, overlap) in [
            (range("476134", "476134"), range("476134", "476134"), true),
            (range("476134", "476134"), range("47613477", "47613477"), true),
            (range("47613400", "47613449"), range("47613450", "47613499"), false),
            (range("400000", "499999"), range("476134", "476134"), true),
            (range("476134", "476134"), range("476135", "476139"), false),
            (range("4761340", "4761344"), range("47613449", "47613460"), true),
        ] {
            assert_eq!(one.overlaps(&other), overlap, "{one:?} {other:?}");
            assert_eq!(other.overlaps(&one), overlap, "{other:?} {one:?}");
        }
    }

    fn bank(id: &str, ranges: &[(&str, &str)]) -> BankCertificate {
        BankCertificate {
            bank_id: id.to_owned(),
            bank_name: id.to_owned(),
            kind: FrontKind::Bank,
            version: 1,
            issued_ms: 0,
            expires_ms: 1,
            iin_ranges: ranges.iter().map(|(from, to)| range(from, to)).collect(),
            sealing_keys: Vec::new(),
            outcome_keys: Vec::new(),
        }
    }

    #[test]
    fn a_prefix_belongs_to_the_only_bank_that_claims_any_of_its_cards() {
        let banks = [bank("a", &[("476134", "476134"), ("400000", "400009")]), bank("b", &[("47613477", "47613478")])];
        let claim = |iin: &str| match Claim::to(iin, &banks) {
            Claim::Nobody => "nobody".to_owned(),
            Claim::One(bank) => bank.bank_id.clone(),
            Claim::Several(one, other) => format!("{} and {}", one.bank_id, other.bank_id),
        };
        assert_eq!(claim("47613400"), "a");
        assert_eq!(claim("400005"), "a");
        assert_eq!(claim("47613477"), "a and b");
        assert_eq!(claim("476134"), "a and b", "some of these cards are claimed twice");
        assert_eq!(claim("4000099"), "a");
        assert_eq!(claim("541333"), "nobody");
        let alone = [bank("b", &[("47613477", "47613478")])];
        assert_eq!(Claim::to("476134", &alone), Claim::Nobody, "it answers only for some of them");
        assert_eq!(Claim::to("47613478", &alone), Claim::One(&alone[0]));
    }
}
