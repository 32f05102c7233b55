//! The merchant's screens, one a file.

mod access;
mod batch;
mod bench;
mod business;
mod catalogue;
mod connect;
mod counters;
mod day;
mod end;
mod items;
mod keypad;
mod new_batch;
mod parts;
pub(super) mod pos;
mod refund;
mod sale;
pub mod sales;
mod vouchers;
mod webhook;
mod webhooks;

pub use business::take_payments;

use leptos::prelude::*;

use crate::merchant::place::{SellPlace, SellScreen};
use crate::state::App;

/// The screen of a place.
pub fn page(app: App, place: SellPlace) -> AnyView {
    match place {
        SellPlace::At(SellScreen::Connect) => connect::page(app).into_any(),
        SellPlace::At(SellScreen::Business) => business::page(app).into_any(),
        SellPlace::At(SellScreen::Keypad) => keypad::page(app).into_any(),
        SellPlace::At(SellScreen::Items) => items::page(app).into_any(),
        SellPlace::At(SellScreen::Catalogue) => catalogue::page(app).into_any(),
        SellPlace::At(SellScreen::Pos(request_id)) | SellPlace::PosQr(request_id) => {
            pos::page(app, request_id).into_any()
        }
        SellPlace::PosPaid(_) => end::paid(app).into_any(),
        SellPlace::PosUnknown(_) => end::unknown(app).into_any(),
        SellPlace::PosRefused(_) | SellPlace::PosExpired(_) | SellPlace::PosCancelled(_) => {
            end::not_paid(app).into_any()
        }
        SellPlace::At(SellScreen::Sales) => sales::page(app).into_any(),
        SellPlace::At(SellScreen::Sale(request_id)) => sale::page(app, request_id).into_any(),
        SellPlace::At(SellScreen::Day) => day::page(app).into_any(),
        SellPlace::At(SellScreen::Counters) => counters::page(app).into_any(),
        SellPlace::At(SellScreen::Counter) => counters::one(app).into_any(),
        SellPlace::At(SellScreen::Webhooks) => webhooks::page(app).into_any(),
        SellPlace::At(SellScreen::Webhook) => webhook::page(app).into_any(),
        SellPlace::At(SellScreen::Access) => access::page(app).into_any(),
        SellPlace::At(SellScreen::Vouchers) => vouchers::page(app).into_any(),
        SellPlace::At(SellScreen::NewBatch) => new_batch::page(app).into_any(),
        SellPlace::At(SellScreen::VoucherBatch) => batch::page(app).into_any(),
    }
}
