//! The TLS certificates: one authority for the deployment, and one certificate for each end of each line.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::{BankHome, DataFolder, KeysError, front_host_name, read_text, write_new};
use crate::tls::Identity;

/// Years until the authority's certificate ends.
const CA_YEARS: i16 = 10;
/// Years until the other certificates end.
const LEAF_YEARS: i16 = 1;

/// Makes the authority and the payment server's certificates, where they are missing.
pub(super) fn make(folder: &DataFolder, hosts: &[String]) -> Result<(), KeysError> {
    make_authority(folder)?;
    let client = vec!["payment-server".to_owned()];
    make_leaf(folder, &folder.tls_identity("payment-server"), hosts.to_vec(), ExtendedKeyUsagePurpose::ServerAuth)?;
    make_leaf(folder, &folder.tls_identity("payment-server-client"), client, ExtendedKeyUsagePurpose::ClientAuth)
}

/// Makes an authority of its own and one server certificate under this name, for a party that stands outside the deployment.
///
/// # Errors
/// When a file cannot be written or a certificate not be made.
pub fn make_outsider(folder: &DataFolder, name: &str, hosts: &[String]) -> Result<(), KeysError> {
    make_authority(folder)?;
    make_leaf(folder, &folder.tls_identity(name), hosts.to_vec(), ExtendedKeyUsagePurpose::ServerAuth)
}

fn make_authority(folder: &DataFolder) -> Result<(), KeysError> {
    let ca = authority(folder);
    if !ca.certificate.exists() {
        let key = key_pair(&ca)?;
        write_new(&ca.certificate, ca_params().self_signed(&key)?.pem().as_bytes())?;
    }
    Ok(())
}

/// Makes the certificate of a bank's front, where it is missing. It names the bank beside the hosts, so that the
/// payment server knows one bank's front from another's wherever they listen.
pub(super) fn make_front(folder: &DataFolder, home: &BankHome, hosts: &[String]) -> Result<(), KeysError> {
    let names = hosts.iter().cloned().chain([front_host_name(home.id())]).collect();
    make_leaf(folder, home.tls_identity(), names, ExtendedKeyUsagePurpose::ServerAuth)
}

fn make_leaf(
    folder: &DataFolder,
    leaf: &Identity,
    names: Vec<String>,
    purpose: ExtendedKeyUsagePurpose,
) -> Result<(), KeysError> {
    if leaf.certificate.exists() {
        return Ok(());
    }
    // The issuer is its name and its key, which are the same however often the parameters are made.
    let issuer = Issuer::new(ca_params(), KeyPair::from_pem(&read_text(&authority(folder).key)?)?);
    let key = key_pair(leaf)?;
    let name = leaf.certificate.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let certificate = leaf_params(&name, names, purpose)?.signed_by(&key, &issuer)?;
    write_new(&leaf.certificate, certificate.pem().as_bytes())
}

fn authority(folder: &DataFolder) -> Identity {
    Identity { certificate: folder.tls_ca(), key: folder.tls_ca().with_extension("key") }
}

fn key_pair(identity: &Identity) -> Result<KeyPair, KeysError> {
    if !identity.key.exists() {
        write_new(&identity.key, KeyPair::generate()?.serialize_pem().as_bytes())?;
    }
    Ok(KeyPair::from_pem(&read_text(&identity.key)?)?)
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Tapseal deployment authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_period(&mut params, CA_YEARS);
    params
}

fn leaf_params(
    name: &str,
    names: Vec<String>,
    purpose: ExtendedKeyUsagePurpose,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = named(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    set_period(&mut params, LEAF_YEARS);
    Ok(params)
}

/// From yesterday on, because clocks differ, for so many years.
fn set_period(params: &mut CertificateParams, years: i16) {
    let yesterday = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().yesterday();
    let from = yesterday.expect("the clock is far from the calendar's end");
    let ymd = |year: i16| {
        // A 29 February has no counterpart in most years; the 28th always exists.
        let day = from.day().min(28);
        rcgen::date_time_ymd(year.into(), from.month().unsigned_abs(), day.unsigned_abs())
    };
    params.not_before = ymd(from.year());
    params.not_after = ymd(from.year() + years);
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
