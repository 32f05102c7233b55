//! The bridge to the wallet: the only place where the screens call out of the web view.

use js_sys::{Function, JSON, Promise, Reflect};
use protocol::error::{ErrorCode, Problem};
use protocol::ipc::Command;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The object Tauri puts into every window.
const BRIDGE: &str = "__TAURI_INTERNALS__";

/// Calls a command of the wallet. The whole command is the bridge's single argument `args`.
///
/// # Errors
/// The wallet's [`Problem`]; `internal` when there is no wallet behind the page or its answer is not understood.
pub async fn invoke<C: Command>(command: C) -> Result<C::Answer, Problem> {
    let answer = call(C::NAME, &command).await.map_err(|error| problem_of(&error))?;
    let json = JSON::stringify(&answer).map_err(|error| problem_of(&error))?;
    // A command that answers nothing gives `undefined`, which has no JSON.
    let json = json.as_string().unwrap_or_else(|| "null".to_owned());
    serde_json::from_str(&json).map_err(|error| internal(&error.to_string()))
}

async fn call(name: &str, command: &impl serde::Serialize) -> Result<JsValue, JsValue> {
    let json = serde_json::to_string(command).map_err(|error| JsValue::from_str(&error.to_string()))?;
    let payload = js_sys::Object::new();
    Reflect::set(&payload, &"args".into(), &JSON::parse(&json)?)?;
    let bridge = Reflect::get(&js_sys::global(), &BRIDGE.into())?;
    let invoke: Function = Reflect::get(&bridge, &"invoke".into())?.dyn_into()?;
    let promise: Promise = invoke.call2(&bridge, &name.into(), &payload)?.dyn_into()?;
    JsFuture::from(promise).await
}

/// The problem that a rejected promise carries: an object, or its JSON.
fn problem_of(error: &JsValue) -> Problem {
    let json = error.as_string().or_else(|| JSON::stringify(error).ok().and_then(|text| text.as_string()));
    let json = json.unwrap_or_default();
    serde_json::from_str(&json).unwrap_or_else(|_| internal(&json))
}

fn internal(detail: &str) -> Problem {
    Problem::new(ErrorCode::Internal).with_detail(detail)
}
