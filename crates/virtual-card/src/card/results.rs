//! The card verification results inside the issuer application data: what the card says of itself to its issuer.

use emv::issuer::CryptogramVersion;

/// What a cryptogram is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Aac,
    Tc,
    Arqc,
}

impl Kind {
    /// Bits 8 and 7 of the cryptogram information data (Book 3 table 14).
    pub(super) fn cid(self) -> u8 {
        match self {
            Self::Aac => 0x00,
            Self::Tc => 0x40,
            Self::Arqc => 0x80,
        }
    }

    /// The two bits by which every scheme's CVR says which cryptogram was given.
    fn code(self) -> u8 {
        match self {
            Self::Aac => 0b00,
            Self::Tc => 0b01,
            Self::Arqc => 0b10,
        }
    }
}

/// What the issuer's answer was worth to the card.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Authentication {
    NotPerformed,
    Passed,
    Failed,
}

/// Marks what the first GENERATE AC gave: bits 6 and 5; bits 8 and 7 stay "second one not asked for".
pub(super) fn mark_first(iad: &mut [u8], version: CryptogramVersion, given: Kind) {
    if let Some(byte) = iad.get_mut(decision_at(version, iad)) {
        *byte = (*byte & !0x30) | (given.code() << 4);
    }
}

/// Marks what the second GENERATE AC gives, in bits 8 and 7, and that the issuer's answer was wrong where the scheme's
/// CVR has a place for it.
pub(super) fn mark_second(iad: &mut [u8], version: CryptogramVersion, given: Kind, issuer: Authentication) {
    if let Some(byte) = iad.get_mut(decision_at(version, iad)) {
        *byte = (*byte & !0xC0) | (given.code() << 6);
        *byte |= match (version, issuer) {
            // Common core CVR byte 1: bit 2 not performed, bit 1 failed (Book 3 annex C7.3).
            (CryptogramVersion::CommonCore5, Authentication::NotPerformed) => 0x02,
            (CryptogramVersion::CommonCore5, Authentication::Failed) => 0x01,
            // Visa and PBOC CVR byte 2 bit 4.
            (
                CryptogramVersion::Visa10
                | CryptogramVersion::Visa17
                | CryptogramVersion::Visa18
                | CryptogramVersion::UnionPay01,
                Authentication::Failed,
            ) => 0x08,
            _ => 0x00,
        };
    }
}

/// Which byte of the issuer application data holds the decisions.
fn decision_at(version: CryptogramVersion, iad: &[u8]) -> usize {
    match version {
        // 1F CVN DKI, then the CVR; `06 DKI CVN 03` and then its second byte.
        CryptogramVersion::Visa34 if iad.first() == Some(&0x1F) => 3,
        CryptogramVersion::Visa10
        | CryptogramVersion::Visa17
        | CryptogramVersion::Visa18
        | CryptogramVersion::Visa34 => 4,
        CryptogramVersion::UnionPay01 => 4,
        CryptogramVersion::CommonCore5 => 3,
        CryptogramVersion::Interac133 => 5,
        CryptogramVersion::MChip16
        | CryptogramVersion::MChip17
        | CryptogramVersion::MChip18
        | CryptogramVersion::MChip19
        | CryptogramVersion::MChip20
        | CryptogramVersion::MChip21 => 2,
    }
}
