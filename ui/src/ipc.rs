//! The bridge to the wallet: the only place where the screens call out of the web view.

use std::cell::RefCell;
use std::pin::Pin;

use js_sys::{Function, JSON, Object, Promise, Reflect};
use protocol::error::{ErrorCode, Problem};
use protocol::ipc::Command;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::json;

/// The object Tauri puts into every window.
const BRIDGE: &str = "__TAURI_INTERNALS__";

thread_local! {
    /// What the page asked before there were screens: each promise is the answer of the first call of its name.
    static ASKED: RefCell<Option<Object>> = const { RefCell::new(None) };
}

/// Takes over what the page asked already.
pub fn take_over(asked: Object) {
    ASKED.with(|known| known.replace(Some(asked)));
}

fn asked(name: &str) -> Option<Promise> {
    ASKED.with_borrow(|known| {
        let (known, name) = (known.as_ref()?, name.into());
        let promise = Reflect::get(known, &name).ok()?.dyn_into().ok()?;
        // The next call of this name asks again.
        Reflect::delete_property(known, &name).ok()?;
        Some(promise)
    })
}

/// Calls a command of the wallet. The whole command is the bridge's single argument `args`.
///
/// # Errors
/// The wallet's [`Problem`]; `internal` when there is no wallet behind the page or its answer is not understood.
pub async fn invoke<C: Command>(command: C) -> Result<C::Answer, Problem> {
    let arguments = serde_json::to_string(&command).map_err(|error| internal(&error.to_string()))?;
    let answer = call(C::NAME, arguments).await?;
    json::read(&answer).map_err(|_| internal(C::NAME))
}

/// Sends JSON and gives back JSON. Of one type for all commands: most of a call is the same for each, and the module
/// holds it once.
fn call(name: &'static str, arguments: String) -> Pin<Box<dyn Future<Output = Result<String, Problem>>>> {
    Box::pin(async move {
        let answer = send(name, &arguments).await.map_err(|error| problem_of(&error))?;
        let json = JSON::stringify(&answer).map_err(|error| problem_of(&error))?;
        // A command that answers nothing gives `undefined`, which has no JSON.
        Ok(json.as_string().unwrap_or_else(|| "null".to_owned()))
    })
}

async fn send(name: &str, arguments: &str) -> Result<JsValue, JsValue> {
    if let Some(promise) = asked(name) {
        return JsFuture::from(promise).await;
    }
    let payload = Object::new();
    Reflect::set(&payload, &"args".into(), &JSON::parse(arguments)?)?;
    let bridge = Reflect::get(&js_sys::global(), &BRIDGE.into())?;
    let invoke: Function = Reflect::get(&bridge, &"invoke".into())?.dyn_into()?;
    let promise: Promise = invoke.call2(&bridge, &name.into(), &payload)?.dyn_into()?;
    JsFuture::from(promise).await
}

/// The problem that a rejected promise carries: an object, or its JSON.
fn problem_of(error: &JsValue) -> Problem {
    let json = error.as_string().or_else(|| JSON::stringify(error).ok().and_then(|text| text.as_string()));
    let json = json.unwrap_or_default();
    json::read(&json).unwrap_or_else(|_| internal(&json))
}

fn internal(detail: &str) -> Problem {
    Problem::new(ErrorCode::Internal).with_detail(detail)
}
