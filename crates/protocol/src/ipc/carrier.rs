//! The commands about phone bills: a wallet is enrolled with a telephone operator, pays on the bill, and looks up what it paid.

use payment::{AttemptId, RequestId};
use serde::{Deserialize, Serialize};

use super::means::{FrontView, TypedSecret, means_commands};
use super::{CheckoutView, Command};

means_commands! {
    /// The telephone operators that can be picked.
    Operators {} = "operators" -> Vec<FrontView>;
    /// The lines on whose bills this wallet pays.
    PhoneBills {} = "phone_bills" -> Vec<PhoneBillView>;
    /// Asks an operator for the code that enrols this wallet. What was typed waits in the wallet until the code is.
    BillAsk {
        /// The operator's id.
        operator: String,
        /// The number, in international form.
        number: String,
        /// The name the operator knows.
        name: String,
        /// The PIN for payments on the bill, which is nobody's card's.
        typed: TypedSecret,
    } = "bill_ask" -> BillEntryView;
    /// What was begun and is not over; none when nothing was.
    BillEntry {} = "bill_entry" -> Option<BillEntryView>;
    /// Has another code sent. The earlier one enrols nothing any more.
    BillAgain {} = "bill_again" -> BillEntryView;
    /// Enrols this wallet with the code.
    BillEnrol {
        /// The code.
        code: TypedSecret,
    } = "bill_enrol" -> PhoneBillView;
    /// Forgets what was begun, and wipes what was typed.
    BillStop {} = "bill_stop" -> ();
    /// Pays on this bill no more, and wipes its key.
    BillForget {
        /// The operator's id.
        operator: String,
        /// The number.
        number: String,
    } = "bill_forget" -> Vec<PhoneBillView>;
    /// Starts paying a request on a bill: its PIN is asked for on the PIN pad.
    BillPay {
        /// Which request.
        request_id: RequestId,
        /// The operator's id.
        operator: String,
        /// The number.
        number: String,
    } = "bill_pay" -> CheckoutView;
    /// The purchase of this wallet that a confirmation number is of; none when it is of no purchase of this wallet.
    BillFind {
        /// The number, in either case, with spaces or hyphens in it.
        confirmation: String,
    } = "bill_find" -> Option<AttemptId>;
}

/// A line on whose bill this wallet pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneBillView {
    /// The operator's id.
    pub operator: String,
    /// Its name.
    pub operator_name: String,
    /// The number, in international form.
    pub number: String,
    /// The name the operator knows.
    pub name: String,
    /// Since when this wallet pays on it, ms since the Unix epoch.
    pub since_ms: u64,
    /// First moment at which its key is certified no more, ms since the Unix epoch.
    pub until_ms: u64,
    /// The fingerprint of the key that signs, for people to compare with a proof's.
    pub key: String,
}

/// A wallet that is being enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillEntryView {
    /// The operator's name.
    pub operator_name: String,
    /// The number that the code goes to, where it is a mobile's.
    pub number: String,
}
