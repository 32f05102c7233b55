//! The card's files: directories, FCI templates and records, made from the profile.

use emv::Interface;
use emv::application::{PPSE, PSE};
use emv::tag::Tag;
use emv::tlv;

use crate::profile::{CardApplication, CryptogramCommand, InterfaceBehaviour, Profile};

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

/// One record.
pub(super) struct RecordFile {
    pub(super) sfi: u8,
    pub(super) record: u8,
    pub(super) content: Vec<u8>,
}

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
    let aid = application.aid();
    let kernel = InterfaceBehaviour::bytes(&application.kernel);
    let mut objects: Vec<(Tag, &[u8])> = vec![
        (Tag::AID, &aid),
        (Tag::LABEL, application.label.as_bytes()),
        (Tag::PRIORITY, std::slice::from_ref(&application.priority)),
    ];
    if directory == Directory::Contactless {
        objects.push((Tag::KERNEL, &kernel));
    }
    constructed(Tag::APPLICATION_TEMPLATE, &objects)
}

/// FCI of an application.
pub(super) fn fci_of(application: &CardApplication, behaviour: &InterfaceBehaviour) -> Vec<u8> {
    let pdol = InterfaceBehaviour::bytes(&behaviour.pdol);
    let objects: [(Tag, &[u8]); 4] = [
        (Tag::LABEL, application.label.as_bytes()),
        (Tag::PRIORITY, std::slice::from_ref(&application.priority)),
        (Tag::PREFERRED_NAME, application.preferred_name.as_bytes()),
        (Tag::PDOL, &pdol),
    ];
    let mut proprietary = Vec::new();
    for (tag, value) in objects {
        if !value.is_empty() {
            tlv::write(&mut proprietary, tag, value);
        }
    }
    constructed(Tag::FCI_TEMPLATE, &[(Tag::DF_NAME, &application.aid()), (Tag::FCI_PROPRIETARY, &proprietary)])
}

/// Records of an application that generates its cryptogram; a qVSDC answer needs none.
pub(super) fn records_of(profile: &Profile, behaviour: &InterfaceBehaviour) -> Vec<RecordFile> {
    if behaviour.cryptogram == CryptogramCommand::ProcessingOptions {
        return Vec::new();
    }
    let mut pan = profile.pan.clone();
    if pan.len() % 2 == 1 {
        pan.push('F');
    }
    let expiry = InterfaceBehaviour::bytes(&format!("{}28", profile.expiry_yymm));
    let country = InterfaceBehaviour::bytes(&profile.issuer_country);
    let account = constructed(
        Tag::RECORD_TEMPLATE,
        &[
            (Tag::TRACK_2, &profile.track2()),
            (Tag::PAN, &InterfaceBehaviour::bytes(&pan)),
            (Tag::EXPIRY_DATE, &expiry),
            (Tag::PAN_SEQUENCE, &[packed(profile.psn)]),
            (Tag::CARDHOLDER_NAME, profile.cardholder.as_bytes()),
            (Tag(0x5F28), &country),
        ],
    );
    let cdol1 = InterfaceBehaviour::bytes(&behaviour.cdol1);
    // 8A in front of what CDOL1 asks for (Book 3 table 36).
    let cdol2 = [&[0x8A, 0x02][..], &cdol1].concat();
    let rules = constructed(
        Tag::RECORD_TEMPLATE,
        &[
            (Tag::CDOL1, &cdol1),
            (Tag::CDOL2, &cdol2),
            (Tag::CVM_LIST, &InterfaceBehaviour::bytes(&behaviour.cvm_list)),
            // Issuer action codes: everything goes online, nothing is denied offline.
            (Tag(0x9F0D), &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            (Tag(0x9F0E), &[0x00; 5]),
            (Tag(0x9F0F), &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            (Tag(0x9F07), &[0xFF, 0x00]),
        ],
    );
    vec![RecordFile { sfi: 1, record: 1, content: account }, RecordFile { sfi: 2, record: 1, content: rules }]
}

/// Application file locator over the records.
pub(super) fn afl_of(profile: &Profile, behaviour: &InterfaceBehaviour) -> Vec<u8> {
    records_of(profile, behaviour).iter().flat_map(|file| [file.sfi << 3, file.record, file.record, 0]).collect()
}

/// Answer to reset.
pub(super) fn atr_of(profile: &Profile, interface: Interface) -> Vec<u8> {
    InterfaceBehaviour::bytes(match interface {
        Interface::Contact => &profile.atr.contact,
        Interface::Contactless => &profile.atr.contactless,
    })
}

/// A number below 100 as two packed digits.
pub(super) fn packed(number: u8) -> u8 {
    ((number / 10) << 4) | (number % 10)
}

/// One object.
pub(super) fn template(tag: Tag, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 4);
    tlv::write(&mut out, tag, value);
    out
}

/// A template of objects.
pub(super) fn constructed(tag: Tag, objects: &[(Tag, &[u8])]) -> Vec<u8> {
    let mut inner = Vec::new();
    for (tag, value) in objects {
        tlv::write(&mut inner, *tag, value);
    }
    template(tag, &inner)
}
