//! By the refresh grant of OAuth 2.0 (RFC 6749, section 6), where no program owns the token but we.
//!
//! A refresh token may be good for one use only (RFC 9700, section 4.14): where the new ones could not be
//! written back, the old one is not spent.

use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::adapters::tokens::document::{self, Fields, Format};
use crate::adapters::tokens::http::{Answer, Order, basic, complaint, encoded};
use crate::adapters::tokens::moment::{self, Shape};
use crate::adapters::tokens::read::host_file;
use crate::adapters::tokens::refresh::write::{self, Place};
use crate::adapters::tokens::refresh::{failed, refused, unanswered};
use crate::adapters::tokens::{TokenReader, extract, jwt, path};
use crate::model::secret::Secret;
use crate::model::text::clean;
use crate::model::tokens::{OauthGrant, RefreshFailure, SecretPlace, TokenRequest, TokenRule};
use crate::ports::Clock;

/// New tokens that cannot be written are lost, so it is tried so often.
const WRITES: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(400);

pub async fn refresh(
    reader: &TokenReader,
    request: &TokenRequest,
    grant: &OauthGrant,
    name: &str,
) -> Result<String, RefreshFailure> {
    let place = Place::of(reader, request).await.map_err(failed)?;
    let stored = Stored::find(&request.rule, grant, &place.content()?, place.name(), name).map_err(failed)?;
    let client_secret = match &grant.client_secret {
        Some(place) => Some(secret(place).map_err(failed)?),
        None => None,
    };
    let sent = Clock::Wall.now();
    let answer = ask(reader, grant, &stored.refresh_token, client_secret.as_ref()).await?;
    let confidential: Vec<&str> = [Some(&stored.refresh_token), client_secret.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(Secret::text)
        .collect();
    let issued: Option<Fields> = serde_json::from_slice(answer.body.bytes()).ok().map(Fields);
    let Some(access) = issued.as_ref().and_then(|issued| issued.0["access_token"].as_str()) else {
        if (200..300).contains(&answer.status) {
            return Err(failed(format!("HTTP {}: the answer has no access token", answer.status)));
        }
        return Err(refused(request, answer.status, &complaint(&answer.body, &confidential)));
    };
    if !(200..300).contains(&answer.status) {
        return Err(refused(request, answer.status, &complaint(&answer.body, &confidential)));
    }
    let Some(issued) = &issued else { return Err(failed(String::from("the answer is no JSON"))) };
    let new = New {
        access: Value::from(access),
        refresh: issued.0.get("refresh_token").filter(|token| token.is_string()).cloned(),
        ends: end_of(&issued.0, access, sent),
        issued: sent,
    };
    keep(reader, request, grant, name, &stored, &new).await?;
    let rotated = new
        .refresh
        .as_ref()
        .and_then(Value::as_str)
        .is_some_and(|new| Some(new) != stored.refresh_token.text());
    Ok(format!("HTTP {}{}", answer.status, if rotated { ", a new refresh token" } else { "" }))
}

/// Writes the new tokens into the file as it is by now.
async fn keep(
    reader: &TokenReader,
    request: &TokenRequest,
    grant: &OauthGrant,
    name: &str,
    stored: &Stored,
    new: &New,
) -> Result<(), RefreshFailure> {
    let mut why = String::new();
    for attempt in 0..WRITES {
        if attempt > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        let work = async {
            let place = Place::of(reader, request).await?;
            let content = place.content().map_err(|failure| failure.words)?;
            let now = Stored::find(&request.rule, grant, &content, place.name(), name)?;
            if now.refresh_token.bytes() != stored.refresh_token.bytes() {
                // Its owner was faster: what it wrote is not ours to overwrite.
                return Ok(());
            }
            place.put(reader, request, edited(&now, &content, new)?).await
        };
        match work.await {
            Ok(()) => return Ok(()),
            Err(words) => why = words,
        }
    }
    // The server may have taken the old one back with this.
    let lost = new.refresh.is_some();
    let next = if lost { "; authorize it anew, the stored refresh token may be spent" } else { "" };
    Err(RefreshFailure {
        words: format!("the new token came and could not be kept: {why}{next}"),
        rejected: lost,
    })
}

/// Where in a document the parts of a token stand.
struct Stored {
    format: Format,
    refresh_token: Secret,
    access_at: Vec<String>,
    refresh_at: Vec<String>,
    ends_at: Option<(Vec<String>, Shape)>,
    issued_at: Option<(Vec<String>, Shape)>,
}

impl Stored {
    fn find(
        rule: &TokenRule,
        grant: &OauthGrant,
        content: &Secret,
        file: &str,
        name: &str,
    ) -> Result<Self, String> {
        let text = content.text().ok_or("the document is no text")?;
        let (format, value) = document::fields(text, file)?;
        let root = Fields(value);
        let (member, way) = extract::member(rule, &root.0, name)
            .ok_or_else(|| format!("{name} is not in the document any more"))?;
        let at = |field: &str| {
            path::find(member, field).map(|(found, inner)| (found, [way.clone(), inner].concat()))
        };
        let needed =
            |field: &str| at(field).ok_or_else(|| format!("there is no {} in the document", clean(field)));
        let (refresh, refresh_at) = needed(&grant.refresh_token)?;
        let refresh = refresh.as_str().filter(|token| !token.is_empty());
        let refresh = refresh.ok_or("there is no refresh token; authorize it first")?;
        let (_, access_at) = needed(&grant.access_token)?;
        let time = |field: &Option<String>| {
            let field = field.as_ref()?;
            let (value, way) = at(field)?;
            Some((way, moment::shape(path::last(field), value)?))
        };
        let found = Self {
            format,
            refresh_token: Secret::from(refresh.to_owned()),
            access_at,
            refresh_at,
            ends_at: time(&rule.expires),
            issued_at: time(&rule.issued),
        };
        // Better known before the old token is spent.
        for way in [&found.access_at, &found.refresh_at] {
            if document::locate(format, text, way).is_none() {
                return Err(format!("{} cannot be written into this document", clean(&way.join("."))));
            }
        }
        Ok(found)
    }
}

struct New {
    access: Value,
    refresh: Option<Value>,
    ends: Option<Timestamp>,
    issued: Timestamp,
}

/// Puts the new values where the old ones stand; everything else stays, blank for blank.
fn edited(stored: &Stored, content: &Secret, new: &New) -> Result<Secret, String> {
    let text = content.text().ok_or("the document is no text")?;
    let mut changes = vec![(&stored.access_at, new.access.clone())];
    changes.extend(new.refresh.clone().map(|token| (&stored.refresh_at, token)));
    if let (Some((way, shape)), Some(ends)) = (&stored.ends_at, new.ends) {
        changes.push((way, moment::write(*shape, ends, new.issued)));
    }
    if let Some((way, shape)) = &stored.issued_at {
        changes.push((way, moment::write(*shape, new.issued, new.issued)));
    }
    let mut places = Vec::new();
    for (way, value) in changes {
        let place = document::locate(stored.format, text, way)
            .ok_or_else(|| format!("{} cannot be written into this document", clean(&way.join("."))))?;
        places.push((place, value.to_string()));
    }
    places.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut text = text.to_owned();
    for (place, value) in places {
        text.replace_range(place, &value);
    }
    // What we write must be what we meant.
    let (_, back) = document::fields(&text, write::ending(stored.format))?;
    let back = Fields(back);
    let access = stored.access_at.iter().try_fold(&back.0, |at, name| match at {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        at => at.get(name),
    });
    if access != Some(&new.access) {
        return Err(String::from("the document would not say what it should; nothing was written"));
    }
    Ok(Secret::from(text))
}

fn end_of(issued: &Value, access: &str, sent: Timestamp) -> Option<Timestamp> {
    let seconds = match &issued["expires_in"] {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok()) {
        Some(span) => sent.checked_add(span).ok(),
        None => moment::moment(jwt::claims(access)?.get("exp")?),
    }
}

/// Reads a secret where it is kept.
fn secret(place: &SecretPlace) -> Result<Secret, String> {
    let secret = match place {
        SecretPlace::Env(name) => std::env::var(name)
            .map_err(|_| format!("the variable {} is not set in stackdash's environment", clean(name)))?,
        SecretPlace::File(path) => {
            let shown = clean(&path.display().to_string());
            let (secret, _) =
                host_file::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
            secret.text().ok_or_else(|| format!("{shown} is no text"))?.to_owned()
        }
    };
    let secret = secret.trim();
    if secret.is_empty() {
        return Err(String::from("the client secret is empty"));
    }
    Ok(Secret::from(secret.to_owned()))
}

async fn ask(
    reader: &TokenReader,
    grant: &OauthGrant,
    refresh_token: &Secret,
    client_secret: Option<&Secret>,
) -> Result<Answer, RefreshFailure> {
    let by_header = client_secret.is_some() && grant.client_id.is_some();
    let answer = request(reader, grant, refresh_token, client_secret, by_header).await?;
    let unknown = complaint(&answer.body, &[]).code.as_deref() == Some("invalid_client");
    // Some servers read the client from the body only; a client that is not known has spent nothing.
    if by_header && unknown {
        return request(reader, grant, refresh_token, client_secret, false).await;
    }
    Ok(answer)
}

async fn request(
    reader: &TokenReader,
    grant: &OauthGrant,
    refresh_token: &Secret,
    client_secret: Option<&Secret>,
    by_header: bool,
) -> Result<Answer, RefreshFailure> {
    let mut order = Order::to("POST", &grant.url).map_err(|fault| unanswered(&fault))?;
    let mut form =
        vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.text().unwrap_or_default())];
    form.extend(grant.scope.as_deref().map(|scope| ("scope", scope)));
    let client = client_secret.and_then(Secret::text);
    if by_header {
        let id = encoded(grant.client_id.as_deref().unwrap_or_default());
        order.headers.extend(basic(&format!("{id}:{}", encoded(client.unwrap_or_default()))));
    } else {
        form.extend(grant.client_id.as_deref().map(|id| ("client_id", id)));
        form.extend(client.map(|secret| ("client_secret", secret)));
    }
    let body: Vec<String> =
        form.into_iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    order.body = Some(Secret::from(body.join("&")));
    order.headers.push((CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
    reader.http.send(order).await.map_err(|fault| unanswered(&fault))
}
