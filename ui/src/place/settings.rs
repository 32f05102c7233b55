//! The pages of the settings, in the order and the groups of their list.

use crate::i18n::Text;

/// One page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsPage {
    /// Phone numbers and e-mail addresses that reach this wallet.
    Identifiers,
    /// The person's devices.
    Devices,
    /// Whom the person accepted and blocked.
    Senders,
    /// What the system tells of requests, and what is heard of results.
    Notices,
    /// The ways to pay, each with what stands now and a page of its own.
    Ways,
    /// Paying by username.
    WayAlias,
    /// Paying on the phone bill.
    WayCarrier,
    /// Paying by code.
    WayCode,
    /// Paying with vouchers.
    WayVoucher,
    /// Card readers.
    Readers,
    /// How the PIN pad is laid out.
    PinPad,
    /// The language of the screens.
    Language,
    /// Colours and contrast.
    Appearance,
    /// The passphrase, and when the wallet locks by itself.
    Lock,
    /// Copies of the wallet.
    Backup,
    /// What is kept where, and what can be taken away or forgotten.
    Privacy,
    /// What this wallet trusts, and how to compare it.
    Keys,
    /// The program and what it is made of.
    About,
}

/// A part of the list: its heading, and its pages in their order.
pub struct SettingsGroup {
    /// What the pages have in common.
    pub title: Text,
    /// The pages.
    pub pages: &'static [SettingsPage],
}

/// The list.
pub const GROUPS: &[SettingsGroup] = &[
    SettingsGroup {
        title: Text::SettingsGroupReach,
        pages: &[SettingsPage::Identifiers, SettingsPage::Devices, SettingsPage::Senders, SettingsPage::Notices],
    },
    SettingsGroup {
        title: Text::SettingsGroupPay,
        pages: &[SettingsPage::Ways, SettingsPage::Readers, SettingsPage::PinPad],
    },
    SettingsGroup { title: Text::SettingsGroupScreen, pages: &[SettingsPage::Language, SettingsPage::Appearance] },
    SettingsGroup {
        title: Text::SettingsGroupSafe,
        pages: &[SettingsPage::Lock, SettingsPage::Backup, SettingsPage::Privacy, SettingsPage::Keys],
    },
    SettingsGroup { title: Text::SettingsGroupProgram, pages: &[SettingsPage::About] },
];

impl SettingsPage {
    /// The stable name: `data-screen`, and the `data-action` that opens it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Identifiers => "settings.identifiers",
            Self::Devices => "settings.devices",
            Self::Senders => "settings.senders",
            Self::Notices => "settings.notifications",
            Self::Ways => "settings.ways",
            Self::WayAlias => "settings.alias",
            Self::WayCarrier => "settings.carrier",
            Self::WayCode => "settings.code",
            Self::WayVoucher => "settings.voucher",
            Self::Readers => "settings.readers",
            Self::PinPad => "settings.pin-pad",
            Self::Language => "settings.language",
            Self::Appearance => "settings.appearance",
            Self::Lock => "settings.lock",
            Self::Backup => "settings.backup",
            Self::Privacy => "settings.privacy",
            Self::Keys => "settings.keys",
            Self::About => "settings.about",
        }
    }

    /// Its heading, and its name in the list.
    pub const fn title(self) -> Text {
        match self {
            Self::Identifiers => Text::SettingsIdentifiers,
            Self::Devices => Text::SettingsDevices,
            Self::Senders => Text::SettingsSenders,
            Self::Notices => Text::NoticesPage,
            Self::Ways => Text::WaysTitle,
            Self::WayAlias => Text::MethodAlias,
            Self::WayCarrier => Text::MethodCarrier,
            Self::WayCode => Text::MethodCode,
            Self::WayVoucher => Text::MethodVoucher,
            Self::Readers => Text::SettingsReaders,
            Self::PinPad => Text::SettingsPin,
            Self::Language => Text::SettingsLanguage,
            Self::Appearance => Text::SettingsTheme,
            Self::Lock => Text::LockSettings,
            Self::Backup => Text::SettingsBackup,
            Self::Privacy => Text::SettingsPrivacy,
            Self::Keys => Text::SettingsKeys,
            Self::About => Text::SettingsAbout,
        }
    }

    /// The page it is chosen from; none of one that is in the list itself.
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::WayAlias | Self::WayCarrier | Self::WayCode | Self::WayVoucher => Some(Self::Ways),
            Self::Identifiers | Self::Devices | Self::Senders | Self::Notices | Self::Ways | Self::Readers => None,
            Self::PinPad | Self::Language | Self::Appearance | Self::Lock | Self::Backup => None,
            Self::Privacy | Self::Keys | Self::About => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_the_list_has_a_name_of_its_own() {
        let mut names: Vec<_> = GROUPS.iter().flat_map(|group| group.pages).map(|page| page.id()).collect();
        let listed = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), listed);
        assert!(names.iter().all(|name| name.starts_with("settings.")));
    }
}
