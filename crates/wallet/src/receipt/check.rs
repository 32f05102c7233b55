//! Anybody's receipt, checked without a network and told point by point.

use envelope::jws;
use envelope::keyset::{BankCertificate, TrustRoots};
use payment::{BankResult, Outcome};
use protocol::Problem;
use protocol::ipc::history::{
    CheckFinding, CheckLine, CheckVerdict, CheckedView, GivenReceipt, ProofView, ReceiptCheck, ReceiptFault,
};

use super::given::Claim;
use super::{VerifiedReceipt, outcome_in, outcome_under};
use crate::carrier::VerifiedProof;
use crate::clock::{self, signed};
use crate::error::{Result, WalletError};
use crate::keyset::Keys;
use crate::wallet::Wallet;

/// The checks that a short proof brings what it takes for.
const OF_A_PROOF: [ReceiptCheck; 4] =
    [ReceiptCheck::Form, ReceiptCheck::BankRoot, ReceiptCheck::BankSeal, ReceiptCheck::Approved];

impl Wallet {
    /// Checks anybody's receipt, without a network.
    pub async fn check_receipt(&self, given: GivenReceipt) -> std::result::Result<CheckedView, Problem> {
        let keys = self.core.keys.kept(clock::now_ms()).await?;
        let roots = self.core.keys.roots().clone();
        // A picture takes a while to look through.
        let checking = tokio::task::spawn_blocking(move || checked(given, &roots, keys.as_deref()));
        Ok(checking.await.map_err(|_| WalletError::Code(protocol::ErrorCode::Internal))??)
    }
}

/// What a claim proves, and the bank it names.
fn checked(given: GivenReceipt, roots: &TrustRoots, keys: Option<&Keys>) -> Result<CheckedView> {
    let found = Claim::find(given);
    let outcome_jws = match &found {
        Ok(Claim::Receipt(json)) => serde_json::from_str(json).ok().map(|receipt: payment::Receipt| receipt.outcome),
        Ok(Claim::Proof(outcome)) => Some(outcome.clone()),
        Ok(Claim::Purchase(proof)) => Some(proof.receipt.outcome.clone()),
        Err(_) => None,
    };
    let is_purchase = matches!(&found, Ok(Claim::Purchase(_)));
    let mut signed_by = None;
    let verdict = found.and_then(|claim| match claim {
        Claim::Receipt(json) => {
            let receipt = VerifiedReceipt::from_json(&json, roots)?;
            Ok(CheckVerdict::Receipt { receipt: Box::new(receipt.view()) })
        }
        Claim::Proof(outcome) => proof(&outcome, roots, keys).map(|proof| CheckVerdict::Proof { proof }),
        Claim::Purchase(purchase) => {
            let verified = VerifiedProof::verify(*purchase, roots)?;
            signed_by = Some(verified.key_fingerprint());
            Ok(CheckVerdict::Receipt { receipt: Box::new(verified.receipt().view()) })
        }
    });
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(WalletError::Receipt(fault, what)) => {
            tracing::info!(what, "a receipt was refused");
            CheckVerdict::Refused { fault }
        }
        Err(error) => return Err(error),
    };
    Ok(CheckedView {
        checks: lines(&verdict, is_purchase),
        operator_root: roots.operator.first().map(envelope::VerifyingKey::fingerprint).unwrap_or_default(),
        bank_root: outcome_jws.and_then(|outcome| bank_root(&outcome, roots)),
        verdict,
        signed_by,
    })
}

/// The fingerprint of the pinned root of the bank that an outcome names.
fn bank_root(outcome_jws: &str, roots: &TrustRoots) -> Option<String> {
    let claimed = Outcome::from_canonical(&jws::peek_payload_unverified(outcome_jws).ok()?)?;
    let root = roots.banks.iter().find(|root| root.bank_id == claimed.bank_id)?;
    Some(root.key.fingerprint())
}

