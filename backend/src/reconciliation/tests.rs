//! Each kind of disagreement, made by changing one of three files that agree.

use super::*;

fn paid(attempt: &str) -> Record {
    Record {
        business_date: "2026-11-25".to_owned(),
        subject: Subject::Payment,
        merchant_id: "blue-door".to_owned(),
        request_id: format!("request-{attempt}"),
        id: attempt.to_owned(),
        status: Status::Paid,
        amount_minor: 1_280,
        currency: "USD".to_owned(),
        reference: "632900000001".to_owned(),
    }
}

fn kinds(server: &[Record], merchant: &[Record], bank: &[Record]) -> Vec<Kind> {
    compare(server, merchant, bank).unwrap().exceptions.iter().map(|exception| exception.kind).collect()
}

#[test]
fn files_that_agree_have_no_exception() {
    let all = [paid("a"), paid("b")];
    let reversed = Record { status: Status::Reversed, ..paid("c") };
    assert_eq!(kinds(&all, &all, &all), []);
    let with_reversed = [all[0].clone(), all[1].clone(), reversed.clone()];
    assert_eq!(kinds(&with_reversed, &all, &with_reversed), [], "what moved no money is no merchant's business");
    assert_eq!(kinds(&with_reversed, &all, &all), [], "the bank never saw it");
    let report = compare(&all, &all, &all).unwrap();
    assert_eq!((report.payments, report.paid["bank"]["USD"]), (2, 2_560));
}

#[test]
fn each_disagreement_has_its_name() {
    let all = [paid("a"), paid("b")];
    let some = [paid("a")];
    let twice = [paid("a"), paid("b"), paid("b")];
    let with = |status: Status| [paid("a"), Record { status, ..paid("b") }];
    let dearer = [paid("a"), Record { amount_minor: 1_281, ..paid("b") }];
    let euros = [paid("a"), Record { currency: "EUR".to_owned(), ..paid("b") }];
    let later = [paid("a"), Record { business_date: "2026-11-26".to_owned(), ..paid("b") }];
    for (server, merchant, bank, expected) in [
        (&all[..], &all[..], &some[..], Kind::MissingAtBank),
        (&some, &all, &all, Kind::MissingAtServer),
        (&all, &some, &all, Kind::MissingAtMerchant),
        (&all, &twice, &all, Kind::Duplicate),
        (&all, &all, &twice, Kind::Duplicate),
        (&all, &all, &with(Status::Reversed), Kind::ReversedAtBankOnly),
        (&with(Status::Unknown), &all, &all, Kind::StatusDiffers),
        (&all, &all, &dearer, Kind::AmountDiffers),
        (&all, &euros, &all, Kind::CurrencyDiffers),
        (&later, &all, &all, Kind::OtherDay),
    ] {
        assert_eq!(kinds(server, merchant, bank), [expected]);
    }
    // A server that lost its database, and a bank that took the money.
    assert_eq!(kinds(&[], &[], &some), [Kind::MissingAtServer, Kind::MissingAtMerchant]);
    assert_eq!(kinds(&with(Status::Unknown)[1..], &[], &[]), [Kind::StatusDiffers]);
}

#[test]
fn refunds_are_compared_as_payments_are() {
    let refund = Record { subject: Subject::Refund, status: Status::Refunded, amount_minor: 300, ..paid("r") };
    let all = [paid("a"), refund.clone()];
    let report = compare(&all, &all, &all).unwrap();
    assert_eq!((report.payments, report.refunds, report.exceptions.len()), (1, 1, 0));
    assert_eq!((report.paid["bank"]["USD"], report.refunded["merchant"]["USD"]), (1_280, 300));
    let without = [paid("a")];
    let with = |status| [paid("a"), Record { status, ..refund.clone() }];
    for (server, merchant, bank, expected) in [
        (&all[..], &all[..], &without[..], Kind::MissingAtBank),
        (&without, &all, &all, Kind::MissingAtServer),
        (&all, &without, &all, Kind::MissingAtMerchant),
        (&all, &all, &with(Status::Reversed), Kind::ReversedAtBankOnly),
        (&with(Status::Unknown), &all, &all, Kind::StatusDiffers),
        (&all, &with(Status::Paid), &all, Kind::StatusDiffers),
    ] {
        assert_eq!(kinds(server, merchant, bank), [expected]);
    }
}

#[test]
fn a_file_reads_back_as_it_was_written_and_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.csv");
    let odd = Record { merchant_id: "a,\"b\"\nc".to_owned(), ..paid("x") };
    for records in [vec![], vec![paid("a"), odd]] {
        let text = write(&records).unwrap();
        assert!(text.starts_with("business_date,subject,merchant_id,request_id,id,status,amount_minor,"));
        std::fs::write(&path, &text).unwrap();
        assert_eq!(read(&path).unwrap(), records);
    }
    let good = write(&[paid("a")]).unwrap();
    for bad in [good.replace("paid", "perhaps"), good.replace("1280", "12.80"), good.replace(",reference", ",ref")] {
        std::fs::write(&path, bad).unwrap();
        assert!(read(&path).is_err());
    }
}
