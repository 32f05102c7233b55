//! The bridge to the wallet: the only place where the screens call out of the web view.

use std::pin::Pin;

use futures::future::join;
use js_sys::{Function, JSON, Object, Promise, Reflect};
use protocol::error::{ErrorCode, Problem};
use protocol::ipc::merchant::Merchant;
use protocol::ipc::{Command, FirstLook, FirstLookInside, Inbox, Status, Watch};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::json;

/// The object Tauri puts into every window.
const BRIDGE: &str = "__TAURI_INTERNALS__";

/// The first look that the page asked for while this module was loaded: its JSON, or the promise of it. None where the page has
/// no such way to the wallet, or got no answer.
pub async fn first_look(asked: JsValue) -> Option<FirstLook> {
    let text = match asked.dyn_into::<Promise>() {
        Ok(promise) => JsFuture::from(promise).await.ok()?,
        Err(text) => text,
    };
    json::read(&text.as_string()?).ok()
}

/// The same, asked of the bridge.
///
/// # Errors
/// As [`invoke`].
pub async fn ask_first_look() -> Result<FirstLook, Problem> {
    let status = invoke(Status {}).await?;
    let watch = invoke(Watch { after: 0 }).await?;
    let (merchant, inbox) = join(invoke(Merchant {}), invoke(Inbox {})).await;
    let inside = merchant.ok().zip(inbox.ok()).map(|(merchant, inbox)| FirstLookInside { merchant, inbox });
    Ok(FirstLook { status, watch, inside })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_look_is_read_as_it_was_written_locked_or_not() {
        let status = r#"{"online":false,"server":"pay.example","key_store":"keyring","identifiers":[],"operator_fingerprint":"",
            "settings":{},"version":"0.1.0","lock":"unlocked"}"#;
        let watch = r#"{"seq":3,"online":false,"inbox_version":7,"checkout":null,"reader_test":null,"opened":null}"#;
        let inside = Some(FirstLookInside { merchant: None, inbox: Vec::new() });
        for inside in [inside, None] {
            let look = FirstLook {
                status: serde_json::from_str(status).unwrap(),
                watch: serde_json::from_str(watch).unwrap(),
                inside,
            };
            assert_eq!(json::read::<FirstLook>(&serde_json::to_string(&look).unwrap()), Ok(look));
        }
    }
}
