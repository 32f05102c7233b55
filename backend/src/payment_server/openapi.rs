//! The API's description (OpenAPI 3.1), made from the handlers themselves.

use std::sync::LazyLock;

use axum::Json;
use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    access, attempts, carriers, claims, codes, counters, deliveries, devices, events, inbox, keyset, links,
    payment_numbers, payment_requests, refunds, reports, router, senders, siblings, sms, webhooks,
};

mod shared;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tapseal payment server",
        description = "Merchants ask for payments; wallets receive them and submit sealed attempts. Times are ms since the Unix epoch, amounts integer minor units beside their ISO 4217 code. Errors are RFC 9457 problem details whose `code` never changes its meaning; new codes, members and states may be added.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "payment requests", description = "Ask for payments, look at them, end them"),
        (name = "refunds", description = "Give money back, in full or in parts"),
        (name = "events", description = "What happened, in order"),
        (name = "webhooks", description = "The same, pushed to an address of yours and signed after Standard Webhooks"),
        (name = "counters", description = "One printed code a till"),
        (name = "access", description = "API keys and client certificates"),
        (name = "wallet", description = "Calls signed by a registered device: `Tapseal-Device`, `Tapseal-Time`, `Tapseal-Signature`"),
        (name = "public", description = "Calls anybody may make; they change nothing")
    ),
    paths(
        router::health, keyset::show, links::show,
        payment_requests::create, payment_requests::show, payment_requests::cancel, payment_requests::expire, payment_requests::list,
        access::show, access::create_key, access::revoke_key, access::create_certificate, access::remove_certificate,
        counters::list, counters::create, counters::remove, counters::shown,
        refunds::create, refunds::list, refunds::show, events::page,
        events::page_of_request, webhooks::list, webhooks::create, webhooks::delete, webhooks::rotate,
        webhooks::deliveries::page, webhooks::deliveries::redeliver, webhooks::deliveries::test,
        deliveries::list, deliveries::resend, sms::http::status,
        devices::register, claims::start, claims::confirm, inbox::page, inbox::stream,
        claims::release, payment_numbers::create, payment_numbers::list, payment_numbers::revoke,
        senders::accepted, senders::blocked, senders::accept, senders::block, senders::unblock_merchant, reports::report,
        siblings::list, siblings::describe, siblings::remove, siblings::claims,
        devices::show, devices::seen, devices::reject, attempts::submit, attempts::show,
        codes::payer, codes::order, carriers::enrol,
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

/// The description as JSON, with what all calls have in common.
pub(super) static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let mut description = serde_json::to_value(Description::openapi()).expect("a description is always JSON");
    shared::complete(&mut description);
    description
});

/// The description.
pub(super) async fn show() -> Json<&'static Value> {
    Json(&DESCRIPTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The description as it is kept beside the code, for whoever makes a client of it.
    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/openapi.json");

    #[test]
    fn the_kept_description_is_the_one_that_is_served() {
        // Members in one order, whatever order this build's maps keep.
        let mut served = DESCRIPTION.clone();
        served.sort_all_objects();
        let served = format!("{}\n", serde_json::to_string_pretty(&served).unwrap());
        if std::env::var_os("TAPSEAL_KEEP_DESCRIPTION").is_some() {
            std::fs::write(KEPT, &served).unwrap();
        }
        let kept = std::fs::read_to_string(KEPT).unwrap();
        assert!(kept == served, "run this test with TAPSEAL_KEEP_DESCRIPTION=1, look at the change and commit it");
    }

    #[test]
    fn every_call_says_what_it_answers_and_who_may_make_it() {
        let mut merchant_calls = 0;
        for (path, item) in DESCRIPTION["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
                assert!(responses.contains_key("429") && responses.contains_key("500"), "{method} {path}");
                let summary = operation["summary"].as_str().or(operation["description"].as_str());
                assert!(summary.is_some_and(|text| !text.is_empty()), "{method} {path} is not described");
                if operation["security"].to_string().contains("api_key") {
                    merchant_calls += 1;
                    assert!(operation["security"].to_string().contains("certificate"), "{method} {path}");
                    let is_keyed = operation["parameters"].to_string().contains("Idempotency-Key");
                    assert_eq!(is_keyed, method == "post", "{method} {path}");
                }
            }
        }
        assert!(merchant_calls > 15, "{merchant_calls}");
    }
}
