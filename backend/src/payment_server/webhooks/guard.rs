//! Where a webhook may lead: a merchant's address must not become a way into the operator's own network.
//!
//! The address is checked when it is registered and again whenever it is called. A name's addresses are checked after
//! they were resolved, by the resolver that hands them to the connection, so a name that resolves to something else the
//! second time gains nothing. Redirects are not followed.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The longest address of an endpoint, in characters.
const URL_CHARS_MAX: usize = 1_024;
/// Ports below this are other services' own, but for those of HTTP.
const FIRST_FREE_PORT: u16 = 1_024;

/// What an operator allows besides `https` to public addresses.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct WebhookOptions {
    /// For tests and development: webhooks may use http.
    #[arg(long)]
    pub webhook_allow_http: bool,
    /// For tests and development: webhooks may lead to private addresses, such as this machine.
    #[arg(long)]
    pub webhook_allow_private: bool,
}

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the address is not a URL of at most {URL_CHARS_MAX} characters")]
    Malformed,
    #[error("the address must begin with https://")]
    Scheme,
    #[error("the address holds a user name or a password")]
    UserInfo,
    #[error("the address holds a fragment")]
    Fragment,
    #[error("the port must be 443 or above 1023")]
    Port,
    #[error("the address leads into a private network")]
    Private,
}

/// The address of an endpoint, if it may be called.
pub(super) fn checked(text: &str, options: WebhookOptions) -> Result<Url, Refused> {
    if text.chars().count() > URL_CHARS_MAX {
        return Err(Refused::Malformed);
    }
    let url: Url = text.parse().map_err(|_| Refused::Malformed)?;
    match url.scheme() {
        "https" => {}
        "http" if options.webhook_allow_http => {}
        _ => return Err(Refused::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(Refused::Fragment);
    }
    let port = url.port_or_known_default().ok_or(Refused::Malformed)?;
    let is_http = matches!((url.scheme(), port), ("https", 443) | ("http", 80));
    if !is_http && port < FIRST_FREE_PORT {
        return Err(Refused::Port);
    }
    // A literal address is not resolved, so it is looked at here.
    let literal = match url.host().ok_or(Refused::Malformed)? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    };
    if literal.is_some_and(|address| !options.webhook_allow_private && !is_public(address)) {
        return Err(Refused::Private);
    }
    Ok(url)
}

/// Whether an address belongs to somebody on the public internet (IANA special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// IPv4 ranges that are nobody's on the public internet: their first address, and how many bits they share.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    // This network, private use, loopback.
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Carrier-grade NAT.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Link-local: what clouds answer their machines' secrets at.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Protocol assignments, 6to4 relays, benchmarking.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast; reserved, with broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The same of IPv6, within global unicast: protocol assignments with Teredo, documentation, 6to4, documentation again.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(first, bits): &(Ipv4Addr, u32)| (address.to_bits() ^ first.to_bits()) >> (32 - bits) == 0;
    !SPECIAL_V4.iter().any(is_in)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only global unicast. That leaves out loopback, unique local, link-local and multicast addresses, and every
    // prefix that stands for an IPv4 address (mapped, NAT64).
    let is_global_unicast = address.to_bits() >> 125 == 0b001;
    let is_in = |(first, bits): &(Ipv6Addr, u32)| (address.to_bits() ^ first.to_bits()) >> (128 - bits) == 0;
    is_global_unicast && !SPECIAL_V6.iter().any(is_in)
}

/// Looks a name up.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Resolves names for connections, and hands on public addresses only.
pub(super) struct GuardedResolver {
    options: WebhookOptions,
    lookup: Lookup,
}

