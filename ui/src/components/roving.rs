//! Which of several things the arrow keys go to, as the WAI-ARIA patterns for tabs and menus say it.

/// The way the things lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Side by side, from left to right.
    LeftToRight,
    /// Side by side, from right to left.
    RightToLeft,
    /// One under the other.
    Down,
}

/// The index a key goes to from `here` among `count` things; none when the key means nothing here.
pub fn goes_to(key: &str, here: usize, count: usize, lie: Lie) -> Option<usize> {
    if count == 0 {
        return None;
    }
    let next = Some((here + 1) % count);
    let before = Some((here + count - 1) % count);
    match (key, lie) {
        ("Home", _) => Some(0),
        ("End", _) => Some(count - 1),
        ("ArrowRight", Lie::LeftToRight) | ("ArrowLeft", Lie::RightToLeft) | ("ArrowDown", Lie::Down) => next,
        ("ArrowLeft", Lie::LeftToRight) | ("ArrowRight", Lie::RightToLeft) | ("ArrowUp", Lie::Down) => before,
        _ => None,
    }
}

/// The next thing after `here` that begins with a letter, whatever its case; none when the key is no letter or nothing does.
pub fn begins_with(key: &str, here: usize, names: &[String]) -> Option<usize> {
    let mut letters = key.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else { return None };
    let letter = letter.to_lowercase().to_string();
    let after = (here + 1..names.len()).chain(0..names.len().min(here + 1));
    after.into_iter().find(|index| names[*index].to_lowercase().starts_with(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_round_and_mirror() {
        assert_eq!(goes_to("ArrowRight", 2, 3, Lie::LeftToRight), Some(0));
        assert_eq!(goes_to("ArrowLeft", 0, 3, Lie::LeftToRight), Some(2));
        assert_eq!(goes_to("ArrowLeft", 0, 3, Lie::RightToLeft), Some(1));
        assert_eq!(goes_to("ArrowDown", 0, 3, Lie::Down), Some(1));
        assert_eq!(goes_to("ArrowUp", 0, 3, Lie::Down), Some(2));
        assert_eq!(goes_to("End", 0, 3, Lie::Down), Some(2));
        assert_eq!(goes_to("Home", 2, 3, Lie::RightToLeft), Some(0));
    }

    #[test]
    fn other_keys_stay_the_browsers() {
        assert_eq!(goes_to("ArrowDown", 0, 3, Lie::LeftToRight), None, "the page scrolls");
        assert_eq!(goes_to("Tab", 0, 3, Lie::Down), None);
        assert_eq!(goes_to("ArrowDown", 0, 0, Lie::Down), None, "there is nothing to go to");
    }

    #[test]
    fn a_letter_finds_the_next_name_that_begins_with_it() {
        let names = ["Save", "Share", "Print", "退款"].map(String::from);
        assert_eq!(begins_with("s", 0, &names), Some(1));
        assert_eq!(begins_with("S", 1, &names), Some(0));
        assert_eq!(begins_with("退", 0, &names), Some(3));
        assert_eq!(begins_with("x", 0, &names), None);
        assert_eq!(begins_with("Enter", 0, &names), None);
    }
}
