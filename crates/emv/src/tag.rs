//! Tags of EMV data objects and their formats (Book 3 annex A; Books C for the contactless ones).

use std::fmt;

/// A BER-TLV tag of at most four bytes, kept as its bytes read big-endian.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

impl Tag {
    /// Bit 6 of the first byte: the value is itself TLV.
    pub fn is_constructed(self) -> bool {
        self.to_bytes().next().is_some_and(|first| first & 0x20 != 0)
    }

    /// The tag's bytes.
    pub fn to_bytes(self) -> impl Iterator<Item = u8> {
        let bytes = self.0.to_be_bytes();
        let skip = bytes[..3].iter().take_while(|byte| **byte == 0).count();
        bytes.into_iter().skip(skip)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a value is cut or padded to the length a DOL asks for (Book 3 section 5.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `n`: right-aligned digits.
    Numeric,
    /// `cn`: left-aligned digits, padded with F.
    CompressedNumeric,
    /// Everything else: left-aligned.
    Binary,
}

macro_rules! tags {
    ($($name:ident = $value:literal, $doc:literal;)*) => {
        impl Tag {
            $(#[doc = $doc] pub const $name: Self = Self($value);)*
        }
    };
}

tags! {
    APPLICATION_TEMPLATE = 0x61, "Application template of a directory entry.";
    FCI_TEMPLATE = 0x6F, "File control information template.";
    RECORD_TEMPLATE = 0x70, "READ RECORD response template.";
    RESPONSE_FORMAT_2 = 0x77, "Response message template format 2.";
    RESPONSE_FORMAT_1 = 0x80, "Response message template format 1.";
    COMMAND_TEMPLATE = 0x83, "Command template of GET PROCESSING OPTIONS.";
    DF_NAME = 0x84, "Dedicated file name.";
    FCI_PROPRIETARY = 0xA5, "FCI proprietary template.";
    FCI_ISSUER_DISCRETIONARY = 0xBF0C, "FCI issuer discretionary data.";
    AID = 0x4F, "Application identifier of a directory entry.";
    LABEL = 0x50, "Application label.";
    TRACK_1_MAG_STRIPE = 0x56, "Track 1 data of a mag-stripe mode card (Book C-2).";
    TRACK_2 = 0x57, "Track 2 equivalent data.";
    PAN = 0x5A, "Application primary account number.";
    CARDHOLDER_NAME = 0x5F20, "Cardholder name.";
    EFFECTIVE_DATE = 0x5F25, "Application effective date, YYMMDD.";
    ISSUER_COUNTRY = 0x5F28, "Issuer country code, ISO 3166 numeric.";
    EXPIRY_DATE = 0x5F24, "Application expiration date, YYMMDD.";
    TRANSACTION_CURRENCY = 0x5F2A, "Transaction currency code, ISO 4217 numeric.";
    PAN_SEQUENCE = 0x5F34, "PAN sequence number.";
    CURRENCY_EXPONENT = 0x5F36, "Transaction currency exponent.";
    SFI = 0x88, "Short file identifier of the PSE directory.";
    AIP = 0x82, "Application interchange profile.";
    ISSUER_SCRIPT_1 = 0x71, "Issuer script template 1: before the second GENERATE AC.";
    ISSUER_SCRIPT_2 = 0x72, "Issuer script template 2: after the second GENERATE AC.";
    ISSUER_SCRIPT_COMMAND = 0x86, "Issuer script command.";
    PRIORITY = 0x87, "Application priority indicator.";
    AUTHORISATION_RESPONSE = 0x8A, "Authorisation response code.";
    CDOL1 = 0x8C, "Card risk management data object list 1.";
    CDOL2 = 0x8D, "Card risk management data object list 2.";
    CVM_LIST = 0x8E, "Cardholder verification method list.";
    CA_INDEX = 0x8F, "Certification authority public key index.";
    ISSUER_CERTIFICATE = 0x90, "Issuer public key certificate.";
    ISSUER_REMAINDER = 0x92, "Issuer public key remainder.";
    SIGNED_STATIC_DATA = 0x93, "Signed static application data.";
    ISSUER_AUTHENTICATION = 0x91, "Issuer authentication data.";
    AFL = 0x94, "Application file locator.";
    TVR = 0x95, "Terminal verification results.";
    TDOL = 0x97, "Transaction certificate data object list.";
    TC_HASH = 0x98, "Hash over what the TDOL names.";
    TRANSACTION_DATE = 0x9A, "Transaction date, YYMMDD.";
    TSI = 0x9B, "Transaction status information.";
    TRANSACTION_TYPE = 0x9C, "Transaction type.";
    AMOUNT_AUTHORISED = 0x9F02, "Amount, authorised, in minor units.";
    AMOUNT_OTHER = 0x9F03, "Amount, other (cashback).";
    USAGE_CONTROL = 0x9F07, "Application usage control.";
    APPLICATION_VERSION = 0x9F08, "Application version number of the card.";
    TERMINAL_APPLICATION_VERSION = 0x9F09, "Application version number of the terminal.";
    ACTION_DEFAULT = 0x9F0D, "Issuer action code, default.";
    ACTION_DENIAL = 0x9F0E, "Issuer action code, denial.";
    ACTION_ONLINE = 0x9F0F, "Issuer action code, online.";
    IAD = 0x9F10, "Issuer application data.";
    CODE_TABLE = 0x9F11, "Issuer code table index: which part of ISO/IEC 8859 the preferred name is in.";
    PREFERRED_NAME = 0x9F12, "Application preferred name.";
    MERCHANT_CATEGORY = 0x9F15, "Merchant category code.";
    ISSUER_SCRIPT_ID = 0x9F18, "Issuer script identifier.";
    TERMINAL_COUNTRY = 0x9F1A, "Terminal country code, ISO 3166 numeric.";
    DEVICE_SERIAL = 0x9F1E, "Interface device serial number.";
    FLOOR_LIMIT = 0x9F1B, "Terminal floor limit.";
    TRANSACTION_TIME = 0x9F21, "Transaction time, HHMMSS.";
    ACCOUNT_REFERENCE = 0x9F24, "Payment account reference.";
    CRYPTOGRAM = 0x9F26, "Application cryptogram.";
    CID = 0x9F27, "Cryptogram information data.";
    KERNEL = 0x9F2A, "Kernel identifier of a PPSE entry.";
    ISSUER_EXPONENT = 0x9F32, "Issuer public key exponent.";
    TERMINAL_CAPABILITIES = 0x9F33, "Terminal capabilities.";
    CVM_RESULTS = 0x9F34, "Cardholder verification method results.";
    TERMINAL_TYPE = 0x9F35, "Terminal type.";
    ATC = 0x9F36, "Application transaction counter.";
    UNPREDICTABLE_NUMBER = 0x9F37, "Unpredictable number.";
    PDOL = 0x9F38, "Processing options data object list.";
    ADDITIONAL_CAPABILITIES = 0x9F40, "Additional terminal capabilities.";
    SEQUENCE_COUNTER = 0x9F41, "Transaction sequence counter of the terminal.";
    APPLICATION_CURRENCY = 0x9F42, "Application currency code.";
    DATA_AUTHENTICATION_CODE = 0x9F45, "Data authentication code.";
    CARD_CERTIFICATE = 0x9F46, "ICC public key certificate.";
    CARD_EXPONENT = 0x9F47, "ICC public key exponent.";
    CARD_REMAINDER = 0x9F48, "ICC public key remainder.";
    DDOL = 0x9F49, "Dynamic data authentication data object list.";
    STATIC_DATA_TAGS = 0x9F4A, "Static data authentication tag list.";
    SDAD = 0x9F4B, "Signed dynamic application data.";
    DYNAMIC_NUMBER = 0x9F4C, "ICC dynamic number.";
    MERCHANT_NAME = 0x9F4E, "Merchant name and location.";
    VERIFICATION_STATUS = 0x9F50, "Cardholder verification status (Book C-5).";
    COMBINATION_OPTIONS = 0x9F52, "Combination options (Book C-5).";
    CATEGORY_OR_PROFILE = 0x9F53, "Transaction category code (M/Chip, D-PAS), or terminal interchange profile (Book C-5).";
    MERCHANT_TYPE = 0x9F58, "Merchant type indicator (Interac).";
    TERMINAL_INFORMATION = 0x9F59, "Terminal transaction information (Interac).";
    INTERAC_TYPE = 0x9F5A, "Terminal transaction type (Interac).";
    PRODUCT = 0x9F63, "Card product identification information (UnionPay).";
    TTQ = 0x9F66, "Terminal transaction qualifiers (Book C-3).";
    CARD_AUTHENTICATION = 0x9F69, "Card authentication related data (Book C-3).";
    TRACK_2_MAG_STRIPE = 0x9F6B, "Track 2 data of a mag-stripe mode card (Book C-2).";
    CTQ = 0x9F6C, "Card transaction qualifiers (Book C-3).";
    READER_CAPABILITIES = 0x9F6D, "Contactless reader capabilities (Book C-4).";
    FORM_FACTOR = 0x9F6E, "Form factor indicator, third party data, or enhanced reader capabilities (Book C-4).";
    DEVICE_VERIFICATION = 0x9F71, "Mobile CVM results (Book C-4), or card processing requirements (Book C-6).";
    CUSTOMER_DATA = 0x9F7C, "Customer exclusive data (Visa), or merchant custom data (M/Chip).";
}

impl Tag {
    /// The format a DOL uses for this tag. Unlisted tags are binary, which pads as `an`, `ans` and `b` alike.
    pub fn format(self) -> Format {
        match self.0 {
            0x5A | 0x9F20 => Format::CompressedNumeric,
            0x5F24 | 0x5F25 | 0x5F28 | 0x5F2A | 0x5F30 | 0x5F34 | 0x5F36 | 0x9A | 0x9C | 0x9F01 | 0x9F02 | 0x9F03
            | 0x9F11 | 0x9F15 | 0x9F19 | 0x9F1A | 0x9F21 | 0x9F35 | 0x9F39 | 0x9F3C | 0x9F3D | 0x9F41 | 0x9F42
            | 0x9F44 | 0x9F57 => Format::Numeric,
            _ => Format::Binary,
        }
    }
}
