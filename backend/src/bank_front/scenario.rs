//! Scripted misfortune: how a bank misbehaves, on demand.
//!
//! The switch is a small file in the bank's folder, read for each message, so that a test or a person
//! can turn it while the bank runs: `tapseal bank scenario --data DIR silent`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use iso8583::Mti;

use super::error::BankError;
use super::file;
use super::hsm::CardOrder;

/// The switch's file within the bank's folder.
const FILE_NAME: &str = "scenario";
/// What the name of a scenario with a script begins with.
const SCRIPT_PREFIX: &str = "script:";
/// How long `slow` waits when it does not say.
const SLOW_DEFAULT: Duration = Duration::from_secs(5);
/// The longest `slow` may wait.
const SLOW_MAX: Duration = Duration::from_mins(10);

/// How the bank misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Not at all.
    None,
    /// `silent`: nothing is handled or answered but network messages.
    Silent,
    /// `debit_lost`: a debit is neither made nor answered, as if it never arrived. Inquiries and
    /// reversals are answered.
    DebitLost,
    /// `debit_then_silent`: a debit is made and not answered. Inquiries and reversals are answered.
    DebitThenSilent,
    /// `debit_then_deaf`: a debit is made and not answered, nor is an inquiry; reversals are.
    DebitThenDeaf,
    /// `slow` or `slow:MS`: debits are made, and answered so much later.
    Slow(Duration),
    /// `roll_key`: at the next message the sealing keys are forgotten and a new one is made; then
    /// the switch turns itself off.
    RollKey,
    /// `script:ORDER`: every answer to an inserted card carries an order for it, as an issuer script.
    Script(CardOrder),
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Handle and answer.
    Answer,
    /// Handle, and answer after a while.
    AnswerAfter(Duration),
    /// Handle, and keep the answer.
    HandleOnly,
    /// Do nothing at all.
    Ignore,
}

impl Scenario {
    /// Reads a scenario's name, as on the command line and in the file.
    pub fn parse(name: &str) -> Result<Self, BankError> {
        let unknown = || BankError::UnknownScenario(name.to_owned());
        Ok(match name {
            "none" => Self::None,
            "silent" => Self::Silent,
            "debit_lost" => Self::DebitLost,
            "debit_then_silent" => Self::DebitThenSilent,
            "debit_then_deaf" => Self::DebitThenDeaf,
            "slow" => Self::Slow(SLOW_DEFAULT),
            "roll_key" => Self::RollKey,
            _ if name.starts_with(SCRIPT_PREFIX) => {
                let order = name.strip_prefix(SCRIPT_PREFIX).unwrap_or_default();
                let named = CardOrder::ALL.into_iter().find(|known| known.as_str() == order);
                Self::Script(named.ok_or_else(unknown)?)
            }
            _ => {
                let delay_ms = name.strip_prefix("slow:").and_then(|ms| ms.parse().ok());
                let delay = delay_ms.map(Duration::from_millis).ok_or_else(unknown)?;
                if delay > SLOW_MAX {
                    return Err(unknown());
                }
                Self::Slow(delay)
            }
        })
    }

    /// What the scenario does to a message of this type.
    pub(super) fn treatment(self, mti: Mti) -> Treatment {
        let original = mti.original();
        let is_debit = original == Mti::FINANCIAL_REQUEST;
        match self {
            Self::Silent if original != Mti::NETWORK_REQUEST => Treatment::Ignore,
            Self::DebitThenDeaf if original == Mti::INQUIRY => Treatment::Ignore,
            Self::DebitLost if is_debit => Treatment::Ignore,
            Self::DebitThenSilent | Self::DebitThenDeaf if is_debit => Treatment::HandleOnly,
            Self::Slow(delay) if is_debit => Treatment::AnswerAfter(delay),
            Self::None
            | Self::Silent
            | Self::DebitThenSilent
            | Self::DebitThenDeaf
            | Self::DebitLost
            | Self::Slow(_)
            | Self::RollKey
            | Self::Script(_) => Treatment::Answer,
        }
    }

    /// What every inserted card is ordered to do.
    pub(super) fn card_order(self) -> Option<CardOrder> {
        match self {
            Self::Script(order) => Some(order),
            Self::None
            | Self::Silent
            | Self::DebitThenSilent
            | Self::DebitThenDeaf
            | Self::DebitLost
            | Self::Slow(_)
            | Self::RollKey => None,
        }
    }
}

/// The switch of one bank.
#[derive(Debug, Clone)]
pub struct Switch {
    path: PathBuf,
}

impl Switch {
    /// The switch in a bank's folder.
    pub fn of(bank_dir: &Path) -> Self {
        Self { path: bank_dir.join(FILE_NAME) }
    }

    /// Turns the switch, now and until it is turned again. The name is checked first.
    pub fn set(&self, name: &str) -> Result<(), BankError> {
        if Scenario::parse(name)? == Scenario::None {
            return match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BankError::file(&self.path, error)),
                _ => Ok(()),
            };
        }
        file::replace(&self.path, name.as_bytes())
    }

    /// What the switch says now. A file that is absent or makes no sense is no scenario.
    pub fn current(&self) -> Scenario {
        let Ok(name) = std::fs::read_to_string(&self.path) else { return Scenario::None };
        Scenario::parse(name.trim()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the scenario file is ignored");
            Scenario::None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Treatment::{Answer, AnswerAfter, HandleOnly, Ignore};
    use super::*;

    #[test]
    fn the_switch_keeps_what_it_was_told_until_it_is_told_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let switch = Switch::of(folder.path());
        assert_eq!(switch.current(), Scenario::None);
        switch.set("slow:1500").unwrap();
        assert_eq!(switch.current(), Scenario::Slow(Duration::from_millis(1_500)));
        for wrong in ["sleepy", "slow:", "slow:900000", "", "script:", "script:eject"] {
            assert!(switch.set(wrong).is_err(), "{wrong}");
        }
        assert_eq!(switch.current(), Scenario::Slow(Duration::from_millis(1_500)));
        switch.set("none").unwrap();
        switch.set("none").unwrap();
        assert_eq!(switch.current(), Scenario::None);
    }

    #[test]
    fn each_scenario_hits_the_messages_it_names() {
        let treatments = |name: &str| {
            let scenario = Scenario::parse(name).unwrap();
            [Mti::FINANCIAL_REPEAT, Mti::INQUIRY, Mti::REVERSAL_ADVICE, Mti::NETWORK_REQUEST]
                .map(|mti| scenario.treatment(mti))
        };
        assert_eq!(treatments("none"), [Answer; 4]);
        assert_eq!(treatments("debit_lost"), [Ignore, Answer, Answer, Answer]);
        assert_eq!(treatments("debit_then_silent"), [HandleOnly, Answer, Answer, Answer]);
        assert_eq!(treatments("debit_then_deaf"), [HandleOnly, Ignore, Answer, Answer]);
        assert_eq!(treatments("silent"), [Ignore, Ignore, Ignore, Answer]);
        assert_eq!(treatments("slow:5")[0], AnswerAfter(Duration::from_millis(5)));
        assert_eq!(treatments("roll_key"), [Answer; 4]);
        for order in CardOrder::ALL {
            let name = format!("script:{}", order.as_str());
            assert_eq!(treatments(&name), [Answer; 4]);
            assert_eq!(Scenario::parse(&name).unwrap().card_order(), Some(order));
        }
    }
}
