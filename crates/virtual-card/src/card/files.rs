//! The card's directories and FCI templates, made from the profile (Book 1 sections 11.3 and 12.2; Book B).

use emv::Interface;
use emv::application::{PPSE, PSE};
use emv::tag::Tag;
use emv::tlv;

use crate::profile::{CardApplication, InterfaceBehaviour, Profile, Quirk};

/// The two directories.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Directory {
    /// 2PAY.SYS.DDF01.
    Contactless,
    /// 1PAY.SYS.DDF01.
    Contact,
}

/// SFI of the contact directory's records.
const DIRECTORY_SFI: u8 = 1;

/// The directory of a name.
pub(super) fn directory_of(name: &[u8]) -> Option<Directory> {
    match name {
        PPSE => Some(Directory::Contactless),
        PSE => Some(Directory::Contact),
        _ => None,
    }
}

impl Directory {
    pub(super) fn interface(self) -> Interface {
        match self {
            Self::Contactless => Interface::Contactless,
            Self::Contact => Interface::Contact,
        }
    }

    /// FCI: the PPSE lists the applications in it, the PSE names the file that does (Book 1 table 45).
    pub(super) fn fci(self, profile: &Profile) -> Vec<u8> {
        let (name, proprietary) = match self {
            Self::Contactless => {
                let entries: Vec<u8> =
                    offered(profile, Interface::Contactless).flat_map(|application| entry(application, self)).collect();
                (PPSE, template(Tag::FCI_ISSUER_DISCRETIONARY, &entries))
            }
            Self::Contact => (PSE, template(Tag::SFI, &[DIRECTORY_SFI])),
        };
        constructed(Tag::FCI_TEMPLATE, &[(Tag::DF_NAME, name), (Tag::FCI_PROPRIETARY, &proprietary)])
    }

    /// One application to a record.
    pub(super) fn record(self, profile: &Profile, sfi: u8, record: u8) -> Option<Vec<u8>> {
        if self != Self::Contact || sfi != DIRECTORY_SFI {
            return None;
        }
        let index = usize::from(record).checked_sub(1)?;
        let application = offered(profile, Interface::Contact).nth(index)?;
        Some(template(Tag::RECORD_TEMPLATE, &entry(application, self)))
    }
}

fn offered(profile: &Profile, interface: Interface) -> impl Iterator<Item = &CardApplication> {
    profile.applications.iter().filter(move |application| application.over(interface).is_some())
}

/// Directory entry, template 61.
fn entry(application: &CardApplication, directory: Directory) -> Vec<u8> {
    let kernel = match directory {
        Directory::Contactless => InterfaceBehaviour::bytes(&application.kernel),
        Directory::Contact => Vec::new(),
    };
    let mut objects = present(&[
        (Tag::AID, &application.aid()),
        (Tag::LABEL, application.label.as_bytes()),
        (Tag::PRIORITY, &[application.priority_indicator()]),
        (Tag::KERNEL, &kernel),
    ]);
    objects.extend(InterfaceBehaviour::bytes(&application.directory_extra));
    template(Tag::APPLICATION_TEMPLATE, &objects)
}

/// FCI of an application (Book 1 table 45).
pub(super) fn fci_of(profile: &Profile, application: &CardApplication, behaviour: &InterfaceBehaviour) -> Vec<u8> {
    let code_table: Vec<u8> = application.code_table.into_iter().collect();
    // Log entry 9F4D: the log's file and how many records it has (Book 3 annex D).
    let log_entry: &[u8] = if profile.keeps_log() { &[0x9F, 0x4D, 0x02, 0x0B, 0x0A] } else { &[] };
    let label = match application.label.as_str() {
        _ if profile.has(Quirk::NoLabel) => String::new(),
        label if profile.has(Quirk::PaddedLabel) => format!("{label:<16}"),
        label => label.to_owned(),
    };
    let mut name = application.aid();
    if profile.has(Quirk::LongerName) {
        name.push(0x01);
    }
    let proprietary = present(&[
        (Tag::LABEL, label.as_bytes()),
        (Tag::PRIORITY, &[application.priority_indicator()]),
        (Tag::PDOL, &InterfaceBehaviour::bytes(&behaviour.pdol)),
        (Tag(0x5F2D), application.languages.as_bytes()),
        (Tag(0x9F11), &code_table),
        (Tag::PREFERRED_NAME, &application.preferred_name_bytes()),
        (Tag::FCI_ISSUER_DISCRETIONARY, log_entry),
    ]);
    constructed(Tag::FCI_TEMPLATE, &[(Tag::DF_NAME, &name), (Tag::FCI_PROPRIETARY, &proprietary)])
}

/// Answer to reset.
pub(super) fn atr_of(profile: &Profile, interface: Interface) -> Vec<u8> {
    InterfaceBehaviour::bytes(match interface {
        Interface::Contact => &profile.atr.contact,
        Interface::Contactless => &profile.atr.contactless,
    })
}

/// One object.
pub(super) fn template(tag: Tag, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 4);
    tlv::write(&mut out, tag, value);
    out
}

/// A template of objects.
pub(super) fn constructed(tag: Tag, objects: &[(Tag, &[u8])]) -> Vec<u8> {
    template(tag, &written(objects))
}

/// Objects one after the other, without those that are empty.
pub(super) fn present(objects: &[(Tag, &[u8])]) -> Vec<u8> {
    let filled: Vec<_> = objects.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
    written(&filled)
}

fn written(objects: &[(Tag, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (tag, value) in objects {
        tlv::write(&mut out, *tag, value);
    }
    out
}
