//! Orders of the bank to a card, sent with its answer as issuer scripts (Book 3 section 10.10).

use emv::issuer::{IssuerError, IssuerMasterKey, Script, ScriptCommand, ScriptTiming, Verified, scripts};

/// Lower consecutive offline limit (Book 3 annex A1): a number the bank may set at any time.
const LOWER_OFFLINE_LIMIT: u16 = 0x9F14;
/// What it is set to: always ask the bank.
const ALWAYS_ONLINE: u8 = 0x00;

/// What the bank wants a card to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardOrder {
    /// Give the tries of its own PIN back.
    UnblockPin,
    /// Always ask the bank from now on.
    SetOfflineLimit,
    /// Refuse every payment from now on.
    BlockApplication,
}

impl CardOrder {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::UnblockPin, Self::SetOfflineLimit, Self::BlockApplication];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnblockPin => "unblock_pin",
            Self::SetOfflineLimit => "set_offline_limit",
            Self::BlockApplication => "block_application",
        }
    }

    /// Templates 71 and 72 for the card of a verified cryptogram, each command with its MAC under the issuer's key for
    /// scripts.
    pub(super) fn scripts(
        self,
        verified: &Verified,
        key: &IssuerMasterKey,
        card: (&str, Option<u8>),
    ) -> Result<Vec<u8>, IssuerError> {
        // What changes how the card decides comes before its last word, what ends it comes after.
        let (timing, command) = match self {
            Self::SetOfflineLimit => (
                ScriptTiming::BeforeFinal,
                ScriptCommand::PutData { tag: LOWER_OFFLINE_LIMIT, value: vec![ALWAYS_ONLINE] },
            ),
            Self::UnblockPin => (ScriptTiming::AfterFinal, ScriptCommand::PinUnblock),
            Self::BlockApplication => (ScriptTiming::AfterFinal, ScriptCommand::ApplicationBlock),
        };
        let identifier = u32::from(self as u8 + 1).to_be_bytes();
        scripts(verified, key, card, &[Script { timing, identifier, commands: vec![command] }])
    }
}
