//! Reads `[[token]]`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::complete;
use crate::config::nearest::did_you_mean;
use crate::config::reader::{Reader, Table, kind};
use crate::model::text::clean;
use crate::model::tokens::{
    Authorize, Buffer, HttpCall, OauthGrant, SecretPlace, TokenRead, TokenRefresh, TokenRule,
};

pub const KEYS: [&str; 12] = [
    "name",
    "service",
    "read",
    "expires",
    "issued",
    "value",
    "each",
    "label",
    "buffer",
    "refresh",
    "auto_refresh",
    "authorize",
];
/// Refreshed so long before the end, where nothing else is said.
const BUFFER: Duration = Duration::from_mins(5);
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

pub fn token(reader: &mut Reader<'_>, folder: &Path, table: &Table<'_, '_>) -> Option<TokenRule> {
    let name = table.needed(reader, "name");
    let service = table.text(reader, "service").map(|name| Arc::from(clean(&name)));
    let Some(value) = table.get("read") else {
        reader.fault(table.at, String::from("[[token]] has no read: read = { file = \"/data/token.json\" }"));
        return None;
    };
    let read = read(reader, folder, value);
    if read.as_ref().is_some_and(TokenRead::is_inside) && service.is_none() {
        reader
            .fault(value.span().start, String::from("a token that is read in a container wants its service"));
    }
    let buffer = table.get("buffer").and_then(|value| buffer(reader, value)).unwrap_or(Buffer::Fixed(BUFFER));
    let refresh = table.get("refresh").and_then(|value| refresh(reader, folder, value));
    let auto_refresh = table.flag(reader, "auto_refresh").unwrap_or_default();
    if auto_refresh && table.get("refresh").is_none() {
        reader.fault(table.at, String::from("auto_refresh needs a refresh: how is it to be done?"));
    }
    let authorize = table.get("authorize").and_then(|value| authorize(reader, value));
    Some(TokenRule {
        name: clean(&name?),
        service,
        read: read?,
        expires: table.text(reader, "expires"),
        issued: table.text(reader, "issued"),
        value: table.text(reader, "value"),
        each: table.text(reader, "each"),
        label: table.text(reader, "label"),
        buffer,
        refresh,
        auto_refresh,
        authorize,
    })
}

fn read(reader: &mut Reader<'_>, folder: &Path, value: &Spanned<DeValue<'_>>) -> Option<TokenRead> {
    const KINDS: [&str; 6] = ["file", "http", "exec", "env", "secret", "host_file"];
    let known = [&KINDS[..], &["headers"]].concat();
    let table = reader.table("read", value, &known)?;
    let (key, value) = table.one_of(reader, &KINDS)?;
    Some(match key {
        "file" => TokenRead::File(reader.text_of(key, value)?),
        "http" => TokenRead::Http(call(reader, &table, value, "GET")?),
        "exec" => TokenRead::Exec(program(reader, key, value)?),
        "env" => TokenRead::Env(reader.text_of(key, value)?),
        "secret" => TokenRead::Secret(reader.text_of(key, value)?),
        _ => TokenRead::HostFile(complete(folder, &reader.text_of(key, value)?)),
    })
}

fn program(reader: &mut Reader<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let arguments = reader.texts_of(key, value)?;
    if arguments.is_empty() {
        reader.fault(value.span().start, format!("{key} names no program"));
    }
    Some(arguments)
}

/// Reads `"POST http://…"`, with the `headers` and the `body` beside it.
fn call(
    reader: &mut Reader<'_>,
    table: &Table<'_, '_>,
    value: &Spanned<DeValue<'_>>,
    usual: &str,
) -> Option<HttpCall> {
    let text = reader.text_of("http", value)?;
    let (method, url) = text.split_once(' ').unwrap_or((usual, &text));
    let (method, url) = (method.trim().to_uppercase(), url.trim().to_owned());
    let at = value.span().start;
    if !METHODS.contains(&&*method) {
        let hint = did_you_mean(&method, METHODS);
        reader.fault(at, format!("http has an unknown method {method:?}{hint}: \"POST http://…\""));
        return None;
    }
    if !url.starts_with("http://") && !url.starts_with("https://") {
        reader.fault(
            at,
            format!("http wants an address that begins with http:// or https://, this is {url:?}"),
        );
        return None;
    }
    let mut headers = BTreeMap::new();
    if let Some(value) = table.get("headers") {
        let Some(inner) = value.get_ref().as_table() else {
            let kind = kind(value.get_ref());
            reader.fault(value.span().start, format!("headers wants a table, this is {kind}"));
            return None;
        };
        for (key, value) in inner {
            headers.insert(key.get_ref().to_string(), reader.text_of(key.get_ref(), value)?);
        }
    }
    Some(HttpCall { method, url, headers, body: table.text(reader, "body") })
}