/// The bank's word alone, under a certificate that this wallet has.
fn proof(outcome_jws: &str, roots: &TrustRoots, keys: Option<&Keys>) -> Result<ProofView> {
    let malformed = |_| WalletError::Receipt(ReceiptFault::MalformedOutcome, "the proof is not a signed message");
    let kid = jws::peek_kid(outcome_jws).map_err(malformed)?;
    let claimed = outcome_in(&jws::peek_payload_unverified(outcome_jws).map_err(malformed)?)?;
    let certificate = keys
        .and_then(|keys| keys.bank_certificate(&claimed.bank_id))
        .ok_or(WalletError::Receipt(ReceiptFault::BankUnknownHere, "no certificate of that bank is here"))?;
    // What the bank certifies today of the time of the decision counts: its certificate lists the keys of that time.
    let now_ms = signed(clock::now_ms());
    let certificate = BankCertificate::verify_at(certificate, &roots.banks, now_ms).map_err(|_| {
        WalletError::Receipt(ReceiptFault::BankNotCertified, "the bank's certificate is not signed by a pinned root")
    })?;
    let outcome = outcome_under(outcome_jws, &kid, &certificate, signed(claimed.decided_ms))?;
    let BankResult::Approved { approval_code } = &outcome.decision else {
        return Err(WalletError::Receipt(ReceiptFault::NotApproved, "the bank did not approve"));
    };
    let approval_code = approval_code.clone();
    let payee = keys.and_then(|keys| keys.keyset.merchant(outcome.merchant_id.as_str()));
    Ok(ProofView {
        attempt_id: outcome.attempt_id,
        amount: outcome.amount,
        payee: payee.map(|profile| profile.display_name.clone()),
        merchant_id: outcome.merchant_id,
        decided_ms: outcome.decided_ms,
        card_label: outcome.card_label,
        bank: certificate.bank_name,
        approval_code,
        rrn: outcome.rrn,
    })
}

/// Every check and what it found, given what came of them: they are made in their order, and the first that fails ends
/// them.
fn lines(verdict: &CheckVerdict, is_purchase: bool) -> Vec<CheckLine> {
    let failed = match verdict {
        CheckVerdict::Refused { fault } => Some(fault.check()),
        CheckVerdict::Receipt { .. } | CheckVerdict::Proof { .. } => None,
    };
    let is_proof = matches!(verdict, CheckVerdict::Proof { .. });
    let mut is_over = false;
    let line = |check: ReceiptCheck| {
        let finding = match (failed, is_proof) {
            (Some(failed), _) if failed == check => CheckFinding::Fails,
            (Some(_), _) if is_over => CheckFinding::NotChecked,
            (None, true) if !OF_A_PROOF.contains(&check) => CheckFinding::NotChecked,
            _ => CheckFinding::Holds,
        };
        is_over |= finding == CheckFinding::Fails;
        CheckLine { check, finding }
    };
    let besides = is_purchase.then_some(ReceiptCheck::OF_A_PURCHASE);
    ReceiptCheck::ALL.into_iter().chain(besides.into_iter().flatten()).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(fault: ReceiptFault) -> Vec<CheckFinding> {
        findings_of(fault, false)
    }

    fn findings_of(fault: ReceiptFault, is_purchase: bool) -> Vec<CheckFinding> {
        lines(&CheckVerdict::Refused { fault }, is_purchase).into_iter().map(|line| line.finding).collect()
    }

    #[test]
    fn the_first_check_that_fails_ends_them() {
        use CheckFinding::{Fails, Holds, NotChecked};
        assert_eq!(findings(ReceiptFault::NotAReceipt), [vec![Fails], vec![NotChecked; 6]].concat());
        assert_eq!(
            findings(ReceiptFault::KeysetNotSigned),
            [vec![Holds; 3], vec![Fails], vec![NotChecked; 3]].concat()
        );
        assert_eq!(findings(ReceiptFault::NotApproved), [vec![Holds; 6], vec![Fails]].concat());
        assert_eq!(findings_of(ReceiptFault::SubscriberSignature, true), [vec![Holds; 8], vec![Fails]].concat());
    }
}
