//! The rest of the merchant API from the command line: sign, list, expire, keys, certificates, counters. Answers are
//! printed as the server gave them, in JSON.

use std::path::PathBuf;

use envelope::LinkKey;
use payment::RequestId;
use protocol::merchant_api::{CreateApiKey, CreateCertificate, CreateCounter, Scope};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Caller, MerchantToolError, Place, RequestOptions, keys, signed_order};

/// What else the tool does.
#[derive(Debug, clap::Subcommand)]
pub enum CallCommand {
    /// Signs an order and prints it, ready to be sent; calls nobody.
    Sign(RequestOptions),
    /// Lists requests, newest first.
    List {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// Only those in this state.
        #[arg(long)]
        status: Option<String>,
        /// Only those with this in their order number.
        #[arg(long)]
        order: Option<String>,
        /// `next_cursor` of the page before.
        #[arg(long)]
        cursor: Option<String>,
        /// Requests of a page.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Ends a request's time now.
    Expire {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// The request.
        id: RequestId,
    },
    /// Lists API keys and certificates.
    Keys {
        #[command(flatten)]
        /// Where.
        place: Place,
    },
    /// Makes an API key; it is printed this once.
    KeyCreate {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// What it is called.
        #[arg(long)]
        name: String,
        /// What it may do, such as requests:read.
        #[arg(long = "scope", required = true, value_parser = scope)]
        scopes: Vec<Scope>,
    },
    /// Ends an API key at once.
    KeyRevoke {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// The key's id.
        id: String,
    },
    /// Registers a client certificate for mutual TLS.
    CertificateAdd {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// What it is called.
        #[arg(long)]
        name: String,
        /// What its holder may do.
        #[arg(long = "scope", required = true, value_parser = scope)]
        scopes: Vec<Scope>,
        /// The certificate, a PEM file.
        file: PathBuf,
    },
    /// Removes a client certificate.
    CertificateRemove {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// Its SHA-256, in hexadecimal.
        fingerprint: String,
    },
    /// Lists counters.
    Counters {
        #[command(flatten)]
        /// Where.
        place: Place,
    },
    /// Makes a counter; the link of its code, with its key, is printed this once.
    CounterCreate {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// What it is called.
        #[arg(long)]
        name: String,
    },
    /// Removes a counter.
    CounterRemove {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// The counter's id.
        id: String,
    },
}

fn scope(name: &str) -> Result<Scope, String> {
    let known = || Scope::ALL.map(Scope::name).join(", ");
    Scope::from_name(name).ok_or_else(|| format!("not a scope; there are {}", known()))
}

impl CallCommand {
    const fn place(&self) -> &Place {
        match self {
            Self::Sign(options) => &options.place,
            Self::List { place, .. }
            | Self::Expire { place, .. }
            | Self::Keys { place }
            | Self::KeyCreate { place, .. }
            | Self::KeyRevoke { place, .. }
            | Self::CertificateAdd { place, .. }
            | Self::CertificateRemove { place, .. }
            | Self::Counters { place }
            | Self::CounterCreate { place, .. }
            | Self::CounterRemove { place, .. } => place,
        }
    }
}

/// Runs a command and prints what came back: with `--json` on one line.
pub(super) async fn run(command: CallCommand) -> Result<(), MerchantToolError> {
    let is_for_programs = command.place().json;
    let answer = match command {
        CallCommand::Sign(options) => {
            let (id, body) = signed_order(&options)?;
            json!({ "id": id, "body": body })
        }
        CallCommand::List { place, status, order, cursor, limit } => {
            let limit = limit.to_string();
            let query = [("status", status), ("order_number", order), ("cursor", cursor), ("limit", Some(limit))];
            let mut query = query.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let pairs = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&mut query).finish();
            call(&place, Method::GET, &format!("payment-requests?{pairs}"), None).await?
        }
        CallCommand::Expire { place, id } => {
            call(&place, Method::POST, &format!("payment-requests/{id}/expire"), None).await?
        }
        CallCommand::Keys { place } => call(&place, Method::GET, "access", None).await?,
        CallCommand::KeyCreate { place, name, scopes } => {
            let body = json!(CreateApiKey { name, scopes });
            call(&place, Method::POST, "api-keys", Some(body)).await?
        }
        CallCommand::KeyRevoke { place, id } => {
            call(&place, Method::DELETE, &format!("api-keys/{}", segment(&id)), None).await?
        }
        CallCommand::CertificateAdd { place, name, scopes, file } => {
            let body = json!(CreateCertificate { name, scopes, certificate: keys::read_text(&file)? });
            call(&place, Method::POST, "certificates", Some(body)).await?
        }
        CallCommand::CertificateRemove { place, fingerprint } => {
            call(&place, Method::DELETE, &format!("certificates/{}", segment(&fingerprint)), None).await?
        }
        CallCommand::Counters { place } => call(&place, Method::GET, "counters", None).await?,
        CallCommand::CounterCreate { place, name } => counter(&place, name).await?,
        CallCommand::CounterRemove { place, id } => {
            call(&place, Method::DELETE, &format!("counters/{}", segment(&id)), None).await?
        }
    };
    match (answer.is_null(), is_for_programs) {
        (true, _) => {}
        (false, true) => println!("{answer}"),
        (false, false) => println!("{answer:#}"),
    }
    Ok(())
}

/// A counter, and the links of its printed code: this tool alone has had their key.
async fn counter(place: &Place, name: String) -> Result<Value, MerchantToolError> {
    let key = LinkKey::generate();
    let body = json!(CreateCounter { name, sealing_key: key.public().to_base64url() });
    let mut counter = call(place, Method::POST, "counters", Some(body)).await?;
    let server = Caller::of(place)?.server;
    let host = server.split_once("://").map_or(server.as_str(), |(_, host)| host);
    let (token, key) = (counter["token"].as_str().unwrap_or_default().to_owned(), key.expose_fragment());
    counter["link"] = json!(format!("{server}/c/{token}#{}", key.as_str()));
    counter["deep_link"] = json!(format!("tapseal://c/{token}?s={host}#{}", key.as_str()));
    Ok(counter)
}

/// Text as one segment of a path.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Makes a call; a `POST` gets an idempotency key of its own.
async fn call(place: &Place, method: Method, path: &str, body: Option<Value>) -> Result<Value, MerchantToolError> {
    let caller = Caller::of(place)?;
    let mut call: RequestBuilder = caller.client.request(method.clone(), format!("{}/v1/{path}", caller.server));
    if method == Method::POST {
        call = call.header("idempotency-key", hex::encode(keys::random::<16>()));
    }
    if let Some(body) = body {
        call = call.json(&body);
    }
    let answer = call.bearer_auth(caller.api_key.as_str()).send().await?;
    if answer.status() == reqwest::StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    if answer.status().is_success() {
        return Ok(answer.json().await?);
    }
    Err(MerchantToolError::Refused(Box::new(answer.json().await?)))
}
