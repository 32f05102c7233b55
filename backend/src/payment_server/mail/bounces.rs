//! Mail that comes back: a Maildir that a mail server delivers to, and `tapseal bounce`, which puts a mail into one.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::outbox::{self, Report};
use super::super::{App, Error};
use super::dsn::{self, Action, Dsn};
use crate::clock::now_ms;
use crate::keys;

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The most mails of one look.
const BATCH_MAX: usize = 200;

/// How `tapseal bounce` is called.
#[derive(Debug, clap::Args)]
pub struct BounceOptions {
    /// The Maildir that the payment server watches.
    #[arg(long)]
    bounce_dir: PathBuf,
}

/// Puts the mail on standard input into the Maildir: for a mail server that hands mail to programs. The payment server
/// need not be running.
pub fn receive(options: &BounceOptions) -> std::io::Result<()> {
    make_maildir(&options.bounce_dir)?;
    let mut mail = Vec::new();
    // One byte more than is read later: what is too large is kept as too large, not cut into something else.
    std::io::stdin().take(dsn::BYTES_MAX as u64 + 1).read_to_end(&mut mail)?;
    let name = format!("{}.{}.tapseal", now_ms(), hex::encode(keys::random::<8>()));
    let new = options.bounce_dir.join("tmp").join(&name);
    let mut file = std::fs::File::create_new(&new)?;
    std::io::Write::write_all(&mut file, &mail)?;
    file.sync_all()?;
    std::fs::rename(new, options.bounce_dir.join("new").join(name))
}

fn make_maildir(folder: &Path) -> std::io::Result<()> {
    ["tmp", "new", "cur"].iter().try_for_each(|part| std::fs::create_dir_all(folder.join(part)))
}

/// Reads what comes back until the server stops.
pub(in super::super) async fn run(app: App, folder: PathBuf) {
    loop {
        if let Err(error) = look(&app, &folder).await {
            tracing::error!(%error, "mail that came back could not be read");
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn look(app: &App, folder: &Path) -> Result<(), Error> {
    // Its owner makes it, who delivers to it: a folder of ours would be none that a mail server may write to.
    let mut entries = match tokio::fs::read_dir(folder.join("new")).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        names.push(entry.file_name());
        if names.len() == BATCH_MAX {
            break;
        }
    }
    for name in names {
        let new = folder.join("new").join(&name);
        // Another server may have been faster; what both read changes something once.
        let Some(mail) = read(&new).await? else { continue };
        take(app, &mail).await?;
        let mut kept = name;
        kept.push(":2,S");
        match tokio::fs::rename(&new, folder.join("cur").join(kept)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// The mail, as far as it is read; none if it is gone.
async fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    use tokio::io::AsyncReadExt;
    let file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut mail = Vec::new();
    file.take(dsn::BYTES_MAX as u64 + 1).read_to_end(&mut mail).await?;
    Ok(Some(mail))
}

async fn take(app: &App, mail: &[u8]) -> Result<(), Error> {
    let Some(dsn) = dsn::parse(mail) else {
        tracing::warn!("a mail that came back is no delivery status notification");
        return Ok(());
    };
    let (Some(delivery), Some(report)) = (app.channels.sender.delivery_of(&dsn), report(&dsn)) else {
        tracing::info!(action = ?dsn.action, "a notification about a mail asks for nothing");
        return Ok(());
    };
    outbox::report(app, &delivery, report).await
}

/// What a notification means for its delivery; none for one that only says that it takes longer.
fn report(dsn: &Dsn) -> Option<Report> {
    match (dsn.action, dsn.status.class, dsn.status.subject) {
        (Action::Delayed | Action::PassedOn, ..) => None,
        (Action::Delivered, ..) => Some(Report::Delivered),
        (Action::Failed, _, 1) => Some(Report::FailedForGood("address_refused")),
        (Action::Failed, _, 2) => Some(Report::FailedForGood("mailbox_unavailable")),
        (Action::Failed, _, 7) => Some(Report::FailedForGood("message_refused")),
        // The way there failed and not the address (RFC 3463, subjects 3 to 5): another server may find one.
        (Action::Failed, _, 3..=5) => Some(Report::FailedHere("bounced")),
        (Action::Failed, ..) => Some(Report::FailedForGood("bounced")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_whether_another_way_may_help() {
        let of = |action, class, subject| {
            let status = dsn::Status { class, subject, detail: 1 };
            report(&Dsn { action, status, returned_to: Vec::new(), message_ids: Vec::new() })
        };
        assert_eq!(of(Action::Failed, 5, 1), Some(Report::FailedForGood("address_refused")));
        assert_eq!(of(Action::Failed, 5, 4), Some(Report::FailedHere("bounced")));
        assert_eq!(of(Action::Failed, 5, 0), Some(Report::FailedForGood("bounced")));
        assert_eq!(of(Action::Delayed, 4, 4), None);
        assert_eq!(of(Action::Delivered, 2, 1), Some(Report::Delivered));
    }
}
