//! A statement as ISO 20022 camt.053.001.08, Bank To Customer Statement.
//!
//! Bank transaction codes are those of ISO 20022's external code sets: card payments are `PMNT/CCRD/POSD` on a
//! cardholder's account and `PMNT/MCRD/POSP` on a merchant's, charges `ACMT/MCOP/CHRG`, payouts `PMNT/ICDT/DMCT`, deposits
//! `PMNT/CNTR/CDPT`.

use std::io;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use sha2::{Digest, Sha256};

use super::{Reversal, Statement, StatementLine, What};
use crate::bank_front::account::{AccountId, AccountKind};
use crate::bank_front::error::BankError;

/// The message's schema.
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";
/// The most characters of an account's id (`Max34Text`).
const ACCOUNT_CHARACTERS_MAX: usize = 34;
/// The most characters of an account's name (`Max70Text`).
const NAME_CHARACTERS_MAX: usize = 70;
/// The most characters of a reference (`Max35Text`).
const REFERENCE_CHARACTERS_MAX: usize = 35;
/// The most characters of one line of free text (`Max140Text`).
const TEXT_CHARACTERS_MAX: usize = 140;

/// Writes a statement of the bank with this id, made now, in milliseconds since the Unix epoch.
///
/// # Errors
/// When a time is out of range.
pub fn camt_053(statement: &Statement, bank_id: &str, now_ms: i64) -> Result<String, BankError> {
    let document = Document {
        statement,
        bank_id,
        made: time(now_ms)?,
        starts: time(statement.starts_ms)?,
        // The period's last moment is of the period.
        ends: time(statement.ends_ms - 1)?,
        posted: statement.lines.iter().map(|line| time(line.posted_ms)).collect::<Result<_, _>>()?,
    };
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    document.write(&mut writer).map_err(|_| BankError::Malformed("the statement"))?;
    String::from_utf8(writer.into_inner()).map_err(|_| BankError::Malformed("the statement"))
}

type Xml = Writer<Vec<u8>>;

/// A message to be written, its times written already.
struct Document<'a> {
    statement: &'a Statement,
    bank_id: &'a str,
    made: String,
    starts: String,
    ends: String,
    posted: Vec<String>,
}

