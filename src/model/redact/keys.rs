//! What the name of a variable, a label, a field or an option says about its value.

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// A password, a token and the like: masked whatever the value.
    Secret,
    /// `AUTH`, `SESSION` and the like: masked unless the value is plainly a setting.
    MaybeSecret,
    /// Something's `KEY`: masked when the value looks like one.
    Key,
    /// Names a file or folder.
    Path,
    /// Checksums and key fingerprints: published so that they can be compared.
    Public,
    Plain,
}

/// Names that hold a secret wherever they stand in a key, also joined to other words.
const SECRET_PARTS: [&str; 17] = [
    "password",
    "passwd",
    "passphrase",
    "passwrd",
    "secret",
    "credential",
    "apikey",
    "apitoken",
    "webhook",
    "privatekey",
    "accesskey",
    "secretkey",
    "signingkey",
    "encryptionkey",
    "connectionstring",
    "connstr",
    "htpasswd",
];
/// Words that name a secret only when they stand alone, or end a word (`DBPASS`).
const SECRET_WORDS: [&str; 8] = ["pass", "pwd", "token", "tokens", "jwt", "dsn", "bearer", "authorization"];
const MAYBE_WORDS: [&str; 14] = [
    "auth",
    "oauth",
    "oauth2",
    "basicauth",
    "authentication",
    "authkey",
    "cookie",
    "cookies",
    "session",
    "sessions",
    "sessionid",
    "signing",
    "signature",
    "salt",
];
/// Two words that name a secret together.
const SECRET_PAIRS: [(&str, &str); 15] = [
    ("api", "key"),
    ("access", "key"),
    ("private", "key"),
    ("signing", "key"),
    ("encryption", "key"),
    ("master", "key"),
    ("account", "key"),
    ("shared", "key"),
    ("storage", "key"),
    ("auth", "key"),
    ("app", "key"),
    ("conn", "str"),
    ("connection", "str"),
    ("connection", "string"),
    ("license", "key"),
];
/// Last words that make a setting out of a secret's name: `TOKEN_TTL`, `AUTH_URL`.
const SETTINGS: [&str; 62] = [
    "algorithm",
    "alg",
    "address",
    "addr",
    "age",
    "audience",
    "backend",
    "bits",
    "bucket",
    "buffer",
    "cache",
    "class",
    "count",
    "days",
    "domain",
    "driver",
    "enable",
    "enabled",
    "disabled",
    "endpoint",
    "engine",
    "entrypoints",
    "expiration",
    "expire",
    "expires",
    "expiry",
    "header",
    "hours",
    "host",
    "hostname",
    "interval",
    "issuer",
    "length",
    "level",
    "lifetime",
    "limit",
    "max",
    "method",
    "middlewares",
    "min",
    "minutes",
    "mode",
    "name",
    "path",
    "policy",
    "port",
    "provider",
    "realm",
    "region",
    "required",
    "rounds",
    "rule",
    "scheme",
    "scope",
    "scopes",
    "seconds",
    "size",
    "store",
    "timeout",
    "ttl",
    "type",
    "version",
];

/// Judges the name of a variable, a label, a JSON field or a command-line option.
pub(super) fn kind_of(key: &str) -> KeyKind {
    let words = words_of(key);
    let Some(last) = words.last().map(String::as_str) else { return KeyKind::Plain };
    if key.eq_ignore_ascii_case("pwd") || key.eq_ignore_ascii_case("oldpwd") {
        return KeyKind::Path;
    }
    // The working directory's own variable aside, a file's name is no secret; what stands in it is.
    if matches!(
        last,
        "file" | "files" | "path" | "paths" | "dir" | "directory" | "folder" | "sock" | "socket"
    ) {
        return KeyKind::Path;
    }
    let compact: String = words.concat();
    let has = |word: &str| words.iter().any(|have| have == word);
    let secret_part = SECRET_PARTS.iter().any(|part| compact.contains(part));
    let secret_word = words.iter().any(|word| {
        SECRET_WORDS.contains(&word.as_str())
            || (word.len() > 4
                && ["pass", "pwd", "token", "jwt"].iter().any(|end| word.ends_with(end))
                && word != "compass"
                && word != "bypass")
    });
    let secret_pair = SECRET_PAIRS
        .iter()
        .any(|(first, second)| words.windows(2).any(|pair| pair[0] == *first && pair[1] == *second));
    if secret_part || secret_word || secret_pair {
        // A webhook's address is its secret; so is a data source's name.
        let address = matches!(last, "url" | "urls" | "uri") && !compact.contains("webhook") && !has("dsn");
        return if address || SETTINGS.contains(&last) { KeyKind::Plain } else { KeyKind::Secret };
    }
    if matches!(last, "sha1" | "sha256" | "sha512" | "md5" | "checksum" | "digest" | "hash" | "fingerprint")
        || (has("gpg") && (has("key") || has("keys")))
    {
        return KeyKind::Public;
    }
    if words
        .iter()
        .any(|word| MAYBE_WORDS.contains(&word.as_str()) || (word.len() > 4 && word.ends_with("auth")))
    {
        let public = matches!(last, "url" | "urls" | "uri") || key_ends(&words, "client", "id");
        return if public || SETTINGS.contains(&last) { KeyKind::Plain } else { KeyKind::MaybeSecret };
    }
    if matches!(last, "key" | "keys") { KeyKind::Key } else { KeyKind::Plain }
}

fn key_ends(words: &[String], first: &str, second: &str) -> bool {
    matches!(words, [.., a, b] if a == first && b == second)
}

/// Splits a name into lower-case words: at punctuation, and where camel case turns upper.
///
/// Of a dotted label only the last two parts count: the rest says whose it is.
fn words_of(key: &str) -> Vec<String> {
    let start = key.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in key[start..].chars() {
        let turns = character.is_ascii_uppercase() && before.is_ascii_lowercase();
        if (turns || !character.is_ascii_alphanumeric()) && words.last().is_some_and(|word| !word.is_empty())
        {
            words.push(String::new());
        }
        if character.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(character.to_ascii_lowercase());
        }
        before = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a field of the engine's own documents is known to hold an id, a digest or a path.
pub(super) fn is_engine_field(key: &str) -> bool {
    const FIELDS: [&str; 39] = [
        "Id",
        "ID",
        "Image",
        "ImageID",
        "Parent",
        "Config",
        "Digest",
        "RepoDigests",
        "RepoTags",
        "Layers",
        "DiffIDs",
        "ContainerID",
        "Container",
        "NetworkID",
        "EndpointID",
        "SandboxID",
        "SandboxKey",
        "ExecIDs",
        "Hostname",
        "MacAddress",
        "Name",
        "Names",
        "Source",
        "Destination",
        "Binds",
        "LogPath",
        "HostsPath",
        "HostnamePath",
        "ResolvConfPath",
        "LowerDir",
        "MergedDir",
        "UpperDir",
        "WorkDir",
        "Mountpoint",
        "Created",
        "StartedAt",
        "FinishedAt",
        "NetworkMode",
        "WorkingDir",
    ];
    FIELDS.contains(&key)
        || (key.starts_with("com.docker.compose.")
            && !key.starts_with("com.docker.compose.project.environment"))
        || key.starts_with("org.opencontainers.image.")
}
