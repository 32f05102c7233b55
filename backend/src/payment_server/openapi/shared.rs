//! What every call of one kind has in common, added to the description in one place: refusals, limits, keys.

use payment::RequestState;
use serde_json::{Map, Value, json};

use super::super::auth::Number;

/// Refusals that any call may get.
const ALWAYS: [&str; 6] = ["400", "404", "405", "429", "500", "503"];
/// Those of a call with credentials.
const WITH_CREDENTIALS: [&str; 1] = ["401"];
/// Those of a merchant's call.
const MERCHANTS: [&str; 1] = ["403"];
/// Those of a call with a body.
const WITH_A_BODY: [&str; 4] = ["408", "413", "415", "422"];
/// Those of a call that changes something.
const CHANGING: [&str; 3] = ["409", "410", "422"];

/// What each refusal means.
fn meaning(status: &str) -> &'static str {
    match status {
        "400" => "The path, the query, a header or the body is malformed: `errors` says where.",
        "401" => "No valid credentials.",
        "402" => "The bank declined.",
        "403" => "The caller's key or certificate has not the scope that this needs.",
        "404" => "There is no such thing, or it is not the caller's.",
        "405" => "The path takes other methods: `Allow` names them.",
        "408" => "The body took too long to arrive.",
        "409" => "The call does not fit what is there now, or the same call is still running: see `code`.",
        "410" => "The request is over.",
        "413" => "The body is too large.",
        "415" => "The body is not `application/json`.",
        "422" => "Well formed, and refused for what it says: see `code`.",
        "429" => "Too many calls: come back after `Retry-After` seconds.",
        "500" => "The server failed; the same call may be made again.",
        "503" => "The server, or a bank's line, cannot take the call now; the same call may be made again.",
        "504" => "The bank has not answered. Do not pay again.",
        _ => "Refused.",
    }
}

/// Completes a description made from the handlers.
pub(super) fn complete(description: &mut Value) {
    let components = &mut description["components"];
    components["headers"] = headers();
    components["responses"] = Value::Object(Map::new());
    description["servers"] = json!([{ "url": "/", "description": "This server" }]);
    let Some(paths) = description["paths"].as_object_mut() else { return };
    let mut refusals = Map::new();
    for (path, item) in paths.iter_mut() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(tag) = tag(path).filter(|_| operation["tags"] == json!(["merchant"])) {
                operation["tags"] = json!([tag]);
            }
            operation["operationId"] = json!(operation_id(method, path));
            complete_operation(method, operation, &mut refusals);
        }
    }
    link(paths);
    description["components"]["responses"] = Value::Object(refusals);
}

/// What a merchant's call is about, by its path.
fn tag(path: &str) -> Option<&'static str> {
    let words = ["webhooks", "events", "refunds", "deliveries", "resend", "payment-requests"];
    match words.into_iter().find(|word| path.split('/').any(|part| part == *word))? {
        "deliveries" | "resend" | "payment-requests" => Some("payment requests"),
        word => Some(word),
    }
}

/// A name for each call that no other has: the method and the words of the path.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split('/').map(|word| word.trim_matches(['{', '}']).replace('-', "_"));
    let words: Vec<String> = words.filter(|word| !word.is_empty() && word != "v1").collect();
    format!("{method}_{}", words.join("_"))
}

/// Says of each call that makes something which calls take its id.
fn link(paths: &mut Map<String, Value>) {
    let mut made: Vec<(String, String, Value)> = Vec::new();
    for (path, item) in paths.iter() {
        let Some((collection, rest)) = path.split_once("/{") else { continue };
        // Who registers a device names it, and is answered nothing.
        let answers_nothing = collection == "/v1/devices";
        if rest.contains('{') || answers_nothing || paths.get(collection).is_none_or(|item| item.get("post").is_none())
        {
            continue;
        }
        let parameter = rest.split('}').next().unwrap_or_default();
        for (method, operation) in item.as_object().into_iter().flatten() {
            let member = match (collection, method.as_str()) {
                ("/v1/counters", "get") => "token",
                ("/v1/certificates", _) => "fingerprint",
                _ => "id",
            };
            let mut parameters = Map::new();
            parameters.insert(parameter.to_owned(), json!(format!("$response.body#/{member}")));
            let link = json!({ "operationId": operation["operationId"], "parameters": parameters });
            made.push((collection.to_owned(), operation["operationId"].as_str().unwrap_or_default().to_owned(), link));
        }
    }
    for (collection, name, link) in made {
        let responses = paths[&collection]["post"]["responses"].as_object_mut();
        for (_, response) in responses.into_iter().flatten().filter(|(status, _)| *status == "201") {
            response["links"][&name] = link.clone();
        }
    }
}

