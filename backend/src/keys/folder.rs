//! The data folder of a deployment, and what lies where in it.

use std::path::{Path, PathBuf};

use payment::MerchantId;

use super::{BankHome, BankId, KeysError, TrustFile, read_json};
use crate::tls::Identity;

/// The data folder and the names of the files in it.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The certificate that signs all the others.
    pub fn tls_ca(&self) -> PathBuf {
        self.0.join("tls/ca.pem")
    }

    /// Certificate and key under `tls/`: `payment-server`, `payment-server-client` or the first bank's `bank-front`.
    pub fn tls_identity(&self, name: &str) -> Identity {
        let tls = self.0.join("tls");
        Identity { certificate: tls.join(format!("{name}.pem")), key: tls.join(format!("{name}.key")) }
    }

    /// The payment server's database.
    pub fn payment_server_db(&self) -> PathBuf {
        self.0.join("payment-server.db")
    }

    /// A file of the payment server's.
    pub fn payment_server(&self, name: &str) -> PathBuf {
        self.0.join("payment-server").join(name)
    }

    /// Where this bank keeps its files, whether or not it has any.
    pub fn bank_home(&self, id: &BankId) -> BankHome {
        BankHome::of(self, id)
    }

    /// Where this operator keeps its files, whether or not it has any.
    pub fn operator_home(&self, id: &BankId) -> BankHome {
        BankHome::of_operator(self, id)
    }

    /// The banks that a wallet with this folder's trust file knows, in its order.
    pub fn banks(&self) -> Result<Vec<BankId>, KeysError> {
        let mut fronts = self.fronts()?;
        fronts.retain(|id| !self.operator_home(id).dir().exists());
        Ok(fronts)
    }

    /// The telephone operators among what the trust file knows, in its order.
    pub fn operators(&self) -> Result<Vec<BankId>, KeysError> {
        let mut fronts = self.fronts()?;
        fronts.retain(|id| self.operator_home(id).dir().exists());
        Ok(fronts)
    }

    /// Banks and operators.
    pub fn fronts(&self) -> Result<Vec<BankId>, KeysError> {
        let trust: TrustFile = read_json(&self.trust())?;
        let malformed = |_| KeysError::Malformed { path: self.trust(), what: "not a bank id" };
        trust.roots.banks.iter().map(|bank| bank.bank_id.parse().map_err(malformed)).collect()
    }

    /// The keyset that the payment server gives everybody.
    pub fn keyset(&self) -> PathBuf {
        self.payment_server("keyset.jws")
    }

    /// A file of a merchant's.
    pub fn merchant(&self, merchant: &MerchantId, name: &str) -> PathBuf {
        self.0.join("merchants").join(merchant.as_str()).join(name)
    }

    /// What a wallet pins.
    pub fn trust(&self) -> PathBuf {
        self.0.join("trust.json")
    }
}
