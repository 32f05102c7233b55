//! The channels' API as OpenAPI 3.1, made from the handlers themselves.

use serde_json::Value;
use utoipa::openapi::security::SecurityScheme;
use utoipa::{Modify, OpenApi};

use super::api;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tapseal bank front: channels",
        description = "For the bank's own channels: online banking speaks for customers it has authenticated, terminals for whoever has just shown a card and its PIN. Every call is made with the channel's certificate (mutual TLS). Times are ms since the Unix epoch, amounts integer minor units. Errors are RFC 9457 problem details whose `code` never changes its meaning; new codes, members and states may be added.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "customers", description = "What the bank knows of a customer who pays, or may pay, by code"),
        (name = "changes", description = "What is changed, and the codes it waits for"),
        (name = "visits", description = "The same for a customer at a terminal; only channels of terminals")
    ),
    paths(api::look, api::propose, api::change, api::type_code, api::journal, api::open_visit),
    modifiers(&Schemes)
)]
struct Description;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme(
            "certificate",
            SecurityScheme::MutualTls { description: None, extensions: None, deprecated: None },
        );
    }
}

/// The description as JSON. What stands below a customer stands below a visit too.
///
/// # Panics
/// Never: a description is always JSON.
pub fn description() -> Value {
    let mut description = serde_json::to_value(Description::openapi()).expect("a description is always JSON");
    description["security"] = serde_json::json!([{ "certificate": [] }]);
    let paths = description["paths"].as_object_mut().expect("a description has paths");
    let below: Vec<(String, Value)> = paths
        .iter()
        .filter_map(|(path, item)| Some((path.strip_prefix("/v1/customers/{customer}")?.to_owned(), item.clone())))
        .collect();
    for (rest, mut item) in below {
        for operation in item.as_object_mut().expect("a path has operations").values_mut() {
            operation["tags"] = serde_json::json!(["visits"]);
            if let Some(name) = operation["operationId"].as_str().map(|name| format!("{name}_of_visit")) {
                operation["operationId"] = name.into();
            }
            let visit = serde_json::json!({
                "name": "visit", "in": "path", "required": true, "description": "The visit's id",
                "schema": { "type": "string" },
            });
            for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
                if parameter["name"] == "customer" {
                    *parameter = visit.clone();
                }
            }
        }
        let of_visit = paths.entry(format!("/v1/visits/{{visit}}{rest}")).or_insert_with(|| serde_json::json!({}));
        of_visit.as_object_mut().expect("a path is an object").extend(item.as_object().cloned().unwrap_or_default());
    }
    description
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The description as it is kept beside the code, for whoever makes a client of it.
    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/bank-channels.json");

    #[test]
    fn the_kept_description_is_what_is_served() {
        let mut served = description();
        served.sort_all_objects();
        let served = format!("{}\n", serde_json::to_string_pretty(&served).unwrap());
        if std::env::var_os("TAPSEAL_KEEP_DESCRIPTION").is_some() {
            std::fs::write(KEPT, &served).unwrap();
        }
        let kept = std::fs::read_to_string(KEPT).unwrap();
        assert!(kept == served, "run this test with TAPSEAL_KEEP_DESCRIPTION=1, look at the change and commit it");
    }

    #[test]
    fn a_visit_has_every_call_that_a_customer_has() {
        let description = description();
        let paths: Vec<&str> = description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let below = |prefix: &str| {
            let mut rests: Vec<_> = paths.iter().filter_map(|path| path.strip_prefix(prefix)).collect();
            rests.sort_unstable();
            rests.join(" ")
        };
        assert_eq!(below("/v1/customers/{customer}"), below("/v1/visits/{visit}"));
        assert_eq!(paths.len(), 8);
    }
}