fn complete_operation(method: &str, operation: &mut Value, refusals: &mut Map<String, Value>) {
    let security = operation["security"].to_string();
    let is_merchants = security.contains("api_key");
    if is_merchants {
        operation["security"] = json!([{ "api_key": [] }, { "certificate": [] }]);
    }
    let has_credentials = is_merchants || security.contains("device_signature");
    let has_body = operation.get("requestBody").is_some();
    if has_body {
        operation["requestBody"]["required"] = json!(true);
    }
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter["name"] == "Idempotency-Key" {
            *parameter = idempotency_key();
        }
        if is_merchants && parameter["name"] == "status" {
            parameter["schema"] = json!({ "type": "string", "enum": RequestState::NAMES });
        }
        // What the server takes of a number in a query: `auth::Number`, and `events::WAIT_MAX`.
        if is_merchants && parameter["schema"]["format"] == "int64" {
            let waits = parameter["name"] == "wait_s";
            parameter["schema"]["maximum"] = if waits { json!(25) } else { json!(Number::MAX) };
        }
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    let mut statuses: Vec<&str> = ALWAYS.to_vec();
    statuses.extend(WITH_CREDENTIALS.iter().filter(|_| has_credentials));
    statuses.extend(MERCHANTS.iter().filter(|_| is_merchants));
    statuses.extend(WITH_A_BODY.iter().filter(|_| has_body));
    statuses.extend(CHANGING.iter().filter(|_| method != "get"));
    let own: Vec<String> = responses.keys().filter(|status| !status.starts_with('2')).cloned().collect();
    statuses.extend(own.iter().map(String::as_str));
    for status in statuses {
        refusals.entry(name(status)).or_insert_with(|| refusal(status));
        responses.insert(status.to_owned(), json!({ "$ref": format!("#/components/responses/{}", name(status)) }));
    }
    for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
        if response["description"].as_str().unwrap_or_default().is_empty() {
            response["description"] = json!("Done.");
        }
        if is_merchants {
            let headers = response["headers"].as_object().cloned().unwrap_or_default();
            let mut headers: Map<String, Value> = headers;
            for name in ["RateLimit", "RateLimit-Policy"] {
                headers.insert(name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
            }
            if method == "post" {
                let replayed = json!({ "$ref": "#/components/headers/Idempotency-Replayed" });
                headers.insert("Idempotency-Replayed".to_owned(), replayed);
            }
            response["headers"] = Value::Object(headers);
        }
    }
}

fn name(status: &str) -> String {
    format!("Problem{status}")
}

fn refusal(status: &str) -> Value {
    let mut refusal = json!({
        "description": meaning(status),
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let extra = match status {
        "405" => Some("Allow"),
        "401" => Some("WWW-Authenticate"),
        "429" | "503" => Some("Retry-After"),
        _ => None,
    };
    if let Some(extra) = extra {
        refusal["headers"] = json!({ extra: { "$ref": format!("#/components/headers/{extra}") } });
    }
    refusal
}

fn headers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    json!({
        "RateLimit": text("Calls left, and seconds until there are more (draft-ietf-httpapi-ratelimit-headers)", "\"merchant\";r=29990;t=1"),
        "RateLimit-Policy": text("How many calls a window of so many seconds has", "\"merchant\";q=30000;w=60"),
        "Idempotency-Replayed": text("`true` when this answer was given before", "true"),
        "Allow": text("The methods that this path takes", "GET,POST"),
        "WWW-Authenticate": text("How to show credentials", "Bearer"),
        "Retry-After": json!({ "description": "Seconds to wait", "schema": { "type": "integer", "minimum": 1 } }),
    })
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": true,
        "description": "Names this call as long as what it makes is kept: the same key with the same body gets the same answer and does nothing twice; with another body it is refused (422).",
        "schema": { "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]{1,128}$" },
        "example": "order-1042",
    })
}
