//! One address for several servers: each connection goes to the next that takes it, byte for byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// A balancer. It ends when dropped, and its connections with it.
pub struct Balancer(tokio::task::JoinHandle<()>);

impl Balancer {
    /// Listens on `port` for these servers.
    pub async fn start(port: u16, servers: Vec<String>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the balancer's port is free");
        Self(tokio::spawn(serve(listener, servers.into())))
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve(listener: TcpListener, servers: Arc<[String]>) {
    let turn = Arc::new(AtomicUsize::new(0));
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let (servers, turn) = (Arc::clone(&servers), Arc::clone(&turn));
        connections.spawn(async move {
            if let Some(far) = connected(&servers, &turn).await {
                pass(near, far).await;
            }
        });
    }
}

/// To the server whose turn it is, or the next one that is there.
async fn connected(servers: &[String], turn: &AtomicUsize) -> Option<TcpStream> {
    let first = turn.fetch_add(1, Ordering::Relaxed);
    for offset in 0..servers.len() {
        if let Ok(far) = TcpStream::connect(&servers[(first + offset) % servers.len()]).await {
            return Some(far);
        }
    }
    None
}

async fn pass(mut near: TcpStream, mut far: TcpStream) {
    let without_delay = near.set_nodelay(true).and(far.set_nodelay(true));
    // A connection that breaks is its parties' to notice.
    if without_delay.is_ok() {
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}
