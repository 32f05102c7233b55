//! A script: rules in TOML, read strictly. Whoever errs is told the line and the key.

use std::time::Duration;

use iso8583::Mti;
use payment::DeclineCode;
use serde::Deserialize;
use toml::Spanned;

use super::deed::{Busy, Deed, Echo, Malformation};
use super::rule::{Kind, Rule, When};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::CardOrder;

/// The most rules of a script.
const RULES_MAX: usize = 256;
/// The longest script, in bytes.
const SCRIPT_BYTES_MAX: usize = 64 * 1024;
/// The longest an answer may be held back.
const DELAY_MAX: Duration = Duration::from_mins(10);
/// How far the bank's clock may be set ahead or back: a year.
const CLOCK_SKEW_MS_MAX: i64 = 366 * 24 * 60 * 60 * 1_000;

/// What a bank shall do wrong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// The rules; the first that takes a message decides.
    pub rules: Vec<Rule>,
    /// Where chance begins.
    pub seed: u64,
    /// How far the bank's clock is ahead; behind, when below zero. Milliseconds.
    pub clock_skew_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    #[serde(default)]
    seed: u64,
    clock_skew_ms: Option<Spanned<i64>>,
    #[serde(default)]
    rule: Vec<Spanned<RawRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    #[serde(default)]
    when: RawWhen,
    #[serde(rename = "do")]
    deed: Spanned<String>,
    ms: Option<Spanned<u64>>,
    code: Option<Spanned<String>>,
    response_code: Option<Spanned<String>>,
    kind: Option<Spanned<String>>,
    order: Option<Spanned<String>>,
    echo: Option<Spanned<RawEcho>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWhen {
    message: Option<Spanned<OneOrMany>>,
    amount_minor: Option<u64>,
    merchant: Option<String>,
    rrn: Option<String>,
    stan: Option<u64>,
    nth: Option<Spanned<u64>>,
    skip: Option<Spanned<u64>>,
    times: Option<Spanned<u64>>,
    chance: Option<Spanned<f64>>,
    after_ms: Option<u32>,
    until_ms: Option<u32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEcho {
    amount_minor: Option<u64>,
    currency: Option<Spanned<String>>,
    merchant: Option<String>,
}

impl Script {
    /// Reads a script.
    pub fn parse(text: &str) -> Result<Self, BankError> {
        if text.len() > SCRIPT_BYTES_MAX {
            return Err(BankError::TooMany("bytes in a script"));
        }
        let raw: RawScript = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            wrong(text, at, error.message())
        })?;
        if raw.rule.len() > RULES_MAX {
            return Err(BankError::TooMany("rules in a script"));
        }
        let source = Source { text };
        let skew = raw.clock_skew_ms.as_ref();
        if let Some(skew) = skew.filter(|skew| skew.get_ref().abs() > CLOCK_SKEW_MS_MAX) {
            return Err(source.wrong_key("clock_skew_ms", skew, "is more than a year"));
        }
        Ok(Self {
            rules: raw.rule.iter().map(|rule| source.rule(rule)).collect::<Result<_, _>>()?,
            seed: raw.seed,
            clock_skew_ms: skew.map_or(0, |skew| *skew.get_ref()),
        })
    }
}

/// The text, to tell lines from places.
struct Source<'t> {
    text: &'t str,
}

fn wrong(text: &str, at: usize, what: &str) -> BankError {
    let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    BankError::Scenario(format!("line {line}: {}", what.replace('\n', ", ")))
}

