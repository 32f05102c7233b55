//! Names that payers are shown: none that mixes scripts to look like another, and no two that look alike.
//!
//! The payer decides by the name alone whom to pay, so what the operator signs must not be mistaken for somebody else's
//! (Unicode Technical Standard 39: restriction levels in section 5.2, confusables in section 4).

use unicode_security::confusable_detection::skeleton;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection};

use super::{KeysError, MerchantFacts};

/// Refuses the merchants when a name can be mistaken.
pub(super) fn check(merchants: &[MerchantFacts]) -> Result<(), KeysError> {
    for (place, facts) in merchants.iter().enumerate() {
        let name = &facts.display_name;
        if mixes_scripts(name) {
            return Err(KeysError::Name { name: name.clone(), what: "mixes scripts whose letters look alike" });
        }
        if merchants[..place].iter().any(|other| other.merchant_id != facts.merchant_id && look_alike(name, other)) {
            return Err(KeysError::Name { name: name.clone(), what: "looks like another merchant's name" });
        }
    }
    Ok(())
}

/// Latin beside Chinese, Japanese or Korean is usual; Latin beside Cyrillic or Greek is how names are forged.
pub fn mixes_scripts(name: &str) -> bool {
    let letters: String = name.chars().filter(|letter| letter.is_alphanumeric()).collect();
    match letters.as_str().detect_restriction_level() {
        RestrictionLevel::ASCIIOnly | RestrictionLevel::SingleScript | RestrictionLevel::HighlyRestrictive => false,
        RestrictionLevel::ModeratelyRestrictive
        | RestrictionLevel::MinimallyRestrictive
        | RestrictionLevel::Unrestricted => true,
    }
}

fn look_alike(name: &str, other: &MerchantFacts) -> bool {
    shape(name) == shape(&other.display_name)
}

/// What the eye keeps of a name: no case, no spaces, and every letter as the one it is mistaken for.
fn shape(name: &str) -> String {
    let folded = |text: &str| text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    // Folded before and after: a capital may look like a letter that its small form does not.
    folded(&skeleton(&folded(name)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merchants(names: &[&str]) -> Vec<MerchantFacts> {
        let facts = |(n, name): (usize, &&str)| format!("merchant-{n}:{name}:5814:US:USD").parse().unwrap();
        names.iter().enumerate().map(facts).collect()
    }

    #[test]
    fn ordinary_names_are_taken() {
        let names = [
            "Blue Door Café",
            "Red Door",
            "蓝门咖啡",
            "蓝门 Coffee",
            "Кафе Синяя дверь",
            "Καφέ",
            "珈琲 Aoi",
            "7-Eleven 24h",
        ];
        assert!(check(&merchants(&names)).is_ok());
    }

    #[test]
    fn a_name_that_mixes_scripts_is_refused() {
        // The second letter is Cyrillic, in the last the first is Greek.
        for name in ["Bluе Door", "Pаypal", "Αmazon"] {
            assert!(check(&merchants(&[name])).is_err(), "{name}");
        }
    }

    #[test]
    fn two_names_that_look_alike_are_refused() {
        for (one, other) in
            [("Blue Door", "BlueDoor"), ("Blue Door", "blue-door"), ("Paypal", "Paypa1"), ("сосо", "coco")]
        {
            assert!(check(&merchants(&[one, other])).is_err(), "{one} {other}");
        }
    }
}
