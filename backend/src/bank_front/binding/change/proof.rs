//! The codes of a change: who confirms it, what is sent, and whether what came back is right.

use payment::Currency;
use serde::Serialize;

use super::{ChangeRefused, Deed, text};
use crate::bank_front::binding::{Address, Payer, Terminal, TerminalKind};
use crate::bank_front::code::draw;
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::bank_front::gateways::Sending;
use crate::bank_front::hsm::Hsm;
use crate::storage::DbConnection;
use crate::totp::matching_step;

/// How often one code may be typed wrongly.
const CODE_TRIES_MAX: i64 = 3;

/// What a code of a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The owner of what the bank knows allows the change.
    Confirm,
    /// The terminal that is to be registered is in its owner's hand.
    Register,
}

impl Purpose {
    /// The stored name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Register => "register",
        }
    }
}

/// A code that a change waits for.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Proof {
    /// Its number within the change, from one on.
    pub number: i64,
    /// What it is for.
    pub purpose: Purpose,
    /// What kind of terminal it went to; a device makes it by itself.
    pub kind: TerminalKind,
    /// Where it went, masked; empty for a device.
    pub masked: String,
    /// How often it may be typed wrongly still.
    pub tries_left: i64,
    /// Whether it came back.
    pub is_proved: bool,
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) place: Option<i64>,
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) code_mac: Option<String>,
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) wrong_mac: Option<String>,
}

/// Who confirms a change.
pub(super) enum Confirmer {
    /// Whoever has what this address is of.
    Address(Address),
    /// Whoever has the device in this place.
    Device(i64),
    /// Nobody: the terminals that are registered say enough, or nothing has to be confirmed.
    Nobody,
}

/// Who has to confirm a deed.
pub(super) fn confirmer(
    customer: &Customer,
    deed: &Deed,
    terminals: &[Terminal],
    confirm_at: Option<i64>,
) -> Result<Confirmer, ChangeRefused> {
    match deed {
        Deed::End => return Ok(Confirmer::Nobody),
        Deed::Open { terminals, .. } if terminals.contains(&customer.telephone) => return Ok(Confirmer::Nobody),
        Deed::Open { .. } => return Ok(Confirmer::Address(customer.telephone.clone())),
        Deed::AddAccount(_)
        | Deed::AddTerminal(_)
        | Deed::RemoveTerminal(_)
        | Deed::Limits { .. }
        | Deed::Password(_)
        | Deed::Unlock => {}
    }
    let wanted = |terminal: &&Terminal| confirm_at.is_none_or(|place| terminal.place == place);
    let terminal = terminals.iter().find(wanted).ok_or(ChangeRefused::TerminalUnknown)?;
    Ok(match &terminal.address {
        Some(address) => Confirmer::Address(address.clone()),
        None => Confirmer::Device(terminal.place),
    })
}

/// The codes that a change waits for, and what has to be sent.
pub(super) fn proofs(
    hsm: &Hsm,
    change_id: &str,
    deed: &Deed,
    confirmer: Confirmer,
    (currency, language): (Currency, &str),
) -> (Vec<Proof>, Vec<Sending>) {
    let (mut proofs, mut sendings) = (Vec::new(), Vec::new());
    let mut sent = |proofs: &mut Vec<Proof>, purpose: Purpose, to: &Address| {
        let number = next_number(proofs);
        let code = draw();
        proofs.push(Proof {
            number,
            purpose,
            kind: to.kind(),
            masked: to.masked(),
            tries_left: CODE_TRIES_MAX,
            is_proved: false,
            place: None,
            code_mac: Some(hsm.code_mac(&occasion(change_id, number), &code)),
            wrong_mac: None,
        });
        let text = match purpose {
            Purpose::Confirm => text::confirming(&code, deed, currency, language),
            Purpose::Register => text::registering(&code, to.kind(), language),
        };
        sendings.push(Sending::new(to.clone(), text));
    };
    match confirmer {
        Confirmer::Address(address) => sent(&mut proofs, Purpose::Confirm, &address),
        Confirmer::Device(place) => proofs.push(Proof {
            number: next_number(&proofs),
            purpose: Purpose::Confirm,
            kind: TerminalKind::Device,
            masked: String::new(),
            tries_left: CODE_TRIES_MAX,
            is_proved: false,
            place: Some(place),
            code_mac: None,
            wrong_mac: None,
        }),
        Confirmer::Nobody => {}
    }
    for address in deed.registers() {
        sent(&mut proofs, Purpose::Register, address);
    }
    (proofs, sendings)
}

fn next_number(proofs: &[Proof]) -> i64 {
    i64::try_from(proofs.len()).unwrap_or(i64::MAX).saturating_add(1)
}

/// What the HMAC of a code is bound to, beside the code.
pub(super) fn occasion(change_id: &str, number: i64) -> String {
    format!("change {change_id} {number}")
}

/// Whether a code is the one that a proof waits for. What of a device's time was used is noted.
pub(super) async fn is_code(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    customer: &str,
    (change_id, proof, code): (&str, &Proof, &str),
    now_ms: i64,
) -> Result<bool, BankError> {
    if let Some(mac) = &proof.code_mac {
        return Ok(hsm.is_code(&occasion(change_id, proof.number), code, mac));
    }
    let payer = Payer::of_customer(db_tx, customer).await?;
    let terminals = payer.terminals(db_tx).await?;
    let device = terminals.iter().find(|terminal| Some(terminal.place) == proof.place && terminal.address.is_none());
    // It may have been removed at the counter meanwhile.
    let Some(device) = device else { return Ok(false) };
    let secret = hsm.device_secret(&payer.payer_id, device.place);
    let Some(step) = matching_step(&*secret, code, device.last_step, now_ms) else { return Ok(false) };
    device.store_step(db_tx, &payer.payer_id, step).await?;
    Ok(true)
}
