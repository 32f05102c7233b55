//! Counters: one printed code that leads to whatever the till is asking for now.
//!
//! The code's key pair is made here. The server gets the public half; the private one stands in the fragment of the
//! printed link, and is kept sealed so that the code can be printed again.

use envelope::LinkKey;
use protocol::Problem;
use protocol::ipc::merchant::CounterQrView;
use protocol::merchant_api::{CounterView, CountersView, CreateCounter};

use super::{Till, link};
use crate::error::Result;
use crate::qr::{self, Damage};
use crate::wallet::Wallet;

impl Wallet {
    /// The printed counter codes.
    pub async fn counters(&self) -> std::result::Result<Vec<CounterQrView>, Problem> {
        let till = self.till()?;
        let answer: CountersView = till.api.get("/v1/counters", &[]).await?;
        let mut views = Vec::with_capacity(answer.counters.len());
        for counter in answer.counters {
            views.push(self.counter_view(&till, counter).await?);
        }
        Ok(views)
    }

    /// Makes a counter code.
    pub async fn counter_create(&self, name: String) -> std::result::Result<CounterQrView, Problem> {
        let till = self.till()?;
        let key = LinkKey::generate();
        let body = CreateCounter { name: name.trim().to_owned(), sealing_key: key.public().to_base64url() };
        let body = serde_json::to_vec(&body).expect("wire types are always JSON");
        let counter: CounterView = till.api.post("/v1/counters", &super::new_key(), &body).await?;
        let link =
            format!("https://{}/c/{}#{}", self.core.trust.server_host(), counter.token, key.expose_fragment().as_str());
        let sealed = link::seal_counter(&till.rest, &counter.id, &link)?;
        self.core.store.save_counter_link(&counter.id, &till.facts.merchant_id, &sealed).await?;
        Ok(self.counter_view(&till, counter).await?)
    }

    async fn counter_view(&self, till: &Till, counter: CounterView) -> Result<CounterQrView> {
        let sealed = self.core.store.counter_link(&counter.id).await?;
        let link = sealed.map(|sealed| link::open_counter(&till.rest, &counter.id, &sealed)).transpose()?;
        Ok(CounterQrView {
            id: counter.id,
            name: counter.name,
            qr_svg: link.as_ref().map(|link| qr::svg(link, Damage::Some)),
            link: link.map(|link| link.to_string()),
            request_id: counter.request_id,
        })
    }
}
