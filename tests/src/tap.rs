//! A tap: stands between two parties with a certificate of the test's own authority, and keeps every byte.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Bytes copied at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// Everything that passed, both ways together.
type Record = Arc<Mutex<Vec<u8>>>;

/// A recording TLS proxy. It ends when dropped.
pub struct Tap {
    address: String,
    record: Record,
    task: tokio::task::JoinHandle<()>,
}

impl Tap {
    /// Between a wallet and the payment server: listens on `port`, goes on to `upstream`.
    pub async fn between_wallet_and_server(folder: &Path, port: u16, upstream: &str) -> Self {
        let accept = server_config(folder, "payment-server");
        let connect = client_config(folder, None);
        Self::start(port, upstream, accept, connect).await
    }

    /// Between the payment server and the bank front; shows the bank the server's own certificate.
    pub async fn between_server_and_bank(folder: &Path, upstream: &str) -> Self {
        let accept = server_config(folder, "bank-front");
        let connect = client_config(folder, Some("payment-server-client"));
        Self::start(0, upstream, accept, connect).await
    }

    /// Between the payment server and an operator's front, the same way.
    pub async fn between_server_and_operator(folder: &Path, operator: &str, upstream: &str) -> Self {
        let accept = server_config(&folder.join("operators").join(operator), "carrier-front");
        let connect = client_config(folder, Some("payment-server-client"));
        Self::start(0, upstream, accept, connect).await
    }

    async fn start(port: u16, upstream: &str, accept: ServerConfig, connect: ClientConfig) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the tap's port is free");
        let address = listener.local_addr().expect("a bound listener has an address").to_string();
        let record = Record::default();
        let acceptor = TlsAcceptor::from(Arc::new(accept));
        let connector = TlsConnector::from(Arc::new(connect));
        let task = tokio::spawn(relay(listener, upstream.to_owned(), acceptor, connector, Arc::clone(&record)));
        Self { address, record, task }
    }

    /// Where the tap listens.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Everything that passed so far.
    pub fn recorded(&self) -> Vec<u8> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(
    listener: TcpListener,
    upstream: String,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    record: Record,
) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let (acceptor, connector) = (acceptor.clone(), connector.clone());
        let (upstream, record) = (upstream.clone(), Arc::clone(&record));
        connections.spawn(async move {
            // A connection that fails is the parties' to notice: the tap only closes it.
            let _ = relay_one(near, &upstream, acceptor, connector, record).await;
        });
    }
}

async fn relay_one(
    near: TcpStream,
    upstream: &str,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    record: Record,
) -> std::io::Result<()> {
    let near = acceptor.accept(near).await?;
    let far = TcpStream::connect(upstream).await?;
    far.set_nodelay(true)?;
    let name = ServerName::try_from("127.0.0.1").expect("an address is a server name");
    let far = connector.connect(name, far).await?;
    let (near_in, near_out) = tokio::io::split(near);
    let (far_in, far_out) = tokio::io::split(far);
    tokio::select! {
        ended = copy(near_in, far_out, &record) => ended,
        ended = copy(far_in, near_out, &record) => ended,
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    record: &Record,
) -> std::io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        record.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..count]);
        to.write_all(&chunk[..count]).await?;
        to.flush().await?;
    }
}

/// The ring provider, once per test process.
pub fn install_crypto() {
    // A second installation is refused because the first one stands: that is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn identity(folder: &Path, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let tls = folder.join("tls");
    let chain = CertificateDer::pem_file_iter(tls.join(format!("{name}.pem"))).expect("the certificate is there");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("the certificate is PEM");
    let key = PrivateKeyDer::from_pem_file(tls.join(format!("{name}.key"))).expect("the key is PEM");
    (chain, key)
}

fn server_config(folder: &Path, name: &str) -> ServerConfig {
    install_crypto();
    let (chain, key) = identity(folder, name);
    let builder = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    builder.with_no_client_auth().with_single_cert(chain, key).expect("certificate and key belong together")
}

/// A TLS client that trusts only the test's authority, with a client certificate if one is named.
pub fn client_config(folder: &Path, name: Option<&str>) -> ClientConfig {
    install_crypto();
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(folder.join("tls/ca.pem")).expect("the authority is there") {
        roots.add(root.expect("the authority is PEM")).expect("the authority is a certificate");
    }
    let builder =
        ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]).with_root_certificates(roots);
    match name {
        Some(name) => {
            let (chain, key) = identity(folder, name);
            builder.with_client_auth_cert(chain, key).expect("certificate and key belong together")
        }
        None => builder.with_no_client_auth(),
    }
}

/// An HTTP client that trusts only the test's authority.
pub fn https_client(folder: &Path) -> reqwest::Client {
    install_crypto();
    let pem = std::fs::read(folder.join("tls/ca.pem")).expect("the authority is there");
    let root = reqwest::Certificate::from_pem(&pem).expect("the authority is PEM");
    reqwest::Client::builder().tls_certs_only([root]).build().expect("a client with one root")
}
