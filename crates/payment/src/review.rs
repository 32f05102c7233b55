//! What a person may decide about an attempt in `needs_manual_review`, from what the bank has said so far.
//!
//! | decision | legal when | leads to |
//! |---|---|---|
//! | inquire | always | `inquiring`; the bank's answer is settled as usual |
//! | reverse | always | `reversing`, until the bank acknowledges |
//! | accept the bank's outcome | the bank's last verified word is about exactly this attempt | what it says |
//! | close as not paid | the bank's word is a refusal or an undoing, or it acknowledged a reversal, or it has signed nothing and there is written evidence | `reversed` |
//!
//! **Invariant:** while a verified approval stands, nothing but its reversal closes an attempt as not paid.

use crate::attempt::ReviewStep;
use crate::decline::DeclineCode;

/// What a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ask the bank again.
    Inquire,
    /// Have the bank undo it.
    Reverse,
    /// Take the bank's signed word.
    AcceptBankOutcome,
    /// No money moved, or it is back.
    CloseAsNotPaid,
}

/// The bank's last word that verified and is about exactly this attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BankWord {
    /// It has signed nothing that can be relied on.
    #[default]
    Nothing,
    /// The money moved.
    Approved,
    /// No money moved.
    Declined(DeclineCode),
    /// It moved and is back.
    Reversed,
}

/// Whether the bank has acknowledged a reversal since its last word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reversal {
    /// None was acknowledged.
    #[default]
    Unacknowledged,
    /// The bank said that it is done, or that nothing was there to undo.
    Acknowledged,
}

/// What the decision rests on besides the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// Nothing more.
    None,
    /// Something in writing, which the note tells of.
    WrittenEvidence,
}

/// Everything that is known for a review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The bank's last word.
    pub word: BankWord,
    /// What became of reversals.
    pub reversal: Reversal,
}

/// Why a decision is not legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// The bank has signed nothing about this attempt that verifies.
    #[error("the bank has signed nothing about this attempt that verifies")]
    NoVerifiedOutcome,
    /// The bank's signed approval stands; it must be reversed first.
    #[error("the bank's signed approval stands: reverse it first")]
    ApprovalStands,
    /// Without the bank's word, written evidence is needed.
    #[error("the bank has said nothing: written evidence is needed, told of in a note")]
    NoEvidence,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 4] = [Self::Inquire, Self::Reverse, Self::AcceptBankOutcome, Self::CloseAsNotPaid];

    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inquire => "inquire",
            Self::Reverse => "reverse",
            Self::AcceptBankOutcome => "accept_bank_outcome",
            Self::CloseAsNotPaid => "close_as_not_paid",
        }
    }
}

impl Known {
    /// The step a decision is, or why it is not legal.
    pub const fn step(&self, decision: Decision, grounds: Grounds) -> Result<ReviewStep, Illegal> {
        match decision {
            Decision::Inquire => Ok(ReviewStep::Inquire),
            Decision::Reverse => Ok(ReviewStep::Reverse),
            Decision::AcceptBankOutcome => match (self.word, self.reversal) {
                (BankWord::Approved, Reversal::Unacknowledged) => Ok(ReviewStep::AcceptApproval),
                // It approved, and undid that afterwards.
                (BankWord::Approved, Reversal::Acknowledged) | (BankWord::Reversed, _) => {
                    Ok(ReviewStep::CloseAsNotPaid)
                }
                (BankWord::Declined(code), _) => Ok(ReviewStep::AcceptDecline(code)),
                (BankWord::Nothing, _) => Err(Illegal::NoVerifiedOutcome),
            },
            Decision::CloseAsNotPaid => match (self.word, self.reversal, grounds) {
                (BankWord::Approved, Reversal::Unacknowledged, _) => Err(Illegal::ApprovalStands),
                (BankWord::Nothing, Reversal::Unacknowledged, Grounds::None) => Err(Illegal::NoEvidence),
                (BankWord::Nothing, Reversal::Unacknowledged, Grounds::WrittenEvidence)
                | (BankWord::Declined(_) | BankWord::Reversed, _, _)
                | (_, Reversal::Acknowledged, _) => Ok(ReviewStep::CloseAsNotPaid),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn every_decision_in_every_case() {
        let words = [BankWord::Nothing, BankWord::Approved, BankWord::Declined(DeclineCode::Limit), BankWord::Reversed];
        let mut table = String::new();
        for word in words {
            for reversal in [Reversal::Unacknowledged, Reversal::Acknowledged] {
                writeln!(table, "{word:?}, {reversal:?}").unwrap();
                for decision in Decision::ALL {
                    for grounds in [Grounds::None, Grounds::WrittenEvidence] {
                        let step = Known { word, reversal }.step(decision, grounds);
                        writeln!(table, "  {} {grounds:?} -> {step:?}", decision.as_str()).unwrap();
                    }
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn a_standing_approval_is_never_closed_as_not_paid() {
        let known = Known { word: BankWord::Approved, reversal: Reversal::Unacknowledged };
        for grounds in [Grounds::None, Grounds::WrittenEvidence] {
            assert_eq!(known.step(Decision::CloseAsNotPaid, grounds), Err(Illegal::ApprovalStands));
        }
    }
}
