//! The count of tests, summed over the closing lines of cargo's test programs and of Maven.

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
        for line in lines {
            if let Some(result) = line.trim().strip_prefix("test result: ") {
                let counts = result.split_once(". ").map_or(result, |(_, counts)| counts);
                counts.split(';').for_each(|count| self.add(count.trim()));
            } else if let Some((_, counts)) = line.split_once("Tests run: ")
                // A line about one class goes on with its time; the sum over all of them does not.
                && !counts.contains("Time elapsed")
            {
                self.add_maven(counts);
            }
        }
    }

    /// Adds `38, Failures: 1, Errors: 0, Skipped: 0`, where the first counts all of them.
    fn add_maven(&mut self, counts: &str) {
        let counts = counts.split(',').map(|count| count.rsplit(' ').next().and_then(|number| number.parse().ok()));
        let Some(counts) = counts.collect::<Option<Vec<u64>>>() else { return };
        let [run, failures, errors, skipped] = counts[..] else { return };
        self.failed += failures + errors;
        self.skipped += skipped;
        self.passed += run.saturating_sub(failures + errors + skipped);
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

    #[test]
    fn mavens_sum_counts_once() {
        let mut tally = Tally::default();
        tally.count([
            "[INFO] Tests run: 6, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.039 s -- in org.DeskTest",
            "[ERROR] Tests run: 38, Failures: 1, Errors: 2, Skipped: 3",
            "Tests run: everything",
        ]);
        assert_eq!(tally, Tally { passed: 32, failed: 3, skipped: 3 });
    }
}
