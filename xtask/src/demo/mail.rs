//! The payer's mailbox: the `.eml` files that the payment server writes in place of sending mail.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long a mail may take.
const MAIL_LIMIT: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(50);

/// Digits in a claim code.
const CODE_DIGITS: usize = 6;

/// Waits for the mail to this address with a code in it, and reads the code as a person would.
pub fn wait_for_code(folder: &Path, address: &str) -> Result<String, Failure> {
    let deadline = Instant::now() + MAIL_LIMIT;
    loop {
        let mails = mails(folder)?;
        let code = mails.iter().filter(|mail| is_to(mail, address)).find_map(|mail| code_in(mail));
        if let Some(code) = code {
            return Ok(code);
        }
        if Instant::now() > deadline {
            let hint = format!(" ({} mails in {})", mails.len(), folder.display());
            return Err(Failure::Late { what: "the mail with the code".into(), limit_s: MAIL_LIMIT.as_secs(), hint });
        }
        std::thread::sleep(POLL);
    }
}

/// The texts of the mails so far, newest first: their names begin with the time.
fn mails(folder: &Path) -> Result<Vec<String>, Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let is_mail = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "eml");
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_mail).collect::<Vec<_>>();
    paths.sort_unstable_by(|one, other| other.cmp(one));
    paths.iter().map(|path| std::fs::read_to_string(path).map_err(Failure::file(path))).collect()
}

fn is_to(mail: &str, address: &str) -> bool {
    let mut headers = mail.lines().take_while(|line| !line.is_empty());
    headers.any(|line| line.to_ascii_lowercase().starts_with("to:") && line.contains(address))
}

/// Six digits that stand alone in the body.
fn code_in(mail: &str) -> Option<String> {
    let body = mail.lines().skip_while(|line| !line.is_empty());
    let mut words = body.flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric()));
    let is_code = |word: &&str| word.len() == CODE_DIGITS && word.bytes().all(|byte| byte.is_ascii_digit());
    words.find(is_code).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str =
        "Subject: Your code 111111\r\nTo: ada@example.org\r\n\r\nHello 1234567,\r\nyour code: 042917.\r\n";

    #[test]
    fn the_code_is_read_from_the_body() {
        assert_eq!(code_in(MAIL).as_deref(), Some("042917"));
        assert_eq!(code_in("To: x\n\nno code here, order A-1042"), None);
    }

    #[test]
    fn mail_to_others_is_not_ours() {
        assert!(is_to(MAIL, "ada@example.org"));
        assert!(!is_to(MAIL, "bob@example.org"));
    }
}
