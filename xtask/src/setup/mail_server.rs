//! Postfix for the tests, without a mail service for this machine: the tests start it with folders and ports of their own.

use crate::failure::Failure;
use crate::invocation::{command, run};
use crate::progress::Progress;
use crate::repository::target_folder;
use crate::setup::packages;

/// What Debian's package asks: whether to set up a mail service. It is not to.
const ANSWER: &str = "postfix postfix/main_mailer_type select No configuration\n";

/// Installs it unless it is there. Without root there is nothing to install: the tests skip it.
pub fn install() -> Result<(), Failure> {
    if !packages::is_root() || packages::has(packages::MAIL)? {
        return Ok(());
    }
    let answer = target_folder()?.join("postfix.answer");
    std::fs::write(&answer, ANSWER).map_err(Failure::file(&answer))?;
    let progress = Progress::start("debconf-set-selections");
    let done = run(command("debconf-set-selections", [answer]), &progress);
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    done?;
    packages::install(&[packages::MAIL])
}
