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
        choices[self.place_in(choices)]
    }

    fn place_in<T>(&mut self, choices: &[T]) -> usize {
        let place = self.below(u64::try_from(choices.len()).unwrap_or(u64::MAX));
        usize::try_from(place).unwrap_or(0)
    }
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The payment server.
    Server,
    /// The bank front.
    Bank,
    /// The vault.
    Vault,
    /// The telephone operator's front.
    Operator,
    /// Payment server and bank front, one right after the other.
    Both,
    /// Everything.
    All,
}

/// A process that can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// The payment server.
    Server,
    /// The bank front.
    Bank,
    /// The vault.
    Vault,
    /// The telephone operator's front.
    Operator,
}

impl Victim {
    /// Those of one process.
    const SINGLE: [Self; 4] = [Self::Server, Self::Bank, Self::Vault, Self::Operator];

    /// Which processes that are, in the order in which they fall. They rise in the other one.
    pub const fn processes(self) -> &'static [Process] {
        match self {
            Self::Server => &[Process::Server],
            Self::Bank => &[Process::Bank],
            Self::Vault => &[Process::Vault],
            Self::Operator => &[Process::Operator],
            Self::Both => &[Process::Server, Process::Bank],
            Self::All => &[Process::Server, Process::Bank, Process::Operator, Process::Vault],
        }
    }

    fn draw(draw: &mut Draw) -> Self {
        match draw.below(20) {
            0..7 => Self::Server,
            7..12 => Self::Bank,
            12..15 => Self::Vault,
            15..18 => Self::Operator,
            18 => Self::Both,
            _ => Self::All,
        }
    }
}

/// What is done with the vault's master keys while it is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterKey {
    /// Nothing.
    Kept,
    /// Another one is made, and everything goes over to it.
    Changed,
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
    /// Whether the vault has another master key when it is there again.
    pub master_key: MasterKey,
}

impl Blow {
    /// How often `kill -9` is said.
    pub fn kills(&self) -> usize {
        self.victim.processes().len() + self.again_after_ms.len()
    }
}

impl std::fmt::Display for Blow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {} calls kill {:?}", self.after_calls, self.victim)?;
        for ms in &self.again_after_ms {
            write!(f, ", again {ms} ms into its start")?;
        }
        if self.master_key == MasterKey::Changed {
            f.write_str(", which then has another master key")?;
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
        // Each process first, in a drawn order; then whoever is drawn.
        let mut round = Victim::SINGLE.to_vec();
        while left > 0 {
            let drawn = if round.is_empty() {
                Victim::draw(&mut draw)
            } else {
                let place = draw.place_in(&round);
                round.remove(place)
            };
            let victim = if drawn.processes().len() > left { Victim::Server } else { drawn };
            let room = left - victim.processes().len();
            let again = if draw.below(4) == 0 { 1 + draw.below(3) } else { 0 };
            let again = usize::try_from(again).unwrap_or(0).min(room);
            let scenario = (draw.below(3) > 0).then(|| draw.one_of(SCENARIOS));
            let changes_key = victim.processes().contains(&Process::Vault) && draw.below(3) == 0;
            let blow = Blow {
                victim,
                after_calls: 5 + draw.below(120),
                again_after_ms: (0..again).map(|_| draw.below(300)).collect(),
                scenario,
                master_key: if changes_key { MasterKey::Changed } else { MasterKey::Kept },
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
            let hit: Vec<Process> = plan.blows.iter().flat_map(|blow| blow.victim.processes()).copied().collect();
            for process in [Process::Server, Process::Bank, Process::Vault, Process::Operator] {
                assert!(hit.contains(&process), "{process:?} is never killed by seed {seed}");
            }
        }
        assert_ne!(Plan::draw(1, 37).blows, Plan::draw(2, 37).blows);
    }
}
