//! Terminal risk management: floor limit and velocity checking (Book 3 section 10.6).
//!
//! This terminal sends every payment online, so its floor limit is zero and its sessions ask for no counters, which
//! would cost two exchanges and change nothing. Random selection needs a random number and has no meaning here.

/// TVR byte 4 (Book 3 annex C5).
const FLOOR_LIMIT: u8 = 0x80;
const LOWER_LIMIT: u8 = 0x40;
const UPPER_LIMIT: u8 = 0x20;
/// TVR byte 2 bit 4.
const NEW_CARD: u8 = 0x08;

/// What velocity checking looks at (section 10.6.3): counters are `None` when the card did not give them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Velocity {
    /// 9F14, lower consecutive offline limit.
    pub lower: u8,
    /// 9F23, upper consecutive offline limit.
    pub upper: u8,
    /// 9F36.
    pub counter: Option<u16>,
    /// 9F13, the counter when the card was last online.
    pub last_online: Option<u16>,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    /// Bits for TVR byte 2.
    pub tvr_2: u8,
    /// Bits for TVR byte 4.
    pub tvr_4: u8,
}

/// Compares the amount, and what the same card spent here before, with the floor limit; then the counters. All amounts
/// are in minor units.
pub fn manage(
    amount_minor: u64,
    spent_before_minor: u64,
    floor_limit_minor: u64,
    velocity: Option<Velocity>,
) -> Findings {
    let mut findings = Findings::default();
    if amount_minor.saturating_add(spent_before_minor) >= floor_limit_minor {
        findings.tvr_4 |= FLOOR_LIMIT;
    }
    let Some(velocity) = velocity else { return findings };
    match (velocity.counter, velocity.last_online) {
        (Some(counter), Some(last_online)) if counter > last_online => {
            let offline = counter - last_online;
            if offline > u16::from(velocity.lower) {
                findings.tvr_4 |= LOWER_LIMIT;
            }
            if offline > u16::from(velocity.upper) {
                findings.tvr_4 |= UPPER_LIMIT;
            }
        }
        // Without both counters, or with a counter that did not grow, both limits count as passed.
        _ => findings.tvr_4 |= LOWER_LIMIT | UPPER_LIMIT,
    }
    if velocity.last_online == Some(0) {
        findings.tvr_2 |= NEW_CARD;
    }
    findings
}
