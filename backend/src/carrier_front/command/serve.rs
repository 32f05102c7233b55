//! Serving: where the operator listens, and how it reaches its subscribers.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Folder;
use crate::carrier_front::error::CarrierError;
use crate::carrier_front::texting::{self, Texting};
use crate::carrier_front::{CarrierFront, link};
use crate::clock::{now_ms, signed_ms};

/// How to serve.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Which operator.
    #[command(flatten)]
    pub folder: Folder,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8585")]
    pub listen: String,
    /// The operator's own short message centre, as `smpp://user:password@host:port?from=NAME`. Without one, texts are
    /// written as files into `texts` in the operator's folder, or into --texts-dir.
    #[arg(long, env = "TAPSEAL_CARRIER_SMS", hide_env_values = true)]
    sms: Option<SmsUrl>,
    /// Where texts are written when there is no centre, a file a text.
    #[arg(long)]
    texts_dir: Option<PathBuf>,
}

/// Where a centre is, with its password: it is shown to nobody.
#[derive(Clone)]
struct SmsUrl(zeroize::Zeroizing<String>);

impl std::str::FromStr for SmsUrl {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(zeroize::Zeroizing::new(text.to_owned())))
    }
}

impl std::fmt::Debug for SmsUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmsUrl")
    }
}

/// Serves until `stop` is cancelled. Prints one line of JSON with the address when ready.
///
/// # Errors
/// When keys, database or address cannot be opened.
pub async fn serve(
    options: &ServeOptions,
    tls: Arc<rustls::ServerConfig>,
    stop: CancellationToken,
) -> Result<(), CarrierError> {
    let home = options.folder.home()?;
    let folder = options.texts_dir.clone().unwrap_or_else(|| home.file("texts"));
    let (texting, session) = match &options.sms {
        Some(url) => Texting::centre(&url.0, &folder).map(|(texting, session)| (texting, Some(session)))?,
        None => (Texting::files(&folder), None),
    };
    let front = CarrierFront::open(&home, texting, Arc::new(|| signed_ms(now_ms()))).await?;
    let socket = |source| CarrierError::File { what: options.listen.clone(), source };
    let listener = TcpListener::bind(&options.listen).await.map_err(socket)?;
    let addr = listener.local_addr().map_err(socket)?;
    println!(
        "{}",
        serde_json::json!({ "ready": "carrier-front", "operator": home.id().as_str(), "addr": addr.to_string() })
    );
    tokio::join!(
        link::serve(listener, tls, Arc::clone(&front), stop.clone()),
        texting::run(Arc::clone(&front), session, stop.clone()),
    );
    Ok(())
}
