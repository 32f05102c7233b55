//! An authority of somebody's own, with one certificate that it signed: what a bank's other systems show.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

use crate::system::System;

/// An authority, and who it vouches for.
pub struct Authority {
    folder: TempDir,
    identity: String,
}

impl Authority {
    /// Makes an authority and one certificate for a client of this name.
    pub fn of(name: &str) -> Self {
        let folder = TempDir::new().expect("a folder for the authority");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, format!("Authority of {name}"));
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        std::fs::write(folder.path().join("ca.pem"), certificate).expect("the folder can be written");
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let own = params.signed_by(&key, &issuer).expect("a certificate").pem();
        std::fs::write(folder.path().join("client.pem"), &own).expect("the folder can be written");
        Self { folder, identity: [own, key.serialize_pem()].concat() }
    }

    /// The file with the authority's own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The file with the client's certificate.
    pub fn client_certificate(&self) -> PathBuf {
        self.folder.path().join("client.pem")
    }

    /// An HTTP client that shows the certificate.
    pub fn client(&self, system: &System) -> reqwest::Client {
        client_showing(system, Some(&self.identity))
    }
}

/// An HTTP client that shows a certificate of the deployment, such as `payment-server-client`.
pub fn deployments_client(system: &System, name: &str) -> reqwest::Client {
    let read = |end: &str| read(&system.folder().join(format!("tls/{name}.{end}")));
    client_showing(system, Some(&[read("pem"), read("key")].concat()))
}

/// An HTTP client that trusts the deployment, and shows this certificate or none.
pub fn client_showing(system: &System, identity: Option<&str>) -> reqwest::Client {
    crate::tap::install_crypto();
    let root = reqwest::Certificate::from_pem(read(&system.folder().join("tls/ca.pem")).as_bytes()).expect("PEM");
    let builder = reqwest::Client::builder().tls_certs_only([root]);
    let identity = identity.map(|pem| reqwest::Identity::from_pem(pem.as_bytes()).expect("an identity"));
    identity.into_iter().fold(builder, reqwest::ClientBuilder::identity).build().expect("a client")
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).expect("it is there")
}
