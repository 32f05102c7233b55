//! The sealed file a backup is: written beside its name, opened again, and only then put in its place.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use envelope::backup::{BackupError, BackupStream, CHUNK_LEN, CHUNK_OVERHEAD, Chunk, HEADER_LEN};
use protocol::ErrorCode;
use sha2::{Digest, Sha256};

use super::record::{LINES_MAX, Lines, Record};
use crate::error::{Result, WalletError};

/// The largest backup that is read, in bytes: 4 GiB.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// What stands behind the name of a file that is not whole yet.
const PART: &str = "part";

/// A passphrase, as bytes to derive from.
pub type Passphrase = zeroize::Zeroizing<Vec<u8>>;

/// A backup that is being written.
pub struct Writer {
    file: File,
    path: PathBuf,
    part: PathBuf,
    stream: BackupStream,
    pending: Vec<u8>,
    lines: u64,
    digest: Sha256,
}

impl Writer {
    /// Begins a file beside `path`; what stands at `path` stays until the new one is whole.
    pub fn create(path: &Path, passphrase: &Passphrase) -> Result<Self> {
        let (header, stream) = BackupStream::create(passphrase);
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(PART);
        let part = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&part).map_err(cannot_write)?;
        file.write_all(&header).map_err(cannot_write)?;
        let pending = Vec::with_capacity(2 * CHUNK_LEN);
        Ok(Self { file, path: path.to_owned(), part, stream, pending, lines: 0, digest: Sha256::new() })
    }

    /// One more line.
    pub fn write(&mut self, record: &Record) -> Result<()> {
        let line = record.to_line();
        self.digest.update(&line);
        self.lines += 1;
        self.pending.extend_from_slice(&line);
        while self.pending.len() > CHUNK_LEN {
            let sealed = self.stream.seal(&self.pending[..CHUNK_LEN], Chunk::Inner).map_err(refused)?;
            self.file.write_all(&sealed).map_err(cannot_write)?;
            self.pending.drain(..CHUNK_LEN);
        }
        Ok(())
    }

    /// Ends the file, opens it again with the passphrase, and puts it in its place; its size in bytes.
    pub fn finish(mut self, passphrase: &Passphrase) -> Result<u64> {
        let end = Record::End { lines: self.lines };
        self.write(&end)?;
        let sealed = self.stream.seal(&self.pending, Chunk::Last).map_err(refused)?;
        self.file.write_all(&sealed).and_then(|()| self.file.sync_all()).map_err(cannot_write)?;
        let written = std::mem::take(&mut self.digest).finalize();
        let mut read = Sha256::new();
        let mut reader = Reader::open(&self.part, passphrase)?;
        reader.each(|record| {
            read.update(record.to_line());
            Ok(())
        })?;
        if read.finalize() != written {
            return Err(failed("the file reads back as something else"));
        }
        let bytes = fs::metadata(&self.part).map_err(cannot_write)?.len();
        fs::rename(&self.part, &self.path).map_err(cannot_write)?;
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            // The name is as durable as the file; a folder that cannot be opened is one of a foreign system.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(bytes)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After `finish` it has another name.
        let _ = fs::remove_file(&self.part);
    }
}

/// A backup that is read from its beginning.
pub struct Reader {
    file: File,
    length: u64,
    stream: BackupStream,
}

