//! Servers of others that messages are handed to: Postfix for mail, and npm's `smpp` for text messages.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::system::free_port;

/// How long such a server may take to start, or to do what a test waits for.
const WAIT: Duration = Duration::from_mins(1);
/// The pause between two looks at what nothing announces.
const POLL: Duration = Duration::from_millis(50);
/// The folder with the short message centre; `cargo xtask test` sets it.
const SMPP_EXPECTED: &str = "TAPSEAL_TEST_SMPP";
/// That Postfix is installed and may be started; `cargo xtask test` sets it.
const POSTFIX_EXPECTED: &str = "TAPSEAL_TEST_POSTFIX";
/// The user that owns delivered mail: `nobody`.
const MAIL_USER: u32 = 65_534;

/// A Postfix of the test's own: it takes mail for `example.org` over STARTTLS, keeps it in Maildirs, and sends back what it
/// cannot deliver.
pub struct Postfix {
    folder: TempDir,
    port: u16,
}

impl Postfix {
    /// Starts it with the certificate in `tls`; none where it is not expected.
    pub async fn start(tls: &Path) -> Option<Self> {
        if std::env::var_os(POSTFIX_EXPECTED).is_none() {
            eprintln!("{POSTFIX_EXPECTED} is not set: no Postfix is expected here");
            return None;
        }
        let folder = TempDir::new().expect("a folder for Postfix");
        let postfix = Self { folder, port: free_port() };
        postfix.write_settings(tls);
        postfix.command("start").await;
        let started = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", postfix.port)).await.is_err() {
            assert!(started.elapsed() < WAIT, "Postfix does not listen");
            tokio::time::sleep(POLL).await;
        }
        Some(postfix)
    }

    fn write_settings(&self, tls: &Path) {
        let path = self.folder.path();
        open_to_all(path);
        for name in ["etc", "queue", "data", "mail", "mail/ann", "mail/load", "mail/bounces"] {
            std::fs::create_dir(path.join(name)).expect("a folder of Postfix");
        }
        for name in ["mail", "mail/ann", "mail/load", "mail/bounces"] {
            std::os::unix::fs::chown(path.join(name), Some(MAIL_USER), Some(MAIL_USER)).expect("root may give away");
        }
        let data = std::process::Command::new("chown").arg("postfix").arg(path.join("data")).status();
        assert!(data.expect("chown runs").success());
        for name in ["server.pem", "server.key"] {
            std::fs::copy(tls.join(name.replace("server", "payment-server")), path.join("etc").join(name))
                .expect("TLS");
        }
        let here = path.display();
        let users = "/^ann(\\+.*)?@example\\.org$/ ann/\n/^p[0-9]+@example\\.org$/ load/\n/^bounces(\\+.*)?@back\\.example\\.org$/ bounces/\n";
        std::fs::write(path.join("etc/users"), users).expect("users");
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {here}/queue\ndata_directory = {here}/data\n\
             command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\n\
             setgid_group = postdrop\nmyhostname = mx.example.org\nmydestination =\ninet_protocols = ipv4\n\
             virtual_mailbox_domains = example.org, back.example.org\nvirtual_mailbox_base = {here}/mail\n\
             virtual_mailbox_maps = regexp:{here}/etc/users\nvirtual_uid_maps = static:{MAIL_USER}\n\
             virtual_gid_maps = static:{MAIL_USER}\nrecipient_delimiter =\nsmtpd_reject_unlisted_recipient = no\n\
             smtpd_relay_restrictions = reject_unauth_destination\nsmtpd_tls_security_level = encrypt\n\
             smtpd_tls_cert_file = {here}/etc/server.pem\nsmtpd_tls_key_file = {here}/etc/server.key\n\
             smtpd_peername_lookup = no\nalias_maps =\nalias_database =\nmaillog_file = {here}/log\n\
             maillog_file_prefixes = {here}\nbiff = no\nsmtpd_client_connection_count_limit = 0\n"
        );
        std::fs::write(path.join("etc/main.cf"), main).expect("settings");
        let master = format!(
            "127.0.0.1:{} inet n - n - - smtpd\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
             tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\n\
             defer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\nproxymap unix - - n - - proxymap\n\
             error unix - - n - - error\nretry unix - - n - - error\nvirtual unix - n n - - virtual\n\
             anvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\nflush unix n - n 1000? 0 flush\n\
             showq unix n - n - - showq\n",
            self.port
        );
        std::fs::write(path.join("etc/master.cf"), master).expect("services");
    }

    async fn command(&self, what: &str) {
        let mut postfix = Command::new("/usr/sbin/postfix");
        let ended = postfix.arg("-c").arg(self.folder.path().join("etc")).arg(what).output().await.expect("Postfix");
        assert!(ended.status.success(), "postfix {what}: {ended:?}\n{}", self.log());
    }

    /// What it wrote about its work.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Its address, as the payment server is told.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=required", self.port)
    }

    /// Where a mailbox's mail is: `ann`, `load` or `bounces`.
    pub fn mailbox(&self, name: &str) -> PathBuf {
        self.folder.path().join("mail").join(name)
    }

    /// The mails in a mailbox.
    pub fn mails(&self, name: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.mailbox(name).join("new")) else { return Vec::new() };
        entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok()).collect()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // The test is over either way; a Postfix that does not stop shows in the list of processes.
        let etc = self.folder.path().join("etc");
        let _ = std::process::Command::new("/usr/sbin/postfix").arg("-c").arg(etc).arg("stop").output();
    }
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("our own folder");
}

