//! The service code: where a card may be used and how (ISO/IEC 7813 section 5.4.1.5).

/// Three digits of the stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServiceCode([u8; 3]);

/// Who authorises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Authorisation {
    /// As usual.
    Normal,
    /// The issuer, online.
    ByIssuer,
    /// The issuer, online, unless another agreement says otherwise.
    ByIssuerUnlessAgreed,
    /// None of the values the standard gives.
    Reserved,
}

/// Whether the PIN is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinRule {
    /// Always.
    Required,
    /// Where there is a PIN pad.
    WhereThereIsAPad,
    /// Not asked for.
    NotAsked,
}

impl ServiceCode {
    /// Takes the three characters of a track.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 3] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then(|| Self(digits.map(|digit| digit - b'0')))
    }

    /// The three digits, each 0 to 9.
    pub fn digits(self) -> [u8; 3] {
        self.0
    }

    /// First digit 2 or 6: the card has a chip, to be used where it can be.
    pub fn has_chip(self) -> bool {
        matches!(self.0[0], 2 | 6)
    }

    /// First digit 5 or 6: not outside its country unless agreed.
    pub fn is_national(self) -> bool {
        matches!(self.0[0], 5 | 6)
    }

    /// Second digit.
    pub fn authorisation(self) -> Authorisation {
        match self.0[1] {
            0 => Authorisation::Normal,
            2 => Authorisation::ByIssuer,
            4 => Authorisation::ByIssuerUnlessAgreed,
            _ => Authorisation::Reserved,
        }
    }

    /// Third digit 3 or 4: for cash only, so nothing can be bought with it. 9 in the first is a test card, 7 one for
    /// private use.
    pub fn allows_goods(self) -> bool {
        !matches!(self.0[2], 3 | 4)
    }

    /// Third digit.
    pub fn pin(self) -> PinRule {
        match self.0[2] {
            0 | 3 | 5 => PinRule::Required,
            6 | 7 => PinRule::WhereThereIsAPad,
            _ => PinRule::NotAsked,
        }
    }
}