impl Reader {
    /// Opens a backup.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self> {
        let cannot_read = |error: std::io::Error| WalletError::Detailed(ErrorCode::BackupUnreadable, error.to_string());
        let mut file = File::open(path).map_err(cannot_read)?;
        let length = file.metadata().map_err(cannot_read)?.len();
        let mut header = [0; HEADER_LEN];
        if length > FILE_BYTES_MAX || file.read_exact(&mut header).is_err() {
            return Err(refused(BackupError::NotABackup));
        }
        let stream = BackupStream::open(passphrase, &header).map_err(refused)?;
        Ok(Self { file, length: length - header.len() as u64, stream })
    }

    /// Hands out every line, the last one too, once it and all before it proved whole.
    pub fn each(&mut self, mut take: impl FnMut(Record) -> Result<()>) -> Result<()> {
        let mut lines = Lines::default();
        let (mut count, mut is_ended) = (0, false);
        let mut left = self.length;
        let mut sealed = Vec::new();
        loop {
            let full = (CHUNK_LEN + CHUNK_OVERHEAD) as u64;
            let chunk = if left > full { Chunk::Inner } else { Chunk::Last };
            let length = left.min(full);
            sealed.resize(usize::try_from(length).unwrap_or(0), 0);
            self.file.read_exact(&mut sealed).map_err(|_| damaged())?;
            left -= length;
            if !lines.feed(&self.stream.open_chunk(&sealed, chunk).map_err(refused)?) {
                return Err(damaged());
            }
            while let Some(line) = lines.next_line() {
                let record = Record::parse(line).filter(|_| !is_ended && count < LINES_MAX).ok_or_else(damaged)?;
                if let Record::End { lines } = record {
                    is_ended = lines == count;
                }
                count += 1;
                take(record)?;
            }
            if chunk == Chunk::Last {
                return if is_ended && lines.is_empty() { Ok(()) } else { Err(damaged()) };
            }
        }
    }
}

/// What is wrong with a file that is no whole backup.
pub fn damaged() -> WalletError {
    refused(BackupError::Damaged)
}

fn refused(error: BackupError) -> WalletError {
    match error {
        BackupError::Passphrase => WalletError::Code(ErrorCode::BackupPassphraseWrong),
        BackupError::NotABackup | BackupError::Version => {
            WalletError::Detailed(ErrorCode::BackupUnreadable, error.to_string())
        }
        BackupError::Damaged | BackupError::TooLong => WalletError::Code(ErrorCode::BackupDamaged),
    }
}

fn failed(what: &str) -> WalletError {
    WalletError::Detailed(ErrorCode::BackupNotWritten, what.to_owned())
}

#[allow(clippy::needless_pass_by_value, reason = "`map_err` hands an error over")]
fn cannot_write(error: std::io::Error) -> WalletError {
    failed(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        text.as_bytes().to_vec().into()
    }

    fn written(path: &Path, texts: usize) {
        let mut writer = Writer::create(path, &passphrase("one")).unwrap();
        for number in 0..texts {
            writer.write(&Record::Text { text: format!("{number}{}", "x".repeat(1_000)) }).unwrap();
        }
        writer.finish(&passphrase("one")).unwrap();
    }

    fn lines(path: &Path, text: &str) -> Result<usize> {
        let mut count = 0;
        Reader::open(path, &passphrase(text))?.each(|_| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    fn code(path: &Path, text: &str) -> ErrorCode {
        lines(path, text).unwrap_err().code()
    }

    #[test]
    fn a_file_of_several_chunks_is_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.backup");
        written(&path, 200);
        assert_eq!(lines(&path, "one").unwrap(), 201);
        assert_eq!(code(&path, "two"), ErrorCode::BackupPassphraseWrong);
        let whole = fs::read(&path).unwrap();
        assert!(whole.len() > 3 * CHUNK_LEN);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");

        let sealed = CHUNK_LEN + CHUNK_OVERHEAD;
        let mut swapped = whole.clone();
        swapped[HEADER_LEN..HEADER_LEN + 2 * sealed].rotate_left(sealed);
        let mut bent = whole.clone();
        bent[HEADER_LEN + sealed + 5] ^= 1;
        let shorter = [whole.len() - 1, HEADER_LEN + 2 * sealed, HEADER_LEN + 5, HEADER_LEN];
        let cut = shorter.into_iter().map(|length| whole[..length].to_vec());
        let longer = [&whole[..], b"x"].concat();
        for hostile in cut.chain([swapped, bent, longer]) {
            fs::write(&path, &hostile).unwrap();
            assert_eq!(code(&path, "one"), ErrorCode::BackupDamaged, "{} bytes", hostile.len());
        }
        for foreign in [&b""[..], b"{}", &[0; 4_096]] {
            fs::write(&path, foreign).unwrap();
            assert_eq!(code(&path, "one"), ErrorCode::BackupUnreadable);
        }
    }

    #[test]
    fn what_stands_there_stays_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.backup");
        written(&path, 1);
        let mut writer = Writer::create(&path, &passphrase("two")).unwrap();
        writer.write(&Record::Text { text: "half".into() }).unwrap();
        drop(writer);
        assert_eq!(lines(&path, "one").unwrap(), 2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