/// A short message centre.
pub struct Smsc {
    port: u16,
    input: ChildStdin,
    told: Arc<Mutex<Vec<Value>>>,
    _child: Child,
}

impl Smsc {
    /// Starts one; none where it is not expected.
    pub async fn start() -> Option<Self> {
        Self::start_at(0).await
    }

    /// Starts one at this port.
    pub async fn start_at(port: u16) -> Option<Self> {
        let Some(folder) = std::env::var_os(SMPP_EXPECTED).map(PathBuf::from) else {
            eprintln!("{SMPP_EXPECTED} is not set: no short message centre is expected here");
            return None;
        };
        let mut node = Command::new("node");
        node.arg(folder.join("smsc.js")).arg(port.to_string()).kill_on_drop(true);
        let mut child = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let first = tokio::time::timeout(WAIT, lines.next_line()).await.expect("it starts in time");
        let ready: Value = serde_json::from_str(&first.expect("a line").expect("a line")).expect("JSON");
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let said = serde_json::from_str(&line).expect("the centre speaks JSON");
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(said);
            }
        });
        let port = u16::try_from(ready["port"].as_u64().expect("a port")).expect("a port");
        Some(Self { port, input: child.stdin.take().expect("stdin is piped"), told, _child: child })
    }

    /// Its address, as the payment server is told.
    pub fn url(&self) -> String {
        format!("smpp://tap:s3cret@127.0.0.1:{}?from=Tapseal&window=20&enquire_s=1", self.port)
    }

    /// Changes how it behaves, and waits until it does.
    pub async fn behave(&mut self, how: &Value) {
        let before = self.all("behaves").len();
        self.input.write_all(format!("{how}\n").as_bytes()).await.expect("the centre reads");
        self.until("behaves", before + 1).await;
    }

    /// Everything of one kind that happened so far.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|said| said.get(kind).is_some()).cloned().collect()
    }

    /// Waits until something has happened so often.
    pub async fn until(&self, kind: &str, times: usize) -> Vec<Value> {
        let started = Instant::now();
        loop {
            let found = self.all(kind);
            if found.len() >= times {
                return found;
            }
            assert!(started.elapsed() < WAIT, "{kind} happened {} times and not {times}", found.len());
            tokio::time::sleep(POLL).await;
        }
    }
}
