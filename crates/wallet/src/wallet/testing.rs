//! The commands of a reader's test.

use protocol::Problem;
use protocol::ipc::{ReaderTestView, ReaderView};

use super::Wallet;

impl Wallet {
    /// Waits for a card and looks at it, to see whether a reader works: nothing is paid, sent or kept.
    pub async fn reader_test_start(&self, reader: Option<String>) -> std::result::Result<ReaderTestView, Problem> {
        Ok(self.core.reader_test.start(self, reader).await?)
    }

    /// Ends the test, wherever it stands, and forgets what it saw.
    pub async fn reader_test_stop(&self) -> std::result::Result<Vec<ReaderView>, Problem> {
        self.core.reader_test.stop().await;
        self.readers().await
    }
}