impl Source<'_> {
    fn wrong_key<T>(&self, key: &str, value: &Spanned<T>, what: &str) -> BankError {
        wrong(self.text, value.span().start, &format!("`{key}` {what}"))
    }

    fn rule(&self, raw: &Spanned<RawRule>) -> Result<Rule, BankError> {
        let rule = raw.get_ref();
        let deed = self.deed(raw)?;
        self.only_its_own_keys(rule)?;
        let when = self.when(&rule.when)?;
        // Only what carries an outcome, and names a reversal, can be approved after it.
        if deed == Deed::ApproveAfterReversal && when.kinds != [Kind::Debit] {
            return Err(self.wrong_key("do", &rule.deed, "= approve_after_reversal needs when.message = \"debit\""));
        }
        Ok(Rule { when, deed })
    }

    fn deed(&self, raw: &Spanned<RawRule>) -> Result<Deed, BankError> {
        let rule = raw.get_ref();
        Ok(match rule.deed.get_ref().as_str() {
            "honest" => Deed::Honest,
            "silent" => Deed::Silent,
            "unanswered" => Deed::Unanswered,
            "slow" => Deed::Slow(self.delay(rule)?),
            "late" => Deed::Late(self.delay(rule)?),
            "twice" => Deed::Twice,
            "echo" => Deed::Echo(self.echo(rule)?),
            "approve_after_reversal" => Deed::ApproveAfterReversal,
            "cut" => Deed::Cut,
            "malformed" => Deed::Malformed(self.named("kind", rule, rule.kind.as_ref(), &Malformation::NAMED)?),
            "swap" => Deed::Swap,
            "wrong_key" => Deed::WrongKey,
            "decline" => Deed::Decline(self.decline_code(rule)?),
            "busy" => Deed::Busy(self.named("response_code", rule, rule.response_code.as_ref(), &Busy::NAMED)?),
            "roll_key" => Deed::RollKey,
            "card_order" => {
                let orders = CardOrder::ALL.map(|order| (order.as_str(), order));
                Deed::CardOrder(self.named("order", rule, rule.order.as_ref(), &orders)?)
            }
            other => return Err(self.wrong_key("do", &rule.deed, &format!("= \"{other}\" is no deed"))),
        })
    }

    /// A key that does nothing beside this deed is a mistake, not a remark.
    fn only_its_own_keys(&self, rule: &RawRule) -> Result<(), BankError> {
        let own = match rule.deed.get_ref().as_str() {
            "slow" | "late" => "ms",
            "echo" => "echo",
            "malformed" => "kind",
            "decline" => "code",
            "busy" => "response_code",
            "card_order" => "order",
            _ => "",
        };
        let places = [
            ("ms", rule.ms.as_ref().map(Spanned::span)),
            ("code", rule.code.as_ref().map(Spanned::span)),
            ("response_code", rule.response_code.as_ref().map(Spanned::span)),
            ("kind", rule.kind.as_ref().map(Spanned::span)),
            ("order", rule.order.as_ref().map(Spanned::span)),
            ("echo", rule.echo.as_ref().map(Spanned::span)),
        ];
        for (key, place) in places {
            if let Some(place) = place.filter(|_| key != own) {
                let what = format!("`{key}` does nothing with do = \"{}\"", rule.deed.get_ref());
                return Err(wrong(self.text, place.start, &what));
            }
        }
        Ok(())
    }

    fn needed<'r, T>(
        &self,
        key: &str,
        rule: &RawRule,
        value: Option<&'r Spanned<T>>,
    ) -> Result<&'r Spanned<T>, BankError> {
        value.ok_or_else(|| self.wrong_key("do", &rule.deed, &format!("= \"{}\" needs `{key}`", rule.deed.get_ref())))
    }

    fn delay(&self, rule: &RawRule) -> Result<Duration, BankError> {
        let ms = self.needed("ms", rule, rule.ms.as_ref())?;
        let delay = Duration::from_millis(*ms.get_ref());
        if delay <= DELAY_MAX { Ok(delay) } else { Err(self.wrong_key("ms", ms, "is more than ten minutes")) }
    }

    fn decline_code(&self, rule: &RawRule) -> Result<DeclineCode, BankError> {
        let code = self.needed("code", rule, rule.code.as_ref())?;
        // A bank that cannot read a message signs nothing about it.
        let parsed = code.get_ref().parse().ok().filter(|parsed| *parsed != DeclineCode::Format);
        parsed.ok_or_else(|| self.wrong_key("code", code, "is no code of docs/iso8583.md that a bank signs"))
    }

    fn named<T: Copy>(
        &self,
        key: &str,
        rule: &RawRule,
        value: Option<&Spanned<String>>,
        known: &[(&str, T)],
    ) -> Result<T, BankError> {
        let value = self.needed(key, rule, value)?;
        let found = known.iter().find(|(name, _)| name == value.get_ref()).map(|(_, found)| *found);
        found.ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.wrong_key(key, value, &format!("is none of {}", names.join(", ")))
        })
    }

    fn echo(&self, rule: &RawRule) -> Result<Echo, BankError> {
        let spanned = self.needed("echo", rule, rule.echo.as_ref())?;
        let raw = spanned.get_ref();
        let currency = raw
            .currency
            .as_ref()
            .map(|code| code.get_ref().parse().map_err(|_| self.wrong_key("currency", code, "is no code of ISO 4217")));
        let echo =
            Echo { amount_minor: raw.amount_minor, currency: currency.transpose()?, merchant: raw.merchant.clone() };
        if echo == Echo::default() {
            return Err(self.wrong_key("echo", spanned, "changes nothing: give amount_minor, currency or merchant"));
        }
        Ok(echo)
    }

    fn when(&self, raw: &RawWhen) -> Result<When, BankError> {
        let (skip, times) = match (&raw.nth, &raw.skip, &raw.times) {
            (Some(nth), None, None) if *nth.get_ref() > 0 => (*nth.get_ref() - 1, Some(1)),
            (Some(nth), None, None) => return Err(self.wrong_key("nth", nth, "counts from 1")),
            (Some(nth), _, _) => return Err(self.wrong_key("nth", nth, "stands without skip and times")),
            (None, skip, times) => {
                (skip.as_ref().map_or(0, |skip| *skip.get_ref()), times.as_ref().map(|times| *times.get_ref()))
            }
        };
        Ok(When {
            kinds: self.kinds(raw.message.as_ref())?,
            amount_minor: raw.amount_minor,
            merchant: raw.merchant.clone(),
            rrn: raw.rrn.clone(),
            stan: raw.stan,
            skip,
            times,
            chance: raw.chance.as_ref().map(|chance| self.chance(chance)).transpose()?,
            after_ms: raw.after_ms.map(i64::from),
            until_ms: raw.until_ms.map(i64::from),
        })
    }

    fn kinds(&self, message: Option<&Spanned<OneOrMany>>) -> Result<Vec<Kind>, BankError> {
        let Some(message) = message else { return Ok(Vec::new()) };
        let names = match message.get_ref() {
            OneOrMany::One(name) => std::slice::from_ref(name),
            OneOrMany::Many(names) => names,
        };
        let kind = |name: &String| {
            let named = Kind::NAMED.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
            named.or_else(|| Mti::parse(name).ok().map(Kind::Type)).ok_or_else(|| {
                self.wrong_key("message", message, &format!("names \"{name}\", which is no kind or type of message"))
            })
        };
        names.iter().map(kind).collect()
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
    fn chance(&self, chance: &Spanned<f64>) -> Result<u32, BankError> {
        let share = *chance.get_ref();
        if (0.0..=1.0).contains(&share) {
            Ok((share * f64::from(u32::MAX)) as u32)
        } else {
            Err(self.wrong_key("chance", chance, "is not between 0 and 1"))
        }
    }
}

#[cfg(test)]
mod tests;
