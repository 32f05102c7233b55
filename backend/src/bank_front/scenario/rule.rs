//! A rule: which messages it is for, how often, and what is done to them.

use iso8583::{Message, Mti};

use super::deed::Deed;

/// A rule of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Which messages.
    pub when: When,
    /// What is done to them.
    pub deed: Deed,
}

/// Which messages a rule is for. What is not said is no condition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When {
    /// Of one of these kinds; none means every kind but network management.
    pub kinds: Vec<Kind>,
    /// DE 4, minor units.
    pub amount_minor: Option<u64>,
    /// DE 42 begins with it, as far as DE 42 goes.
    pub merchant: Option<String>,
    /// DE 37.
    pub rrn: Option<String>,
    /// DE 11.
    pub stan: Option<u64>,
    /// How many that fit are left alone first.
    pub skip: u64,
    /// How many are acted on at most, after those.
    pub times: Option<u64>,
    /// How likely each of these is acted on, in parts of `u32::MAX`.
    pub chance: Option<u32>,
    /// From so long after the script was taken up, in milliseconds.
    pub after_ms: Option<i64>,
    /// Until so long after it was taken up, in milliseconds.
    pub until_ms: Option<i64>,
}

/// A kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0200 and its repeat.
    Debit,
    /// 0100 and its repeat.
    Authorization,
    /// 0220 and its repeat.
    Completion,
    /// 0400, 0420 and their repeats.
    Reversal,
    /// 0600 and its repeat.
    Inquiry,
    /// 0500, 0520 and their repeats.
    Reconciliation,
    /// 0800.
    Network,
    /// Exactly this type.
    Type(Mti),
}

impl Kind {
    /// Every kind that has a name.
    pub(super) const NAMED: [(&'static str, Self); 7] = [
        ("debit", Self::Debit),
        ("authorization", Self::Authorization),
        ("completion", Self::Completion),
        ("reversal", Self::Reversal),
        ("inquiry", Self::Inquiry),
        ("reconciliation", Self::Reconciliation),
        ("network", Self::Network),
    ];

    fn holds(self, mti: Mti) -> bool {
        let digits = mti.original().digits();
        match self {
            Self::Debit => digits == *b"0200",
            Self::Authorization => digits == *b"0100",
            Self::Completion => digits == *b"0220",
            Self::Reversal => digits == *b"0400" || digits == *b"0420",
            Self::Inquiry => digits == *b"0600",
            Self::Reconciliation => digits == *b"0500" || digits == *b"0520",
            Self::Network => digits == *b"0800",
            Self::Type(exact) => mti == exact,
        }
    }
}

/// How often a rule's conditions were met, and how often it was acted on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    met: u64,
    acted: u64,
}

impl When {
    /// Whether the rule is for this message. Counts it when its own words fit, so that `skip` and `times` go by
    /// messages and not by time; chance is drawn from `seed` and that count, so that a run can be repeated.
    pub(super) fn takes(&self, message: &Message, elapsed_ms: i64, seed: u64, tally: &mut Tally) -> bool {
        if !self.fits(message, elapsed_ms) {
            return false;
        }
        tally.met += 1;
        let is_due = tally.met > self.skip && self.times.is_none_or(|times| tally.acted < times);
        if !is_due || self.chance.is_some_and(|chance| draw(seed, tally.met) > chance) {
            return false;
        }
        tally.acted += 1;
        true
    }

    fn fits(&self, message: &Message, elapsed_ms: i64) -> bool {
        let mti = message.mti();
        let is_kind = if self.kinds.is_empty() {
            !Kind::Network.holds(mti)
        } else {
            self.kinds.iter().any(|kind| kind.holds(mti))
        };
        is_kind
            && self.amount_minor.is_none_or(|minor| message.number(4) == Ok(minor))
            && self.stan.is_none_or(|stan| message.number(11) == Ok(stan))
            && self.rrn.as_ref().is_none_or(|rrn| message.text(37).is_ok_and(|text| text.trim_end() == rrn))
            && self.merchant.as_ref().is_none_or(|merchant| is_merchant(message, merchant))
            && self.after_ms.is_none_or(|after_ms| elapsed_ms >= after_ms)
            && self.until_ms.is_none_or(|until_ms| elapsed_ms < until_ms)
    }
}

