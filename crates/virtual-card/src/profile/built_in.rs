//! The profiles that come with the program.

/// Profiles that come with the program: name and TOML.
pub const BUILT_IN: [(&str, &str); 17] = [
    ("visa", include_str!("../../profiles/visa.toml")),
    ("mastercard", include_str!("../../profiles/mastercard.toml")),
    ("unionpay", include_str!("../../profiles/unionpay.toml")),
    ("amex", include_str!("../../profiles/amex.toml")),
    ("discover", include_str!("../../profiles/discover.toml")),
    ("diners", include_str!("../../profiles/diners.toml")),
    ("jcb", include_str!("../../profiles/jcb.toml")),
    ("interac", include_str!("../../profiles/interac.toml")),
    ("phone-visa", include_str!("../../profiles/phone-visa.toml")),
    ("phone-mastercard", include_str!("../../profiles/phone-mastercard.toml")),
    ("two-apps", include_str!("../../profiles/two-apps.toml")),
    ("long-pan", include_str!("../../profiles/long-pan.toml")),
    ("contact-t0", include_str!("../../profiles/contact-t0.toml")),
    ("contact-t1", include_str!("../../profiles/contact-t1.toml")),
    ("mag-stripe-mode", include_str!("../../profiles/mag-stripe-mode.toml")),
    ("blocked", include_str!("../../profiles/blocked.toml")),
    ("expired", include_str!("../../profiles/expired.toml")),
];
