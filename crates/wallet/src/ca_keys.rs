//! The certification authorities whose cards this wallet believes: the schemes' own, and those it was given.

use std::fs;
use std::path::Path;

use emv::CaKeys;
use protocol::ErrorCode;

use crate::error::{Result, WalletError};

/// The largest key file that is read, in bytes.
const KEY_FILE_BYTES_MAX: u64 = 256 * 1024;

/// The schemes' keys, and those of the file, one a line (EMV Book 2 section 11.2.2).
///
/// # Errors
/// [`ErrorCode::InvalidInput`] when the file cannot be read or a line of it is no key.
pub(crate) fn known(file: Option<&Path>) -> Result<CaKeys> {
    let Some(file) = file else { return Ok(CaKeys::schemes()) };
    let fault = |why: String| WalletError::Detailed(ErrorCode::InvalidInput, format!("{}: {why}", file.display()));
    let length = fs::metadata(file).map_err(|error| fault(error.to_string()))?.len();
    if length > KEY_FILE_BYTES_MAX {
        return Err(fault("too large".to_owned()));
    }
    let text = fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    let given = CaKeys::parse(&text).map_err(|error| fault(error.to_string()))?;
    Ok(CaKeys::schemes().and(&given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_trusted_beside_the_schemes_unless_it_is_given() {
        let test_authority = virtual_card::test_ca_keys();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.txt");
        fs::write(&file, virtual_card::test_ca_text()).unwrap();
        assert!(known(None).unwrap() == CaKeys::schemes());
        assert!(known(Some(&file)).unwrap() == CaKeys::schemes().and(&test_authority));
    }

    #[test]
    fn a_file_that_is_none_names_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.txt");
        fs::write(&file, "# a note\nA000000003 01 03 00\n").unwrap();
        let Err(WalletError::Detailed(ErrorCode::InvalidInput, why)) = known(Some(&file)) else { panic!("taken") };
        assert!(why.ends_with("line 2 is not a certification authority's key"), "{why}");
        assert!(known(Some(&folder.path().join("none"))).is_err());
    }
}
