//! The API's description (OpenAPI 3.1), made from the handlers themselves.

use axum::Json;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{access, attempts, claims, counters, devices, events, inbox, keyset, links, payment_requests, router, webhooks};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tapseal payment server",
        description = "Merchants ask for payments; wallets receive them and submit sealed attempts. Errors are RFC 9457 problem details whose `code` never changes its meaning.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "merchant", description = "Calls with a merchant's API key"),
        (name = "wallet", description = "Calls signed by a registered device: `Tapseal-Device`, `Tapseal-Time`, `Tapseal-Signature`"),
        (name = "public", description = "Calls anybody may make; they change nothing")
    ),
    paths(
        router::health, keyset::show, links::show,
        payment_requests::create, payment_requests::show, payment_requests::cancel, payment_requests::expire, payment_requests::list,
        access::show, access::create_key, access::revoke_key, access::create_certificate, access::remove_certificate,
        counters::list, counters::create, counters::remove, counters::shown,
        events::page,
        events::page_of_request, webhooks::list, webhooks::create, webhooks::delete, webhooks::rotate,
        webhooks::deliveries::page, webhooks::deliveries::redeliver, webhooks::deliveries::test,
        devices::register, claims::start, claims::confirm, inbox::page, inbox::stream,
        devices::show, devices::seen, devices::reject, attempts::submit, attempts::show,
    ),
    modifiers(&Schemes)
)]
struct Description;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        let api_key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("api_key", SecurityScheme::Http(api_key));
        components.add_security_scheme(
            "certificate",
            SecurityScheme::MutualTls { description: None, extensions: None, deprecated: None },
        );
        let device = ApiKey::Header(ApiKeyValue::new(protocol::wallet_api::HEADER_SIGNATURE));
        components.add_security_scheme("device_signature", SecurityScheme::ApiKey(device));
    }
}

/// The description.
pub(super) async fn show() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
