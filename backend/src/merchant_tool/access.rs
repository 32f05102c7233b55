//! `tapseal merchant access`: the secret file that makes a wallet a merchant's till.
//!
//! It holds the merchant's signing key and API key. Only its owner can read it, and it is never written over.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::{Merchant, SigningKey};
use payment::MerchantId;
use protocol::merchant_api::Scope;
use serde::Serialize;
use zeroize::Zeroizing;

use super::MerchantToolError;
use crate::keys::{self, DataFolder, KeysError, MerchantFacts, TrustFile};

/// The only version there is.
const VERSION: u8 = 1;
/// The longest name of a city in a code that a merchant presents (EMVCo MPM 1.1, table 3.6), in characters.
const CITY_CHARS_MAX: usize = 15;

/// Where the merchant's files are, and where to write.
#[derive(Debug, clap::Args)]
pub struct AccessOptions {
    /// The data folder with the merchant's keys.
    #[arg(long)]
    data: PathBuf,
    /// Which merchant.
    #[arg(long)]
    merchant: MerchantId,
    /// The file to write. It is a secret: delete it once the till has taken it in.
    #[arg(long)]
    out: PathBuf,
    /// The merchant API's address; by default the one in the data folder.
    #[arg(long)]
    server: Option<String>,
    /// A file with the API key to hand out, such as one with fewer scopes; by default the merchant's first.
    #[arg(long)]
    api_key_file: Option<PathBuf>,
    /// What that key may do, as `requests:read`; may be given again. By default everything.
    #[arg(long = "scope", value_parser = scope)]
    scopes: Vec<Scope>,
    /// Where the merchant is, in plain letters: a code that merchants present must name a city.
    #[arg(long, value_parser = city)]
    city: Option<String>,
}

fn scope(name: &str) -> Result<Scope, String> {
    Scope::from_name(name).ok_or_else(|| format!("{name}: not a scope"))
}

fn city(name: &str) -> Result<String, String> {
    let plain = name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let fits = !name.is_empty() && name.len() <= CITY_CHARS_MAX && plain;
    if fits { Ok(name.to_owned()) } else { Err(format!("at most {CITY_CHARS_MAX} plain letters")) }
}

/// What stands in the file.
#[derive(Serialize)]
struct AccessFile<'a> {
    version: u8,
    server: &'a str,
    tls_ca: Option<&'a str>,
    trust: &'a TrustFile,
    #[serde(flatten)]
    facts: &'a MerchantFacts,
    city: Option<&'a str>,
    signing_key: &'a str,
    kid: &'a str,
    api_key: &'a str,
    scopes: &'a [Scope],
}

/// Writes the file.
pub(super) fn write(options: &AccessOptions) -> Result<(), MerchantToolError> {
    let folder = DataFolder::new(&options.data);
    let of_merchant = |name: &str| folder.merchant(&options.merchant, name);
    let facts: MerchantFacts = keys::read_json(&of_merchant("profile.json"))?;
    // A till learns what its merchant takes from the keyset, like everybody else.
    let facts = MerchantFacts { methods: None, ..facts };
    let trust: TrustFile = keys::read_json(&folder.trust())?;
    let seed = keys::read_key(&of_merchant("signing.key"))?;
    let signing: SigningKey<Merchant> = SigningKey::from_bytes(&seed);
    let signing_key = Zeroizing::new(URL_SAFE_NO_PAD.encode(signing.expose_bytes()));
    let api_key_file = options.api_key_file.clone().unwrap_or_else(|| of_merchant("api-key"));
    let api_key = Zeroizing::new(keys::read_text(&api_key_file)?);
    let scopes = if options.scopes.is_empty() { Scope::ALL.to_vec() } else { options.scopes.clone() };
    let file = AccessFile {
        version: VERSION,
        server: options.server.as_deref().unwrap_or(&trust.server_url).trim_end_matches('/'),
        tls_ca: Some(&trust.tls_ca_pem),
        trust: &trust,
        facts: &facts,
        city: options.city.as_deref(),
        signing_key: &signing_key,
        kid: signing.kid(),
        api_key: api_key.trim(),
        scopes: &scopes,
    };
    let text = Zeroizing::new(serde_json::to_vec_pretty(&file).expect("texts are always JSON"));
    let fault = |source| KeysError::File { path: options.out.clone(), source };
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&options.out).map_err(fault)?;
    out.write_all(&text).and_then(|()| out.sync_all()).map_err(fault)?;
    println!("{} makes a wallet the till of {}. Delete it afterwards.", options.out.display(), facts.display_name);
    Ok(())
}
