//! The switch for scripted misfortune.

use super::{Folder, print};
use crate::bank_front::error::BankError;
use crate::bank_front::scenario::Switch;

pub(super) fn turn_switch(folder: &Folder, verb: &str, what: Option<&str>) -> Result<(), BankError> {
    let switch = Switch::of(folder.home().dir());
    match (verb, what) {
        ("show", None) => {
            let script = switch.shown();
            print(folder, &serde_json::json!({ "script": script }), || script.clone().unwrap_or("no scenario".into()));
            return Ok(());
        }
        ("clear", None) => switch.clear()?,
        ("set", Some(what)) | (what, None) => switch.set(what)?,
        (verb, Some(_)) => return Err(BankError::UnknownScenario(verb.to_owned())),
    }
    let name = what.unwrap_or(verb);
    print(folder, &serde_json::json!({ "scenario": name }), || format!("scenario {name}"));
    Ok(())
}