impl Document<'_> {
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.create_element("Document").with_attribute(("xmlns", NAMESPACE)).write_inner_content(|xml| {
            inside(xml, "BkToCstmrStmt", |xml| {
                inside(xml, "GrpHdr", |xml| {
                    text(xml, "MsgId", &self.id())?;
                    text(xml, "CreDtTm", &self.made)
                })?;
                inside(xml, "Stmt", |xml| self.write_statement(xml))
            })
        })?;
        Ok(())
    }

    /// The same statement has the same id, whenever it is asked for.
    fn id(&self) -> String {
        let Statement { account, from, to, .. } = self.statement;
        let digest = hex::encode(Sha256::digest(format!("{} {account} {from} {to}", self.bank_id)));
        digest[..REFERENCE_CHARACTERS_MAX - 3].to_owned()
    }

    fn write_statement(&self, xml: &mut Xml) -> io::Result<()> {
        let statement = self.statement;
        text(xml, "Id", &self.id())?;
        text(xml, "CreDtTm", &self.made)?;
        inside(xml, "FrToDt", |xml| {
            text(xml, "FrDtTm", &self.starts)?;
            text(xml, "ToDtTm", &self.ends)
        })?;
        inside(xml, "Acct", |xml| {
            account(xml, &statement.account)?;
            text(xml, "Ccy", statement.currency.code())?;
            text(xml, "Nm", &shortened(statement.account.as_str(), NAME_CHARACTERS_MAX))?;
            inside(xml, "Svcr", |xml| {
                inside(xml, "FinInstnId", |xml| inside(xml, "Othr", |xml| text(xml, "Id", self.bank_id)))
            })
        })?;
        self.write_balance(xml, "OPBD", statement.opening_minor, &statement.from.to_string())?;
        self.write_balance(xml, "CLBD", statement.closing_minor, &statement.to.to_string())?;
        self.write_totals(xml)?;
        statement.lines.iter().zip(&self.posted).try_for_each(|(line, posted)| self.write_entry(xml, line, posted))
    }

    fn write_balance(&self, xml: &mut Xml, code: &str, minor: i64, date: &str) -> io::Result<()> {
        inside(xml, "Bal", |xml| {
            inside(xml, "Tp", |xml| inside(xml, "CdOrPrtry", |xml| text(xml, "Cd", code)))?;
            self.write_amount(xml, minor)?;
            inside(xml, "Dt", |xml| text(xml, "Dt", date))
        })
    }

    /// An amount without its sign, and the sign.
    fn write_amount(&self, xml: &mut Xml, minor: i64) -> io::Result<()> {
        xml.create_element("Amt")
            .with_attribute(("Ccy", self.statement.currency.code()))
            .write_text_content(BytesText::new(&self.unsigned(i128::from(minor))))?;
        text(xml, "CdtDbtInd", if minor < 0 { "DBIT" } else { "CRDT" })
    }

    /// A sum without its sign, as a decimal number.
    fn unsigned(&self, minor: i128) -> String {
        let exponent = usize::from(self.statement.currency.exponent());
        let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
    }

    fn write_totals(&self, xml: &mut Xml) -> io::Result<()> {
        let of = |takes: fn(&i64) -> bool| {
            let amounts = self.statement.lines.iter().map(|line| line.amount_minor).filter(takes);
            amounts.fold((0_u64, 0_i128), |(count, sum), minor| (count + 1, sum + i128::from(minor)))
        };
        let (credits, debits) = (of(|minor| *minor > 0), of(|minor| *minor < 0));
        let net = credits.1 + debits.1;
        let totals = |xml: &mut Xml, name: &str, (count, sum): (u64, i128)| {
            inside(xml, name, |xml| {
                text(xml, "NbOfNtries", &count.to_string())?;
                text(xml, "Sum", &self.unsigned(sum))
            })
        };
        inside(xml, "TxsSummry", |xml| {
            inside(xml, "TtlNtries", |xml| {
                text(xml, "NbOfNtries", &(credits.0 + debits.0).to_string())?;
                text(xml, "Sum", &self.unsigned(credits.1 - debits.1))?;
                inside(xml, "TtlNetNtry", |xml| {
                    text(xml, "Amt", &self.unsigned(net))?;
                    text(xml, "CdtDbtInd", if net < 0 { "DBIT" } else { "CRDT" })
                })
            })?;
            totals(xml, "TtlCdtNtries", credits)?;
            totals(xml, "TtlDbtNtries", debits)
        })
    }

    fn write_entry(&self, xml: &mut Xml, line: &StatementLine, posted: &str) -> io::Result<()> {
        inside(xml, "Ntry", |xml| {
            text(xml, "NtryRef", &line.sequence.to_string())?;
            self.write_amount(xml, line.amount_minor)?;
            if line.reversal == Reversal::Yes {
                text(xml, "RvslInd", "true")?;
            }
            inside(xml, "Sts", |xml| text(xml, "Cd", "BOOK"))?;
            inside(xml, "BookgDt", |xml| text(xml, "DtTm", posted))?;
            inside(xml, "ValDt", |xml| text(xml, "DtTm", posted))?;
            text(xml, "AcctSvcrRef", &reference(&line.transfer_id))?;
            self.write_code(xml, line.what)?;
            inside(xml, "NtryDtls", |xml| inside(xml, "TxDtls", |xml| self.write_details(xml, line)))
        })
    }

    fn write_code(&self, xml: &mut Xml, what: What) -> io::Result<()> {
        let [domain, family, sub_family] = match what {
            What::Payment | What::Refund if self.statement.kind == AccountKind::Cardholder => ["PMNT", "CCRD", "POSD"],
            What::Payment | What::Refund => ["PMNT", "MCRD", "POSP"],
            What::Fee => ["ACMT", "MCOP", "CHRG"],
            What::Payout => ["PMNT", "ICDT", "DMCT"],
            What::Deposit => ["PMNT", "CNTR", "CDPT"],
        };
        inside(xml, "BkTxCd", |xml| {
            inside(xml, "Domn", |xml| {
                text(xml, "Cd", domain)?;
                inside(xml, "Fmly", |xml| {
                    text(xml, "Cd", family)?;
                    text(xml, "SubFmlyCd", sub_family)
                })
            })?;
            inside(xml, "Prtry", |xml| text(xml, "Cd", what.as_str()))
        })
    }

    fn write_details(&self, xml: &mut Xml, line: &StatementLine) -> io::Result<()> {
        inside(xml, "Refs", |xml| {
            text(xml, "AcctSvcrRef", &reference(&line.transfer_id))?;
            text(xml, "EndToEndId", &reference(&line.purpose))
        })?;
        self.write_amount(xml, line.amount_minor)?;
        let other = if line.amount_minor < 0 { "CdtrAcct" } else { "DbtrAcct" };
        inside(xml, "RltdPties", |xml| inside(xml, other, |xml| account(xml, &line.other_account)))?;
        inside(xml, "RmtInf", |xml| text(xml, "Ustrd", &shortened(&line.purpose, TEXT_CHARACTERS_MAX)))
    }
}

fn inside(xml: &mut Xml, name: &str, content: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(content).map(drop)
}

fn text(xml: &mut Xml, name: &str, content: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(content)).map(drop)
}

fn account(xml: &mut Xml, account_id: &AccountId) -> io::Result<()> {
    let id = shortened(account_id.as_str(), ACCOUNT_CHARACTERS_MAX);
    inside(xml, "Id", |xml| inside(xml, "Othr", |xml| text(xml, "Id", &id)))
}

/// A reference in 35 characters: a UUID, which has one more, without its hyphens; a word as it is.
fn reference(value: &str) -> String {
    match uuid::Uuid::parse_str(value) {
        Ok(uuid) => uuid.simple().to_string(),
        Err(_) => shortened(value, REFERENCE_CHARACTERS_MAX),
    }
}

/// A text of at most so many characters, none of which XML cannot carry. One that is cut ends in a hash of the whole, so
/// that two of them do not become one; nothing is written as NOTPROVIDED, the word of ISO 20022 for it.
fn shortened(value: &str, most: usize) -> String {
    let clean: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.trim().is_empty() {
        return "NOTPROVIDED".to_owned();
    }
    if clean.chars().count() <= most {
        return clean;
    }
    let digest = hex::encode(Sha256::digest(value));
    let kept: String = clean.chars().take(most - 9).collect();
    format!("{kept}~{}", &digest[..8])
}

fn time(at_ms: i64) -> Result<String, BankError> {
    Timestamp::from_millisecond(at_ms).map(|at| at.to_string()).map_err(|_| BankError::Range)
}
