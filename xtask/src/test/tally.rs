//! The count of tests, summed over the closing lines of cargo's test programs.

use std::fmt;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// Adds every closing line among these, such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub fn count<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        for result in lines.into_iter().filter_map(|line| line.trim().strip_prefix("test result: ")) {
            let counts = result.split_once(". ").map_or(result, |(_, counts)| counts);
            for count in counts.split(';') {
                self.add(count.trim());
            }
        }
    }

    fn add(&mut self, count: &str) {
        let Some((number, word)) = count.split_once(' ') else { return };
        let Ok(number) = number.parse::<u64>() else { return };
        match word {
            "passed" => self.passed += number,
            "failed" => self.failed += number,
            "ignored" => self.skipped += number,
            _ => {}
        }
    }

    /// Whether a test failed.
    pub const fn has_failures(&self) -> bool {
        self.failed > 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_summed_and_the_rest_is_not() {
        let mut tally = Tally::default();
        tally.count([
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ]);
        assert_eq!(tally, Tally { passed: 5, failed: 4, skipped: 1 });
        assert!(tally.has_failures());
        assert_eq!(tally.to_string(), "5 passed, 4 failed, 1 skipped");
    }
}
