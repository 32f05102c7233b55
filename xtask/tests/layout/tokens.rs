//! The colours of the screens can be told apart: the contrast of what stands on what, computed from the style sheet.

use std::collections::BTreeMap;

/// Letters on the ground they stand on: 4.5 to 1 at least (WCAG 2.2, 1.4.3).
const LETTERS: &[(&str, &str)] = &[
    ("ink", "paper"),
    ("ink", "raised"),
    ("ink", "key"),
    ("quiet", "paper"),
    ("quiet", "raised"),
    ("on-seal", "seal"),
    ("on-seal", "seal-pressed"),
    ("seal", "paper"),
    ("seal", "raised"),
    ("good", "paper"),
    ("good", "raised"),
    ("good", "good-wash"),
    ("wait", "paper"),
    ("wait", "raised"),
    ("wait", "wait-wash"),
    ("bad", "paper"),
    ("bad", "raised"),
    ("bad", "bad-wash"),
    ("ink", "seal-wash"),
    ("ink", "good-wash"),
    ("ink", "wait-wash"),
    ("ink", "bad-wash"),
];

/// Edges of controls and the ring of the focus: 3 to 1 at least (WCAG 2.2, 1.4.11).
const EDGES: &[(&str, &str)] = &[("edge", "paper"), ("edge", "raised"), ("seal", "paper"), ("seal", "raised")];

/// Where more contrast was asked for: 7 to 1 (WCAG 2.2, 1.4.6).
const LETTERS_MORE_MIN: f64 = 7.0;
const LETTERS_MIN: f64 = 4.5;
const EDGES_MIN: f64 = 3.0;

/// The colours of one set: name to light and dark.
type Colours = BTreeMap<String, (String, String)>;

/// Every pair of colours in `css` that is too close, in the usual set and in the one with more contrast.
pub fn too_close(css: &str) -> Vec<String> {
    let usual = colours(block(css, "  :root {"));
    let mut more = usual.clone();
    more.extend(colours(block(css, "  :root[data-contrast=\"more\"] {")));
    let mut breaches = of_set("usual", &usual, LETTERS_MIN);
    breaches.extend(of_set("more", &more, LETTERS_MORE_MIN));
    breaches
}

fn of_set(name: &str, colours: &Colours, letters_min: f64) -> Vec<String> {
    let pairs = LETTERS.iter().map(|pair| (pair, letters_min)).chain(EDGES.iter().map(|pair| (pair, EDGES_MIN)));
    let mut breaches = Vec::new();
    for ((front, ground), least) in pairs {
        let (Some(front_of), Some(ground_of)) = (colours.get(*front), colours.get(*ground)) else {
            breaches.push(format!("{front} or {ground} is no colour of the set {name}"));
            continue;
        };
        for (look, a, b) in [("light", &front_of.0, &ground_of.0), ("dark", &front_of.1, &ground_of.1)] {
            let ratio = contrast(a, b);
            if ratio < least {
                breaches
                    .push(format!("{front} on {ground} is {ratio:.2} to 1 in {look}, {name}: {least} is the least"));
            }
        }
    }
    breaches
}

/// What stands between the braces after `head`.
fn block<'a>(css: &'a str, head: &str) -> &'a str {
    let after = css.split_once(head).map_or("", |(_, after)| after);
    after.split_once("\n  }").map_or("", |(inside, _)| inside)
}

/// `--name: light-dark(#light, #dark);`
fn colours(block: &str) -> Colours {
    let colour = |line: &str| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": light-dark(")?;
        let (light, dark) = value.strip_suffix(");")?.split_once(", ")?;
        Some((name.to_owned(), (light.to_owned(), dark.to_owned())))
    };
    block.lines().filter_map(colour).collect()
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The relative luminance of `#rrggbb` (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let channel = |from: usize| {
        let value = u8::from_str_radix(colour.get(from..from + 2).unwrap_or("00"), 16).unwrap_or(0);
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[test]
fn a_pale_letter_is_caught() {
    let css = "  :root {\n    --quiet: light-dark(#b0b0b0, #a3a7ae);\n    --paper: light-dark(#faf8f4, #0f1113);\n  }";
    let breaches = too_close(css);
    assert!(breaches.iter().any(|breach| breach.starts_with("quiet on paper is 2.0")), "{breaches:?}");
    assert!(!breaches.iter().any(|breach| breach.starts_with("quiet on paper") && breach.contains("dark, usual")));
}