/// DE 42 holds the first fifteen characters of a merchant's id.
fn is_merchant(message: &Message, merchant: &str) -> bool {
    let Ok(code) = message.text(42) else { return false };
    let code = code.trim_end();
    code == merchant || (code.len() == 15 && merchant.starts_with(code))
}

/// `SplitMix64` (Steele, Lea and Flood 2014), whose upper half is the draw.
fn draw(seed: u64, turn: u64) -> u32 {
    let mut mixed = seed.wrapping_add(turn.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debit(amount_minor: u64) -> Message {
        Message::new(Mti::FINANCIAL_REQUEST).with_number(4, amount_minor).unwrap().with_text(42, "blue-door      ")
    }

    /// Which of the messages are taken, by their place.
    fn taken(when: &When, messages: &[Message]) -> Vec<usize> {
        let mut tally = Tally::default();
        let takes = |(_, message): &(usize, &Message)| when.takes(message, 0, 7, &mut tally);
        messages.iter().enumerate().filter(takes).map(|(place, _)| place).collect()
    }

    #[test]
    fn a_rule_counts_only_what_fits_it() {
        let messages = [debit(1), debit(5), debit(5), debit(1), debit(5), debit(5)];
        let when = When { amount_minor: Some(5), skip: 1, times: Some(2), ..When::default() };
        assert_eq!(taken(&when, &messages), [2, 4]);
        assert_eq!(taken(&When { amount_minor: Some(1), ..When::default() }, &messages), [0, 3]);
    }

    #[test]
    fn kinds_take_repeats_and_network_messages_are_left_alone_unless_named() {
        let messages = [
            Message::new(Mti::FINANCIAL_REPEAT),
            Message::new(Mti::REVERSAL_REQUEST),
            Message::new(Mti::REVERSAL_ADVICE_REPEAT),
            Message::new(Mti::INQUIRY),
            Message::new(Mti::NETWORK_REQUEST),
        ];
        let of = |kinds: &[Kind]| taken(&When { kinds: kinds.to_vec(), ..When::default() }, &messages);
        assert_eq!(of(&[]), [0, 1, 2, 3]);
        assert_eq!(of(&[Kind::Debit]), [0]);
        assert_eq!(of(&[Kind::Reversal, Kind::Inquiry]), [1, 2, 3]);
        assert_eq!(of(&[Kind::Network]), [4]);
        assert_eq!(of(&[Kind::Type(Mti::REVERSAL_ADVICE_REPEAT)]), [2]);
    }

    #[test]
    fn a_merchant_is_known_by_what_fits_the_element() {
        let long = Message::new(Mti::FINANCIAL_REQUEST).with_text(42, "a-very-long-mer");
        let when = |merchant: &str| When { merchant: Some(merchant.into()), ..When::default() };
        assert_eq!(taken(&when("a-very-long-merchant"), std::slice::from_ref(&long)), [0]);
        assert!(taken(&when("a-very-long-name"), std::slice::from_ref(&long)).is_empty());
        assert_eq!(taken(&when("blue-door"), &[debit(1)]), [0]);
        assert!(taken(&when("blue-door-2"), &[debit(1)]).is_empty());
    }

    #[test]
    fn a_window_of_time_opens_and_closes() {
        let when = When { after_ms: Some(100), until_ms: Some(200), ..When::default() };
        let takes = |elapsed_ms| when.takes(&debit(1), elapsed_ms, 0, &mut Tally::default());
        assert_eq!([99, 100, 199, 200].map(takes), [false, true, true, false]);
    }

    #[test]
    fn chance_is_about_as_likely_as_it_says_and_the_same_every_time() {
        let messages: Vec<Message> = (0..1_000).map(|_| debit(1)).collect();
        let when = When { chance: Some(u32::MAX / 4), ..When::default() };
        let once = taken(&when, &messages);
        assert!((200..300).contains(&once.len()), "{}", once.len());
        assert_eq!(once, taken(&when, &messages));
    }
}
