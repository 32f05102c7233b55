//! What does not agree, and its name.

use serde::Serialize;

use super::record::{Record, Status, Subject};

/// The kinds of disagreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A party lists the same attempt twice.
    Duplicate,
    /// The server or the merchant counts it as paid, or given back, and the bank knows nothing of it.
    MissingAtBank,
    /// The bank or the merchant knows it, and the server does not.
    MissingAtServer,
    /// It is paid, or given back, and the merchant does not know.
    MissingAtMerchant,
    /// The bank undid it, and the server or the merchant counts it as paid, or given back.
    ReversedAtBankOnly,
    /// The parties differ otherwise about what became of it.
    StatusDiffers,
    /// They differ in how much.
    AmountDiffers,
    /// They differ in the currency.
    CurrencyDiffers,
    /// They count it to different days.
    OtherDay,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Duplicate,
        Self::MissingAtBank,
        Self::MissingAtServer,
        Self::MissingAtMerchant,
        Self::ReversedAtBankOnly,
        Self::StatusDiffers,
        Self::AmountDiffers,
        Self::CurrencyDiffers,
        Self::OtherDay,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::MissingAtBank => "missing_at_bank",
            Self::MissingAtServer => "missing_at_server",
            Self::MissingAtMerchant => "missing_at_merchant",
            Self::ReversedAtBankOnly => "reversed_at_bank_only",
            Self::StatusDiffers => "status_differs",
            Self::AmountDiffers => "amount_differs",
            Self::CurrencyDiffers => "currency_differs",
            Self::OtherDay => "other_day",
        }
    }
}

/// A disagreement about one attempt, or one refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// Of which kind.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// Who was to be paid, or to give back.
    pub merchant_id: String,
    /// For which request.
    pub request_id: String,
    /// By which attempt, or which refund.
    pub id: String,
    /// What each party says.
    pub detail: String,
}

/// A member of a record, as text.
type Member = fn(&Record) -> String;

/// What the parties disagree about one attempt or refund. Each slice is what one party lists of it.
pub(super) fn of(server: &[&Record], merchant: &[&Record], bank: &[&Record]) -> Vec<Exception> {
    let parties = [("server", server), ("merchant", merchant), ("bank", bank)];
    let Some(any) = parties.iter().find_map(|(_, records)| records.first()) else { return Vec::new() };
    let exception = |kind, detail| Exception {
        kind,
        subject: any.subject,
        merchant_id: any.merchant_id.clone(),
        request_id: any.request_id.clone(),
        id: any.id.clone(),
        detail,
    };
    let mut found = Vec::new();
    for (party, records) in parties {
        if records.len() > 1 {
            found.push(exception(Kind::Duplicate, format!("{party} lists it {} times", records.len())));
        }
    }
    let told = parties.map(|(party, records)| (party, records.first().copied()));
    let kinds = about_status(told.map(|(_, record)| record.map(|record| record.status)));
    found
        .extend(kinds.into_iter().map(|kind| exception(kind, said(&told, |record| record.status.as_str().to_owned()))));
    let differs = |member: Member| {
        let mut values = told.iter().filter_map(|(_, record)| record.map(member));
        values.next().is_some_and(|first| values.any(|other| other != first))
    };
    let members: [(Kind, Member); 3] = [
        (Kind::AmountDiffers, |record| record.amount_minor.to_string()),
        (Kind::CurrencyDiffers, |record| record.currency.clone()),
        (Kind::OtherDay, |record| record.business_date.clone()),
    ];
    found.extend(
        members
            .into_iter()
            .filter(|(_, member)| differs(*member))
            .map(|(kind, member)| exception(kind, said(&told, member))),
    );
    found
}

/// What is wrong with what server, merchant and bank say became of an attempt or a refund; none is not listed.
fn about_status([server, merchant, bank]: [Option<Status>; 3]) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let is_done = |status: Option<Status>| matches!(status, Some(Status::Paid | Status::Refunded));
    match bank {
        // The server may have reversed what the bank never saw: no money moved.
        None if is_done(server) || is_done(merchant) => kinds.push(Kind::MissingAtBank),
        Some(Status::Reversed) if is_done(server) || is_done(merchant) => kinds.push(Kind::ReversedAtBankOnly),
        None | Some(Status::Paid | Status::Refunded | Status::Reversed | Status::Unknown) => {}
    }
    if server.is_none() {
        kinds.push(Kind::MissingAtServer);
    }
    if [server, merchant, bank].into_iter().any(is_done) && merchant.is_none() {
        kinds.push(Kind::MissingAtMerchant);
    }
    let explained = kinds.contains(&Kind::ReversedAtBankOnly);
    let mut told = [server, merchant, bank].into_iter().flatten();
    let first = told.next();
    if !explained && told.any(|status| Some(status) != first) {
        kinds.push(Kind::StatusDiffers);
    }
    // What nobody knows the end of agrees with nothing.
    if [server, merchant, bank].into_iter().flatten().all(|status| status == Status::Unknown) {
        kinds.push(Kind::StatusDiffers);
    }
    kinds
}

/// What each party says of a member.
fn said(told: &[(&str, Option<&Record>); 3], member: impl Fn(&Record) -> String) -> String {
    let words =
        told.iter().map(|(party, record)| format!("{party}: {}", record.map_or_else(|| "nothing".to_owned(), &member)));
    words.collect::<Vec<_>>().join(", ")
}
