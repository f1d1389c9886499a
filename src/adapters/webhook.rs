//! Tells a webhook: one JSON POST for each notification, over TLS or to this machine.
//!
//! Its address is a secret more often than not (the path of a chat's hook is its key), so no message
//! has more of it than the host. Redirects are not followed, the answer's body is not read. Knows
//! nothing of when to tell.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::model::notify::Notification;
use crate::model::text::clean;
use crate::ports::{BoxFuture, Webhook};

/// From the first byte of the connection to the answer's status.
const PATIENCE: Duration = Duration::from_secs(5);

enum HttpClient {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

pub struct HttpWebhook {
    address: Uri,
    /// Made at the first use: reading the system's certificates takes a while.
    client: OnceCell<HttpClient>,
}

impl HttpWebhook {
    /// The address was validated with the configuration.
    pub fn new(address: Uri) -> Self {
        Self { address, client: OnceCell::new() }
    }

    /// Plain http is for this machine only, which may have no certificates to trust.
    async fn client(&self) -> Result<&HttpClient, String> {
        let is_plain = self.address.scheme_str() == Some("http");
        let make = || async {
            let mut builder = Client::builder(TokioExecutor::new());
            builder.pool_max_idle_per_host(0);
            if is_plain {
                return Ok(HttpClient::Plain(builder.build_http()));
            }
            let roots = tokio::task::spawn_blocking(|| HttpsConnectorBuilder::new().with_native_roots());
            let tls = roots.await.map_err(|error| error.to_string())?;
            let tls = tls.map_err(|error| format!("no certificates to trust: {error}"))?;
            Ok(HttpClient::Tls(builder.build(tls.https_only().enable_http1().build())))
        };
        self.client.get_or_try_init(make).await
    }

    async fn tell(&self, notification: &Notification) -> Result<(), String> {
        let body = serde_json::json!({
            "text": notification.text,
            "change": notification.change.word(),
            "stack": &*notification.stack,
            "service": Some(&*notification.service).filter(|service| !service.is_empty()),
            "token": notification.token.as_deref(),
            "engine": notification.engine,
            "at": format!("{:.3}", notification.at),
        });
        let request = Request::post(self.address.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("stackdash/", env!("CARGO_PKG_VERSION")))
            .body(Full::from(body.to_string()))
            .map_err(|error| error.to_string())?;
        let answer = match self.client().await? {
            HttpClient::Plain(client) => client.request(request).await,
            HttpClient::Tls(client) => client.request(request).await,
        };
        let answer = answer.map_err(|error| why(&error))?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else if status.is_redirection() {
            Err(format!("HTTP {}: redirects are not followed, name the new address", status.as_u16()))
        } else {
            Err(format!("HTTP {}", status.as_u16()))
        }
    }
}

impl Webhook for HttpWebhook {
    fn tell(&self, notification: Notification) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let told = timeout(PATIENCE, self.tell(&notification)).await;
            let told = told.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
            let host = self.address.host().unwrap_or_default();
            told.map_err(|why| clean(&format!("the webhook at {host} was not told: {why}")))
        })
    }
}

/// Says the innermost reason: the outer ones say only that something failed.
fn why(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
