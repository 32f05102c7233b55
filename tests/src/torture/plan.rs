//! What is drawn from the seed: who is killed when, what the bank does wrong meanwhile, what each payer does.
//!
//! Moments go by the calls that were answered, not by the clock, so that a plan means the same on a slow machine. What
//! the processes do between two answers is not determined by the seed.

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// Draws for one actor, by the run's seed and the actor's number.
    pub const fn new(seed: u64, actor: u64) -> Self {
        Self(seed ^ actor.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `end`.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let place = self.below(u64::try_from(choices.len()).unwrap_or(u64::MAX));
        choices[usize::try_from(place).unwrap_or(0)]
    }
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The payment server.
    Server,
    /// The bank front.
    Bank,
    /// Both, one right after the other.
    Both,
}

/// One blow of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blow {
    /// Who is killed.
    pub victim: Victim,
    /// How many more calls are answered first.
    pub after_calls: u64,
    /// Killed again while it starts, so many milliseconds after each start: the start itself is a recovery, and
    /// brings the schema up to date.
    pub again_after_ms: Vec<u64>,
    /// What the bank does wrong from here on.
    pub scenario: Option<&'static str>,
}

impl Blow {
    /// How often `kill -9` is said.
    pub fn kills(&self) -> usize {
        let victims = if self.victim == Victim::Both { 2 } else { 1 };
        victims + self.again_after_ms.len()
    }
}

impl std::fmt::Display for Blow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {} calls kill {:?}", self.after_calls, self.victim)?;
        for ms in &self.again_after_ms {
            write!(f, ", again {ms} ms into its start")?;
        }
        if let Some(scenario) = self.scenario {
            write!(f, "; the bank then plays {scenario}")?;
        }
        Ok(())
    }
}

/// The whole plan of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The blows, in order.
    pub blows: Vec<Blow>,
    /// When the making of the databases is killed, in milliseconds after its start.
    pub migrations_killed_after_ms: Vec<u64>,
}

/// What a bank does wrong during a run: everything after which the money is right without a person's decision.
const SCENARIOS: &[&str] = &[
    "none",
    "silent",
    "debit_lost",
    "debit_then_silent",
    "debit_then_deaf",
    "debit_then_deaf",
    "slow:900",
    "duplicate",
    "mixed",
    "mixed",
    "mixed",
    "mixed",
    "mixed",
    "reversal_lost:2",
    "busy:91",
    "cut",
    "malformed:noise",
    "malformed:composite",
    "malformed:type",
    "malformed:length",
    "decline:declined_limit",
    "roll_key",
];

impl Plan {
    /// Draws a plan with exactly `kills` kills.
    pub fn draw(seed: u64, kills: usize) -> Self {
        let mut draw = Draw::new(seed, 0);
        // A few of them hit the making of the databases, before anything else.
        let migrations = kills / 20;
        let migrations_killed_after_ms = (0..migrations).map(|_| draw.below(60)).collect();
        let mut blows = Vec::new();
        let mut left = kills - migrations;
        while left > 0 {
            let victim = match draw.below(10) {
                0..5 => Victim::Server,
                5..9 => Victim::Bank,
                _ if left > 1 => Victim::Both,
                _ => Victim::Server,
            };
            let room = left - if victim == Victim::Both { 2 } else { 1 };
            let again = if draw.below(4) == 0 { 1 + draw.below(3) } else { 0 };
            let again = usize::try_from(again).unwrap_or(0).min(room);
            let scenario = (draw.below(3) > 0).then(|| draw.one_of(SCENARIOS));
            let blow = Blow {
                victim,
                after_calls: 5 + draw.below(120),
                again_after_ms: (0..again).map(|_| draw.below(250)).collect(),
                scenario,
            };
            left -= blow.kills();
            blows.push(blow);
        }
        Self { blows, migrations_killed_after_ms }
    }

    /// How often `kill -9` is said in all.
    pub fn kills(&self) -> usize {
        self.migrations_killed_after_ms.len() + self.blows.iter().map(Blow::kills).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_the_kills_it_was_asked_for_and_is_the_same_for_the_same_seed() {
        for seed in 0..50 {
            let plan = Plan::draw(seed, 37);
            assert_eq!(plan.kills(), 37);
            assert_eq!(plan.blows, Plan::draw(seed, 37).blows);
        }
        assert_ne!(Plan::draw(1, 37).blows, Plan::draw(2, 37).blows);
    }
}
