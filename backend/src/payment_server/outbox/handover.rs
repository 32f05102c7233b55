//! One try: the message is composed and handed to the channel's gateway.

use envelope::{DeviceSealingKey, LinkKey, request};
use payment::{DeviceId, MerchantId, RequestId};
use protocol::ErrorCode;
use protocol::merchant_api::Channel;
use zeroize::Zeroizing;

use super::super::payment_requests::StoredRequest;
use super::super::templates::Message;
use super::super::{App, Error, devices, inbox, links};
use super::lease::Due;
use super::{Purpose, is_too_old, why_moot};
use crate::clock::now_ms;
use crate::gateway::Verdict;

/// Makes one try.
pub(super) async fn hand_over(app: &App, due: &Due) -> Verdict {
    // The third try of a message is not made while two may have arrived.
    if due.channel != Channel::Device && due.unsure > 2 {
        return Verdict::Unsure("unconfirmed");
    }
    let tried = match (&due.request, due.channel) {
        (Some((request, _)), Channel::Device) => to_inbox(app, *request, &due.target).await,
        (Some((request, merchant)), Channel::Email | Channel::Sms) => {
            request_message(app, *request, merchant, due).await
        }
        (None, Channel::Email | Channel::Sms) => claim_message(app, due).await,
        (None, Channel::Device) => Err(Error::Row("delivery")),
    };
    tried.unwrap_or_else(|error| {
        why_moot(&error).map_or_else(
            || {
                tracing::error!(%error, delivery = due.id, "a delivery could not be made");
                Verdict::Later("internal")
            },
            Verdict::Moot,
        )
    })
}

async fn to_inbox(app: &App, request_id: RequestId, device: &str) -> Result<Verdict, Error> {
    let request = app.request(request_id).await?;
    let key: Option<String> = sqlx::query_scalar("SELECT sealing_key FROM device WHERE id = $1")
        .bind(device)
        .fetch_optional(app.db.reader())
        .await?;
    let key =
        DeviceSealingKey::from_base64url(&key.ok_or(ErrorCode::DeviceUnknown)?).map_err(|_| Error::Row("device"))?;
    let capsule = request::seal_to_device(&key, request_id.as_bytes(), &links::letter(&request.order_jws))?;
    let sealed = serde_json::to_string(&capsule).expect("a capsule is always JSON");
    let device: DeviceId = device.parse().map_err(|_| Error::Row("device"))?;
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                devices::follow(db_tx, request_id, device).await?;
                inbox::append_request(db_tx, device, request_id, &sealed).await
            })
        })
        .await?;
    app.device_watchers.tell(device);
    Ok(Verdict::taken("inbox"))
}

async fn request_message(app: &App, id: RequestId, merchant: &MerchantId, due: &Due) -> Result<Verdict, Error> {
    let request = app.request_now(id, now_ms()).await?;
    // Nobody needs a letter about a request that has ended meanwhile.
    if !request.state.is_open() {
        return Err(ErrorCode::RequestClosed.into());
    }
    // Its person does not want to hear of it. To the merchant it looks sent.
    if app.keeps_back(id).await? {
        return Ok(Verdict::taken("kept-back"));
    }
    let payee = &app.keys.merchant(merchant).ok_or(ErrorCode::NotFound)?.display_name;
    let secret = match &due.secret {
        Some(secret) => secret.clone(),
        None => link_of_its_own(app, &request, due).await?,
    };
    let (token, fragment) = secret.split_once('#').ok_or(Error::Row("delivery"))?;
    let link = Zeroizing::new(links::https_link(&app.public_url, token, fragment));
    let deep_link = Zeroizing::new(links::deep_link(&app.public_url, token, fragment));
    let again = due.purpose != Purpose::Request;
    Ok(send(app, due, &Message::Request { payee, link: &link, deep_link: &deep_link, again }).await)
}

async fn claim_message(app: &App, due: &Due) -> Result<Verdict, Error> {
    if is_too_old(due) {
        return Ok(Verdict::Moot("too_old"));
    }
    let code = due.secret.as_deref().ok_or(Error::Row("delivery"))?;
    Ok(send(app, due, &Message::Claim { code }).await)
}

/// A new link to a request whose first link's key is gone. It is stored with its letter before it is sent, so that a
/// second try sends the same.
async fn link_of_its_own(app: &App, request: &StoredRequest, due: &Due) -> Result<Zeroizing<String>, Error> {
    let key = LinkKey::generate();
    let sealed = request::seal_to_link(&key, request.id.as_bytes(), &links::letter(&request.order_jws))?;
    let sealed = serde_json::to_string(&sealed).expect("a capsule is always JSON");
    let token = links::new_token();
    let secret = Zeroizing::new(format!("{token}#{}", key.expose_fragment().as_str()));
    let (request_id, delivery, stored) = (request.id, due.id.clone(), secret.clone());
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                links::insert(db_tx, &token, request_id, &sealed).await?;
                sqlx::query("UPDATE delivery SET secret = $1 WHERE id = $2 AND status = 'queued'")
                    .bind(stored.as_str())
                    .bind(delivery)
                    .execute(db_tx)
                    .await
                    .map(drop)
                    .map_err(Error::from)
            })
        })
        .await?;
    Ok(secret)
}

/// Over the gateway that is this try's.
async fn send(app: &App, due: &Due, message: &Message<'_>) -> Verdict {
    match due.channel {
        Channel::Device => Verdict::Moot("undeliverable"),
        Channel::Email => match app.channels.mail.get(due.route).or(app.channels.mail.first()) {
            Some(gateway) => gateway.send(&app.channels.sender, &due.id, &due.target, &due.language, message).await,
            None => Verdict::Elsewhere("no_gateway"),
        },
        Channel::Sms => match app.channels.sms.get(due.route).or(app.channels.sms.first()) {
            Some(gateway) => gateway.send(&due.id, &due.target, &message.sms(&due.language)).await,
            None => Verdict::Elsewhere("no_gateway"),
        },
    }
}
