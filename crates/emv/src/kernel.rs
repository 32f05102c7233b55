//! Contactless kernels: what differs from scheme to scheme once an application is open, as far as an online payment of a
//! known amount needs (Books C-2 to C-7; Interac as far as it is public).
//!
//! | kernel | asks of the terminal | gives its cryptogram in | says how the holder is verified in |
//! |---|---|---|---|
//! | C-2 Mastercard | 9F33, 9F35, 9F53 | GENERATE AC | CVM list, AIP byte 1 bit 2 |
//! | C-3 Visa | 9F66 | GET PROCESSING OPTIONS | 9F6C |
//! | C-4 Amex | 9F6D, 9F6E | GENERATE AC | CVM list, 9F71 |
//! | C-5 JCB | 9F52, 9F53 | GENERATE AC | 9F50, CVM list |
//! | C-6 Discover, Diners | 9F66 | either | 9F71, CVM list |
//! | C-7 UnionPay | 9F66 | either | 9F6C |
//! | Interac | 9F58, 9F59, 9F5A | GENERATE AC | CVM list |

use crate::application::Scheme;
use crate::cvm::{CardholderVerification, NoOnlinePin};
use crate::tag::Tag;
use crate::terminal::Interface;

/// Which rules an opened application follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kernel {
    /// Inserted: Books 1 to 4 alone.
    Contact,
    /// Book C-2.
    Mastercard,
    /// Book C-3.
    Visa,
    /// Book C-4.
    Amex,
    /// Book C-5.
    Jcb,
    /// Book C-6.
    Discover,
    /// Book C-7.
    UnionPay,
    /// Interac Flash.
    Interac,
    /// None of ours: the common part of all of them.
    Other,
}

/// How the holder is verified, as the card says without a CVM list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verified {
    pub(crate) verification: CardholderVerification,
    /// 9F34 to report.
    pub(crate) results: [u8; 3],
    pub(crate) no_online_pin: Option<NoOnlinePin>,
}

impl Kernel {
    /// Chooses the kernel (Book B section 3.3.2.3): by the identifier of the directory entry, else by the AID.
    pub fn of(interface: Interface, identifier: Option<&[u8]>, scheme: Scheme) -> Self {
        if interface == Interface::Contact {
            return Self::Contact;
        }
        // International kernels are one byte; some cards put zeros before it.
        let number = identifier.and_then(|bytes| match bytes {
            [zeros @ .., number] if zeros.iter().all(|byte| *byte == 0) => Some(*number),
            _ => None,
        });
        match (number, scheme) {
            (Some(0x02), _) => Self::Mastercard,
            (Some(0x03), _) => Self::Visa,
            (Some(0x04), _) => Self::Amex,
            (Some(0x05), _) => Self::Jcb,
            (Some(0x06), _) => Self::Discover,
            (Some(0x07), _) => Self::UnionPay,
            (_, Scheme::Mastercard) => Self::Mastercard,
            (_, Scheme::Visa) => Self::Visa,
            (_, Scheme::Amex) => Self::Amex,
            (_, Scheme::Jcb) => Self::Jcb,
            (_, Scheme::Discover) => Self::Discover,
            (_, Scheme::UnionPay) => Self::UnionPay,
            (_, Scheme::Interac) => Self::Interac,
            _ => Self::Other,
        }
    }