fn buffer(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) -> Option<Buffer> {
    if !value.get_ref().is_table() {
        return reader.span_of("buffer", value).map(Buffer::Fixed);
    }
    let table = reader.table("buffer", value, &["field", "unit"])?;
    let field = table.needed(reader, "field")?;
    let unit = match table.text(reader, "unit").as_deref() {
        Some("seconds" | "s") => Duration::from_secs(1),
        None | Some("minutes" | "m") => Duration::from_mins(1),
        Some("hours" | "h") => Duration::from_hours(1),
        Some("days" | "d") => Duration::from_hours(24),
        Some(other) => {
            let hint = did_you_mean(other, ["seconds", "minutes", "hours", "days"]);
            reader.fault(
                table.at,
                format!("unit {other:?} is not known{hint} (known: seconds, minutes, hours, days)"),
            );
            return None;
        }
    };
    Some(Buffer::Field { field, unit })
}

fn refresh(reader: &mut Reader<'_>, folder: &Path, value: &Spanned<DeValue<'_>>) -> Option<TokenRefresh> {
    const KINDS: [&str; 4] = ["http", "exec", "restart", "oauth"];
    let known = [&KINDS[..], &["headers", "body"]].concat();
    let table = reader.table("refresh", value, &known)?;
    let (key, value) = table.one_of(reader, &KINDS)?;
    match key {
        "http" => call(reader, &table, value, "POST").map(TokenRefresh::Http),
        "exec" => program(reader, key, value).map(TokenRefresh::Exec),
        "restart" => {
            if reader.bool_of(key, value)? {
                Some(TokenRefresh::Restart)
            } else {
                reader.fault(value.span().start, String::from("restart is false: leave refresh out"));
                None
            }
        }
        _ => oauth(reader, folder, value).map(TokenRefresh::Oauth),
    }
}

fn oauth(reader: &mut Reader<'_>, folder: &Path, value: &Spanned<DeValue<'_>>) -> Option<OauthGrant> {
    let known = [
        "url",
        "client_id",
        "client_secret_env",
        "client_secret_file",
        "refresh_token",
        "access_token",
        "scope",
    ];
    let table = reader.table("oauth", value, &known)?;
    let url = table.needed(reader, "url")?;
    let from_file =
        table.text(reader, "client_secret_file").map(|file| SecretPlace::File(complete(folder, &file)));
    let from_env = table.text(reader, "client_secret_env").map(SecretPlace::Env);
    if from_file.is_some() && from_env.is_some() {
        reader.fault(table.at, String::from("oauth has two places for the client secret: keep one"));
    }
    Some(OauthGrant {
        url,
        client_id: table.text(reader, "client_id"),
        client_secret: from_file.or(from_env),
        refresh_token: table.text(reader, "refresh_token").unwrap_or_else(|| String::from("refresh_token")),
        access_token: table.text(reader, "access_token").unwrap_or_else(|| String::from("access_token")),
        scope: table.text(reader, "scope"),
    })
}

fn authorize(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) -> Option<Authorize> {
    let table = reader.table("authorize", value, &["http", "headers", "body", "url", "status"])?;
    let Some(http) = table.get("http") else {
        reader.fault(table.at, String::from("authorize has no http: \"GET http://…/oauth/initiate\""));
        return None;
    };
    let http = call(reader, &table, http, "GET")?;
    let url = table.text(reader, "url").unwrap_or_else(|| String::from("url"));
    let status = table.get("status").and_then(|value| call(reader, &table, value, "GET"));
    Some(Authorize { http, url, status: status.map(|call| HttpCall { body: None, ..call }) })
}