impl GuardedResolver {
    /// A resolver that asks the system.
    pub(super) fn of_system(options: WebhookOptions) -> Self {
        let lookup: Lookup =
            Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }));
        Self { options, lookup }
    }

    async fn addresses(lookup: Lookup, options: WebhookOptions, name: String) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = lookup(name).await?;
        addresses.retain(|address| options.webhook_allow_private || is_public(address.ip()));
        if addresses.is_empty() { Err(io::Error::other(Refused::Private)) } else { Ok(addresses) }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = Self::addresses(Arc::clone(&self.lookup), self.options, name.as_str().to_owned());
        Box::pin(async move {
            let addresses: Addrs = Box::new(found.await?.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether a call failed because its name resolved into a private network.
pub(super) fn was_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An input/output error tells of what is inside it, not of itself, as its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if error.is::<Refused>() || matches!(inner, Some(inner) if inner.is::<Refused>()) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;

    use super::*;

    const STRICT: WebhookOptions = WebhookOptions { webhook_allow_http: false, webhook_allow_private: false };

    #[test]
    fn only_https_to_public_addresses_is_called() {
        let check = |text: &str, expected: Result<(), Refused>| {
            assert_eq!(checked(text, STRICT).map(drop), expected, "{text}");
        };
        check("https://shop.example/hooks?a=1", Ok(()));
        check("https://shop.example:8443/", Ok(()));
        check("https://8.8.8.8/", Ok(()));
        check("https://[2606:4700::1111]/", Ok(()));
        check("http://shop.example/", Err(Refused::Scheme));
        check("file:///etc/passwd", Err(Refused::Scheme));
        check("gopher://shop.example/", Err(Refused::Scheme));
        check("https://user@shop.example/", Err(Refused::UserInfo));
        check("https://user:word@shop.example/", Err(Refused::UserInfo));
        check("https://shop.example/#part", Err(Refused::Fragment));
        check("https://shop.example:22/", Err(Refused::Port));
        check("https://", Err(Refused::Malformed));
        check(&format!("https://shop.example/{}", "x".repeat(URL_CHARS_MAX)), Err(Refused::Malformed));
        for literal in [
            "127.0.0.1",
            "169.254.169.254",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            // Other spellings of 127.0.0.1.
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[fc00::1]",
            "[fe80::1]",
            "[ff02::1]",
        ] {
            check(&format!("https://{literal}/"), Err(Refused::Private));
        }
    }

    #[test]
    fn an_operator_can_allow_more_for_tests() {
        let open = WebhookOptions { webhook_allow_http: true, webhook_allow_private: true };
        assert!(checked("http://127.0.0.1:8080/", open).is_ok());
        assert!(checked("http://127.0.0.1:25/", open).is_err());
    }

    /// A name server that says something else each time.
    fn rebinding(answers: &'static [&'static str]) -> Lookup {
        let asked = AtomicUsize::new(0);
        Arc::new(move |_| {
            let nth = asked.fetch_add(1, Ordering::SeqCst);
            let address = format!("{}:0", answers[nth]).parse().unwrap();
            Box::pin(async move { Ok(vec![address]) })
        })
    }

    #[tokio::test]
    async fn a_name_that_resolves_into_the_private_network_is_not_connected_to() {
        crate::tls::install_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://rebound.example:{}/", listener.local_addr().unwrap().port());
        let answers = &["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"];
        let resolver = GuardedResolver { options: STRICT, lookup: rebinding(answers) };
        let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(resolver)).build().unwrap();
        for _ in answers {
            let error = client.get(&url).send().await.unwrap_err();
            assert!(was_refused(&error), "{error:?}");
        }
        assert!(listener.accept().now_or_never().is_none(), "somebody came");
    }

    #[tokio::test]
    async fn a_name_that_is_bound_anew_after_it_was_looked_at_gains_nothing() {
        let lookup = rebinding(&["8.8.8.8", "127.0.0.1"]);
        let look = || GuardedResolver::addresses(Arc::clone(&lookup), STRICT, "rebound.example".to_owned());
        assert_eq!(look().await.unwrap(), ["8.8.8.8:0".parse().unwrap()]);
        assert!(was_refused(&look().await.unwrap_err()));
    }

    #[tokio::test]
    async fn of_a_names_addresses_only_the_public_ones_are_used() {
        let lookup: Lookup = Arc::new(|_| {
            let both = ["127.0.0.1:0", "8.8.8.8:0"].map(|text| text.parse().unwrap()).to_vec();
            Box::pin(async move { Ok(both) })
        });
        let kept = GuardedResolver::addresses(lookup, STRICT, "mixed.example".to_owned()).await.unwrap();
        assert_eq!(kept, ["8.8.8.8:0".parse().unwrap()]);
    }
}