    /// Terminal values of this kernel alone. The same tag means other things to other schemes.
    pub(crate) fn value(self, tag: Tag) -> Option<&'static [u8]> {
        match (self, tag) {
            // R: retail.
            (Self::Mastercard | Self::Discover | Self::Contact, Tag::CATEGORY_OR_PROFILE) => Some(&[0x52]),
            // Expresspay mobile in EMV mode, CVM required (Book C-4; older cards).
            (Self::Amex, Tag::READER_CAPABILITIES) => Some(&[0xC8]),
            // EMV mode online and contactless; mobile CVM and online PIN; CVM required; kernel of Book C-4.
            (Self::Amex, Tag::FORM_FACTOR) => Some(&[0x18, 0xC0, 0x40, 0x03]),
            // EMV mode, with offline data authentication.
            (Self::Jcb, Tag::COMBINATION_OPTIONS) => Some(&[0x22, 0x00]),
            // CVM required; online PIN and on-device CVM.
            (Self::Jcb, Tag::CATEGORY_OR_PROFILE) => Some(&[0xB0, 0x00, 0x00]),
            (Self::Interac, Tag::MERCHANT_TYPE) => Some(&[0x01]),
            (Self::Interac, Tag::TERMINAL_INFORMATION) => Some(&[0xC8, 0x80, 0x00]),
            (Self::Interac, Tag::INTERAC_TYPE) => Some(&[0x00]),
            _ => None,
        }
    }

    /// Whether the card can only emulate its stripe over the air; its data can be replayed, so that is refused.
    ///
    /// AIP byte 2 bit 8 says "EMV mode" to M/Chip and Amex, and "mag-stripe mode" to Visa. A card with CDOL1 can do EMV
    /// mode whatever its profile says.
    pub(crate) fn is_mag_stripe_only<'a>(self, aip: Option<[u8; 2]>, card: impl Fn(Tag) -> Option<&'a [u8]>) -> bool {
        if self == Self::Contact || card(Tag::CDOL1).is_some() {
            return false;
        }
        let mark = aip.is_some_and(|aip| aip[1] & 0x80 != 0);
        let stripe = card(Tag::TRACK_2_MAG_STRIPE).is_some();
        match self {
            Self::Mastercard => !mark || stripe,
            Self::Amex => !mark,
            Self::Visa => mark,
            _ => stripe,
        }
    }

    /// What the card itself says about verification, before any CVM list is looked at.
    pub(crate) fn verified<'a>(self, aip: Option<[u8; 2]>, card: impl Fn(Tag) -> Option<&'a [u8]>) -> Option<Verified> {
        match self {
            Self::Contact => None,
            Self::Visa | Self::UnionPay => card(Tag::CTQ).and_then(qualifiers),
            // Card processing requirements have the qualifiers' bits.
            Self::Discover => card(Tag::DEVICE_VERIFICATION).or_else(|| card(Tag::CTQ)).and_then(qualifiers),
            // Mobile CVM: performed, and with success.
            Self::Amex => match card(Tag::DEVICE_VERIFICATION) {
                Some([0x01, _, 0x02]) => Some(device([0x01, 0x00, 0x02])),
                _ => on_device(aip),
            },
            Self::Jcb => match card(Tag::VERIFICATION_STATUS) {
                Some([b'K']) => Some(device([0x01, 0x00, 0x02])),
                Some([b'P']) => Some(online_pin()),
                Some([b'S']) => Some(signature()),
                Some([b'N']) => Some(not_required()),
                _ => on_device(aip),
            },
            Self::Mastercard | Self::Interac | Self::Other => on_device(aip),
        }
    }
}

/// Card transaction qualifiers (Book C-3 annex A.2).
fn qualifiers(value: &[u8]) -> Option<Verified> {
    match value {
        [_, second, ..] if second & 0x80 != 0 => Some(device([0x1F, 0x00, 0x02])),
        [first, ..] if first & 0x80 != 0 => Some(online_pin()),
        [first, ..] if first & 0x40 != 0 => Some(signature()),
        [_, ..] => Some(not_required()),
        [] => None,
    }
}

/// AIP byte 1 bit 2: the device verifies its owner, and 010002 says it did (Book C-2).
fn on_device(aip: Option<[u8; 2]>) -> Option<Verified> {
    aip.is_some_and(|aip| aip[0] & 0x02 != 0).then(|| device([0x01, 0x00, 0x02]))
}

fn device(results: [u8; 3]) -> Verified {
    let no_online_pin = Some(NoOnlinePin::DeviceVerified);
    Verified { verification: CardholderVerification::ConsumerDevice, results, no_online_pin }
}

fn online_pin() -> Verified {
    Verified { verification: CardholderVerification::OnlinePin, results: [0x02, 0x00, 0x00], no_online_pin: None }
}

fn signature() -> Verified {
    let no_online_pin = Some(NoOnlinePin::NotInList);
    Verified { verification: CardholderVerification::Signature, results: [0x1E, 0x00, 0x00], no_online_pin }
}

