//! What came of a check: the verdict, every check with what it found, the roots, and the receipt itself.

use leptos::prelude::*;
use protocol::error::Problem;
use protocol::ipc::history::{
    CheckFinding, CheckLine, CheckVerdict, CheckedView, ProofView, ReceiptCheck, ReceiptFault,
};

use crate::components::amount::{AmountSize, amount};
use crate::components::group::{disclosure, fact, facts, fingerprint, wide_fact};
use crate::components::icon;
use crate::components::receipt_sheet::{Whose, receipt_sheet};
use crate::format;
use crate::i18n::Text;
use crate::stage::card_label;
use crate::state::App;

/// The verdict in a line.
pub fn headline(verdict: &Result<CheckedView, Problem>) -> Text {
    match verdict {
        Ok(CheckedView { verdict: CheckVerdict::Receipt { .. }, .. }) => Text::VerifyGood,
        Ok(CheckedView { verdict: CheckVerdict::Proof { .. }, .. }) => Text::VerifyProof,
        Ok(CheckedView { verdict: CheckVerdict::Refused { fault }, .. }) => match fault {
            ReceiptFault::BankUnknownHere => Text::VerifyNotHere,
            ReceiptFault::NotAReceipt | ReceiptFault::TooLarge => Text::VerifyNothing,
            _ => Text::VerifyBad,
        },
        Err(problem) => Text::error_title(problem.code),
    }
}

/// Everything that came of it.
pub fn answer(app: App, verdict: Result<CheckedView, Problem>) -> impl IntoView {
    let said = headline(&verdict);
    let is_good = matches!(&verdict, Ok(checked) if !matches!(checked.verdict, CheckVerdict::Refused { .. }));
    let (class, shape) = if is_good {
        ("verdict verdict-good", icon::check().into_any())
    } else {
        ("verdict verdict-bad", icon::cross().into_any())
    };
    let body = match verdict {
        Ok(checked) => found(app, checked).into_any(),
        Err(problem) => {
            view! { <p data-problem=problem.code.as_str()>{app.t(Text::error_next(problem.code))}</p> }.into_any()
        }
    };
    view! {
        <p class=class data-verified=is_good.to_string()>{shape}<span>{app.t(said)}</span></p>
        {body}
    }
}

fn found(app: App, checked: CheckedView) -> impl IntoView {
    let CheckedView { verdict, checks, operator_root, bank_root, signed_by } = checked;
    let (why, body) = match verdict {
        CheckVerdict::Receipt { receipt } => (None, Some(receipt_sheet(app, &receipt, Whose::Anyones).into_any())),
        CheckVerdict::Proof { proof } => (Some(Text::VerifyProofBody), Some(proof_sheet(app, proof).into_any())),
        CheckVerdict::Refused { fault } => (Some(fault_text(fault)), None),
    };
    let fault = checks.iter().find(|line| line.finding == CheckFinding::Fails).map(|line| line.check.name());
    let roots = view! {
        {facts((
            wide_fact(app, Text::VerifyOperatorRoot, fingerprint(move || operator_root.clone())),
            bank_root.map(|root| wide_fact(app, Text::VerifyBankRoot, fingerprint(move || root.clone()))),
        ))}
        <p class="quiet small">{app.t(Text::VerifyRootsBody)}</p>
    };
    view! {
        {why.map(|why| view! { <p data-part="why" data-fault=fault>{app.t(why)}</p> })}
        {body}
        {signed_by.map(|key| view! {
            {facts(wide_fact(app, Text::BillSignedBy, fingerprint(move || key.clone())))}
            <p class="quiet small">{app.t(Text::BillSignedByBody)}</p>
        })}
        <ol class="findings" aria-label=app.t(Text::VerifyChecks)>{checks.into_iter().map(|line| check(app, line)).collect_view()}</ol>
        {disclosure(app, "roots", Text::VerifyRoots, roots)}
    }
}

fn check(app: App, line: CheckLine) -> impl IntoView {
    let (shape, word, finding) = match line.finding {
        CheckFinding::Holds => (icon::check().into_any(), Text::VerifyHolds, "holds"),
        CheckFinding::Fails => (icon::cross().into_any(), Text::VerifyFails, "fails"),
        CheckFinding::NotChecked => (icon::dash().into_any(), Text::VerifyNotChecked, "not_checked"),
    };
    view! {
        <li class="finding" data-check=line.check.name() data-finding=finding>
            {shape}<span>{app.t(check_text(line.check))}</span>
            <span class="finding-word small quiet">{app.t(word)}</span>
        </li>
    }
}

const fn check_text(check: ReceiptCheck) -> Text {
    match check {
        ReceiptCheck::Form => Text::CheckForm,
        ReceiptCheck::BankRoot => Text::CheckBankRoot,
        ReceiptCheck::BankSeal => Text::CheckBankSeal,
        ReceiptCheck::OperatorRoot => Text::CheckOperatorRoot,
        ReceiptCheck::MerchantSeal => Text::CheckMerchantSeal,
        ReceiptCheck::SameOrder => Text::CheckSameOrder,
        ReceiptCheck::Approved => Text::CheckApproved,
        ReceiptCheck::SubscriberKey => Text::CheckSubscriberKey,
        ReceiptCheck::SubscriberSignature => Text::CheckSubscriberSignature,
    }
}

const fn fault_text(fault: ReceiptFault) -> Text {
    match fault {
        ReceiptFault::NotAReceipt => Text::FaultNotAReceipt,
        ReceiptFault::TooLarge => Text::VerifyTooBig,
        ReceiptFault::OtherVersion => Text::FaultOtherVersion,
        ReceiptFault::MalformedOutcome => Text::FaultMalformed,
        ReceiptFault::BankNotCertified => Text::FaultBankNotCertified,
        ReceiptFault::BankKeyUnknown => Text::FaultBankKey,
        ReceiptFault::BankUnknownHere => Text::FaultBankUnknown,
        ReceiptFault::BankSignature => Text::FaultBankSignature,
        ReceiptFault::KeysetNotSigned => Text::FaultKeyset,
        ReceiptFault::MerchantSignature => Text::FaultMerchant,
        ReceiptFault::AnotherOrder => Text::FaultAnotherOrder,
        ReceiptFault::NotApproved => Text::FaultNotApproved,
        ReceiptFault::SubscriberKey => Text::FaultSubscriberKey,
        ReceiptFault::SubscriberSignature => Text::FaultSubscriberSignature,
    }
}

/// What a short proof says.
fn proof_sheet(app: App, proof: ProofView) -> impl IntoView {
    let ProofView { amount: sum, payee, merchant_id, decided_ms, card_label: label, bank, approval_code, rrn, .. } =
        proof;
    let lang = app.lang;
    let name = payee.unwrap_or_else(|| merchant_id.to_string());
    view! {
        <article class="sheet" data-verified="true" data-part="proof">
            <header class="sheet-head">
                <bdi class="sheet-payee">{name}</bdi>
                {amount(app, sum, AmountSize::Hero)}
                <p class="quiet">{move || format::full_date_time(decided_ms, lang.get())}</p>
            </header>
            {facts((
                fact(app, Text::ReceiptCard, view! { <bdi>{move || card_label(&label, lang.get())}</bdi> }),
                fact(app, Text::ReceiptBank, view! { <bdi>{bank}</bdi> }),
                fact(app, Text::ReceiptApproval, view! { <bdi>{approval_code}</bdi> }),
                fact(app, Text::ReceiptReference, view! { <bdi>{rrn}</bdi> }),
            ))}
        </article>
    }
}
