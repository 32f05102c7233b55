//! What a test of a reader found out, check by check: where it stands still is where to look.

use protocol::error::ErrorCode;
use protocol::ipc::{ReaderKind, ReaderTestStage, ReaderTestView};

use crate::i18n::Text;

/// One thing that must work, in the order they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The system's smart-card service, where the reader needs it.
    Service,
    /// The reader.
    Reader,
    /// A card at it.
    Card,
    /// Reading the card.
    Read,
}

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It works.
    Good,
    /// It is being waited for.
    Waiting,
    /// It failed.
    Bad,
    /// Something before it failed.
    Skipped,
}

/// Every check of a test with what was found; the service only where there is one.
pub fn findings(test: &ReaderTestView, kind: Option<ReaderKind>) -> Vec<(Check, Finding)> {
    let has_service = matches!(kind, None | Some(ReaderKind::Pcsc));
    let checks = [Check::Service, Check::Reader, Check::Card, Check::Read];
    let checks = checks.into_iter().filter(|check| has_service || *check != Check::Service);
    let (reached, at_reached) = standing(&test.progress);
    let finding = |check: Check| match (check as u8).cmp(&(reached as u8)) {
        std::cmp::Ordering::Less => Finding::Good,
        std::cmp::Ordering::Equal => at_reached,
        std::cmp::Ordering::Greater if at_reached == Finding::Waiting => Finding::Waiting,
        std::cmp::Ordering::Greater => Finding::Skipped,
    };
    checks.map(|check| (check, finding(check))).collect()
}

/// The check a test has come to, and what was found there.
fn standing(progress: &ReaderTestStage) -> (Check, Finding) {
    match progress {
        ReaderTestStage::WaitingForCard { notice: None } => (Check::Card, Finding::Waiting),
        ReaderTestStage::WaitingForCard { notice: Some(code) } => (check_of(*code), Finding::Waiting),
        ReaderTestStage::Reading { .. } => (Check::Read, Finding::Waiting),
        ReaderTestStage::Read { .. } => (Check::Read, Finding::Good),
        ReaderTestStage::Failed { code } => (check_of(*code), Finding::Bad),
    }
}

/// Which check a code is about.
const fn check_of(code: ErrorCode) -> Check {
    match code {
        ErrorCode::ReaderServiceDown => Check::Service,
        ErrorCode::NoReader
        | ErrorCode::ReaderBusy
        | ErrorCode::ReaderClaimed
        | ErrorCode::ReaderFailed
        | ErrorCode::NfcOff
        | ErrorCode::NfcUnavailable => Check::Reader,
        ErrorCode::CardAbsent => Check::Card,
        // Whatever else a reading can say, it says of the card.
        _ => Check::Read,
    }
}

impl Check {
    /// What is checked.
    pub const fn text(self) -> Text {
        match self {
            Self::Service => Text::TestCheckService,
            Self::Reader => Text::TestCheckReader,
            Self::Card => Text::TestCheckCard,
            Self::Read => Text::TestCheckRead,
        }
    }

    /// The stable word for tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Reader => "reader",
            Self::Card => "card",
            Self::Read => "read",
        }
    }
}

impl Finding {
    /// The word beside the shape.
    pub const fn text(self) -> Text {
        match self {
            Self::Good => Text::TestGood,
            Self::Waiting => Text::TestWaiting,
            Self::Bad => Text::TestBad,
            Self::Skipped => Text::TestSkipped,
        }
    }

    /// The stable word for tests and styles.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Waiting => "waiting",
            Self::Bad => "bad",
            Self::Skipped => "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use Finding::{Bad, Good, Skipped, Waiting};
    use protocol::ipc::LookFor;

    use super::*;

    fn found(progress: ReaderTestStage, kind: ReaderKind) -> Vec<Finding> {
        let test = ReaderTestView { purpose: LookFor::Test, reader: None, gesture: None, progress, card: None };
        findings(&test, Some(kind)).into_iter().map(|(_, finding)| finding).collect()
    }

    fn failed(code: ErrorCode) -> Vec<Finding> {
        found(ReaderTestStage::Failed { code }, ReaderKind::Pcsc)
    }

    #[test]
    fn a_test_stands_where_the_failure_is() {
        assert_eq!(failed(ErrorCode::ReaderServiceDown), [Bad, Skipped, Skipped, Skipped]);
        assert_eq!(failed(ErrorCode::ReaderBusy), [Good, Bad, Skipped, Skipped]);
        assert_eq!(failed(ErrorCode::CardAbsent), [Good, Good, Bad, Skipped]);
        assert_eq!(failed(ErrorCode::CardRemoved), [Good, Good, Good, Bad]);
        assert_eq!(failed(ErrorCode::CardBlocked), [Good, Good, Good, Bad]);
    }

    #[test]
    fn what_was_not_reached_waits() {
        let waiting = ReaderTestStage::WaitingForCard { notice: None };
        assert_eq!(found(waiting, ReaderKind::Pcsc), [Good, Good, Waiting, Waiting]);
        let unplugged = ReaderTestStage::WaitingForCard { notice: Some(ErrorCode::NoReader) };
        assert_eq!(found(unplugged, ReaderKind::Pcsc), [Good, Waiting, Waiting, Waiting]);
    }

    #[test]
    fn a_read_card_shows_that_all_works_and_only_pcsc_has_a_service() {
        let read = ReaderTestStage::Read { read_ms: 400, exchanges: 9, trouble: None };
        assert_eq!(found(read, ReaderKind::Pcsc), [Good; 4]);
        assert_eq!(found(read, ReaderKind::Nfc), [Good; 3]);
    }
}