fn not_required() -> Verified {
    let no_online_pin = Some(NoOnlinePin::NotInList);
    Verified { verification: CardholderVerification::NotRequired, results: [0x1F, 0x00, 0x02], no_online_pin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_says_which_kernel() {
        let of = |identifier: Option<&[u8]>, scheme| Kernel::of(Interface::Contactless, identifier, scheme);
        assert_eq!(of(Some(&[0x03]), Scheme::Visa), Kernel::Visa);
        assert_eq!(of(Some(&[0x00, 0x06]), Scheme::Discover), Kernel::Discover);
        assert_eq!(of(Some(&[0x02]), Scheme::CartesBancaires), Kernel::Mastercard);
        assert_eq!(of(Some(&[0x00]), Scheme::Jcb), Kernel::Jcb);
        assert_eq!(of(Some(&[]), Scheme::Amex), Kernel::Amex);
        assert_eq!(of(Some(&[0x81, 0x02, 0x76]), Scheme::Girocard), Kernel::Other);
        assert_eq!(of(None, Scheme::Interac), Kernel::Interac);
        assert_eq!(Kernel::of(Interface::Contact, Some(&[0x03]), Scheme::Visa), Kernel::Contact);
    }

    #[test]
    fn each_scheme_says_in_its_own_way_that_the_owner_is_known() {
        use CardholderVerification::{ConsumerDevice, NotRequired, OnlinePin, Signature};
        let says = |kernel: Kernel, aip: [u8; 2], tag: Tag, value: &'static [u8]| {
            kernel.verified(Some(aip), |asked| (asked == tag).then_some(value)).map(|said| said.verification)
        };
        for kernel in [Kernel::Visa, Kernel::UnionPay, Kernel::Discover] {
            assert_eq!(says(kernel, [0; 2], Tag::CTQ, &[0x80, 0x80]), Some(ConsumerDevice), "{kernel:?}");
            assert_eq!(says(kernel, [0; 2], Tag::CTQ, &[0x80, 0x00]), Some(OnlinePin));
            assert_eq!(says(kernel, [0; 2], Tag::CTQ, &[0x40, 0x00]), Some(Signature));
            assert_eq!(says(kernel, [0; 2], Tag::CTQ, &[0x00, 0x00]), Some(NotRequired));
            assert_eq!(says(kernel, [0; 2], Tag::CTQ, &[]), None);
        }
        assert_eq!(says(Kernel::Discover, [0; 2], Tag::DEVICE_VERIFICATION, &[0x00, 0x80]), Some(ConsumerDevice));
        assert_eq!(says(Kernel::Amex, [0; 2], Tag::DEVICE_VERIFICATION, &[0x01, 0x00, 0x02]), Some(ConsumerDevice));
        for value in [&[0x01, 0x00, 0x00][..], &[0x01, 0x00, 0x01], &[0x01, 0x00, 0x03], &[0x00, 0x03, 0x00], &[0x01]] {
            let kept = says(Kernel::Amex, [0; 2], Tag::DEVICE_VERIFICATION, Box::leak(value.into()));
            assert_eq!(kept, None, "{value:02X?}");
        }
        for (status, expected) in [
            (b"K", Some(ConsumerDevice)),
            (b"P", Some(OnlinePin)),
            (b"S", Some(Signature)),
            (b"N", Some(NotRequired)),
            (b"?", None),
        ] {
            assert_eq!(says(Kernel::Jcb, [0; 2], Tag::VERIFICATION_STATUS, status), expected);
        }
        for kernel in [Kernel::Mastercard, Kernel::Amex, Kernel::Jcb, Kernel::Interac, Kernel::Other] {
            assert_eq!(says(kernel, [0x02, 0x00], Tag::PAN, &[]), Some(ConsumerDevice), "{kernel:?}");
        }
        assert_eq!(says(Kernel::Visa, [0x02, 0x00], Tag::PAN, &[]), None, "qVSDC says it in the qualifiers only");
        assert_eq!(says(Kernel::Contact, [0x02, 0x00], Tag::PAN, &[]), None);
    }

    #[test]
    fn one_tag_means_different_things() {
        assert_eq!(Kernel::Mastercard.value(Tag::CATEGORY_OR_PROFILE).unwrap().len(), 1);
        assert_eq!(Kernel::Jcb.value(Tag::CATEGORY_OR_PROFILE).unwrap().len(), 3);
        assert!(Kernel::Visa.value(Tag::FORM_FACTOR).is_none());
        assert!(Kernel::Amex.value(Tag::FORM_FACTOR).is_some());
    }
}
