//! Which ways a request may be paid: those that its order names, or every one that its merchant takes.

use envelope::means::MeansKind;
use envelope::outer::Route;
use payment::{Method, Methods};
use protocol::ErrorCode;

use super::payment_requests::StoredRequest;
use super::{App, Error};

/// The way to pay that a routing names.
pub(super) const fn of(route: &Route) -> Method {
    match route {
        Route::Card { .. } => Method::Card,
        Route::Means { kind: MeansKind::Voucher, .. } => Method::Voucher,
        Route::Means { kind: MeansKind::Code, .. } => Method::Code,
        Route::Means { kind: MeansKind::Alias, .. } => Method::Alias,
        Route::Means { kind: MeansKind::Carrier, .. } => Method::Carrier,
    }
}

/// What a merchant takes, as the operator vouches for it.
pub(super) fn taken(named: Option<&[String]>) -> Methods {
    named.map_or_else(Methods::all, |names| Methods::known(names.iter().map(String::as_str)))
}

impl App {
    /// The way to pay that is tried, if order and merchant allow it. Asked before anything is stored or sent.
    pub(super) fn allowed_method(&self, request: &StoredRequest, route: &Route) -> Result<Method, Error> {
        let method = of(route);
        let profile = self.keys.merchant(&request.merchant_id).ok_or(Error::Row("merchant"))?;
        let takes = taken(profile.methods.as_deref());
        let is_allowed = takes.contains(method) && request.methods.is_none_or(|methods| methods.contains(method));
        if is_allowed { Ok(method) } else { Err(ErrorCode::MethodNotAllowed.into()) }
    }
}
