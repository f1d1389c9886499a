use proptest::prelude::*;
use serde_json::json;

use super::*;

const JWT: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P";
const PEM_KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----";

#[test]
fn secrets_are_masked_by_the_name_of_their_key() {
    let keys = [
        "POSTGRES_PASSWORD",
        "PGPASSWORD",
        "DB_PASS",
        "REDISPASS",
        "MYSQL_ROOT_PASSWD",
        "SSH_PASSPHRASE",
        "SMTP_PWD",
        "CLIENT_SECRET",
        "clientSecret",
        "SECRET",
        "SECRET_KEY_BASE",
        "ACCESS_TOKEN",
        "HA_TOKEN",
        "GITHUB_TOKEN",
        "accessToken",
        "OPENAI_API_KEY",
        "APIKEY",
        "api-key",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "PRIVATE_KEY",
        "JWT",
        "GOOGLE_CREDENTIALS",
        "BASIC_AUTH",
        "SESSION_COOKIE",
        "COOKIE_SALT",
        "SIGNING_PHRASE",
        "SENTRY_DSN",
        "DB_CONN_STR",
        "AZURE_CONNECTION_STRING",
        "SLACK_WEBHOOK",
        "SLACK_WEBHOOK_URL",
        "ENCRYPTION_KEY",
        "refresh_token",
        "app.auth.password",
        "traefik.http.middlewares.a.basicauth.users",
        "N8N_BASIC_AUTH_PASSWORD",
        "HTPASSWD",
        "AUTHORIZATION",
    ];
    for key in keys {
        assert_eq!(env_value(key, "hunter-two"), MASK, "{key}");
    }
    for key in ["DB_PASSWORD", "TOKEN", "API_KEY"] {
        assert_eq!(env_value(key, "12345"), MASK, "{key}");
        assert_eq!(env_value(key, "/looks/like/a/path"), MASK, "{key}");
        assert_eq!(env_value(key, ""), "", "{key}");
    }
}

#[test]
fn settings_are_shown() {
    let table = [
        ("AUTHOR", "Ann Example"),
        ("AUTHORS", "Ann Example"),
        ("KEYBOARD", "dvorak-layout-2"),
        ("MONKEY", "see-no-evil-1234"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("COMPASS", "north-by-northwest"),
        ("POSTGRES_PASSWORD_FILE", "/run/secrets/db_password"),
        ("TOKEN_PATH", "/data/config.json"),
        ("SECRETS_DIR", "/run/secrets"),
        ("SSH_AUTH_SOCK", "/run/agent.sock"),
        ("PWD", "/app"),
        ("TOKEN_TTL", "3600"),
        ("TOKEN_REFRESH_BUFFER_MINUTES", "5"),
        ("SESSION_TIMEOUT", "30m"),
        ("SESSION_DRIVER", "redis"),
        ("AUTH_ENABLED", "true"),
        ("AUTH", "false"),
        ("AUTH_URL", "https://auth.example.com/login"),
        ("TOKEN_URL", "https://auth.example.com/oauth/token"),
        ("OAUTH_CLIENT_ID", "my-client"),
        ("JWT_ALGORITHM", "HS256"),
        ("SORT_KEY", "created"),
        ("PARTITION_KEY", "customer_number"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
        ("PYTHON_SHA256", "3126f59592c9b0d798584755f2bf7b081fa1ca35ce7a6fea980108d752a05bb1"),
        ("PYTHON_VERSION", "3.12.7"),
        ("JAVA_HOME", "/usr/lib/jvm/java-17-openjdk-amd64"),
        ("LANG", "C.UTF-8"),
        ("DATABASE_URL", "postgres://user@db:5432/app"),
        ("BASE_URL", "http://localhost:8000/oauth/status/work"),
        ("REDIS_URL", "redis://redis:6379/0"),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://kafka:9092,CONTROLLER://kafka:9093"),
        ("JAVA_OPTS", "-Xmx512m -XX:+UseContainerSupport -XX:MaxRAMPercentage=75.0"),
        ("REQUEST_ID", "123e4567-e89b-12d3-a456-426614174000"),
        ("STARTED", "2026-11-20T16:13:58.123456789Z"),
        ("IMAGE", "registry.example.com/team/personal-assistant-api:1.2.3-rc4"),
        ("SERVICE_NAME", "personal-assistant-api-healthcheck-v2-20261120"),
        ("MODEL", "claude-sonnet-4-5-20250929-experimental"),
        ("CLASS", "AbstractSingletonProxyFactoryBean2Impl"),
    ];
    for (key, value) in table {
        assert_eq!(env_value(key, value), value, "{key}");
    }
}

#[test]
fn secrets_are_masked_by_their_shape_under_any_name() {
    let values = [
        JWT,
        PEM_KEY,
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0abcdefghijkl_MnOpQrStUv",
        "glpat-xYz12345678901234567",
        "sk-proj-abcdef1234567890ABCDEF1234567890",
        "sk-ant-api03-abcDEF123456_7890-xyzXYZ",
        "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "hR7kQ2mZ9xT4vB6nW1cY8pL3sD5fG0jA",
        "q9x3k7m2z8w4v6t1n5b0c9r3p7l2",
        "dGhpcyBpcyBhIHJhbmRvbSBzZWNyZXQga2V5IDEyMzQ1Njc4OTA=",
    ];
    for value in values {
        assert_eq!(env_value("SETTING", value), MASK, "{value}");
        assert_eq!(text(value), MASK, "{value}");
        let sentence = text(&format!("got {value} instead"));
        assert_eq!(sentence, format!("got {MASK} instead"), "{value}");
    }
}

#[test]
fn of_an_address_only_the_password_is_masked() {
    let table = [
        ("postgres://app:s3cret@db:5432/app", "postgres://app:••••••@db:5432/app"),
        ("redis://:s3cret@redis:6379/0", "redis://:••••••@redis:6379/0"),
        (
            "mongodb+srv://u:p@ss@cluster0.example.net/x?y=z",
            "mongodb+srv://u:••••••@cluster0.example.net/x?y=z",
        ),
        ("amqp://guest:gu/est@rabbit:5672", "amqp://guest:••••••@rabbit:5672"),
        ("http://a:b@one:80/ and http://c:d@two/", "http://a:••••••@one:80/ and http://c:••••••@two/"),
        ("https://ghp_16C7e42F292c6912E7710c838347Ae178B4a@github.com/x", "https://••••••@github.com/x"),
        ("http://localhost:8000/@me", "http://localhost:8000/@me"),
        ("postgres://app:$DB_PASS@db/app", "postgres://app:$DB_PASS@db/app"),
        ("https://hooks.example.com/a?token=abc123&x=1", "https://hooks.example.com/a?token=••••••&x=1"),
    ];
    for (value, expected) in table {
        assert_eq!(text(value), expected);
        assert_eq!(env_value("TARGET", value), expected);
    }
    assert_eq!(env_value("DATABASE_URL", table[0].0), table[0].1);
    assert_eq!(env_value("DATABASE_DSN", table[0].0), table[0].1);
    assert_eq!(env_value("SENTRY_DSN", "https://abc@sentry.example/1"), MASK);
}

#[test]
fn commands_are_shown_without_their_secrets() {
    let table = [
        ("server --password=hunter2 --port 80", "server --password=•••••• --port 80"),
        ("server --password hunter2 --port 80", "server --password •••••• --port 80"),
        ("server --api-key 'a b' -v", "server --api-key •••••• -v"),
        ("PGPASSWORD=hunter2 psql -U app", "PGPASSWORD=•••••• psql -U app"),
        ("mysqladmin ping -h localhost -phunter2", "mysqladmin ping -h localhost -p••••••"),
        ("redis-cli -a hunter2 ping", "redis-cli -a •••••• ping"),
        ("curl -fsS -u bob:hunter2 http://x/", "curl -fsS -u •••••• http://x/"),
        (
            "curl -H 'Authorization: Bearer abcdef123' http://x/",
            "curl -H 'Authorization: Bearer ••••••' http://x/",
        ),
        (r#"{"token": "abc", "ok": true}"#, r#"{"token": "••••••", "ok": true}"#),
        (r#"{"api_key":"a\"b","n":1}"#, r#"{"api_key":"••••••","n":1}"#),
        (r#"{"body":"{\"token\":\"abc\"}"}"#, r#"{"body":"{\"token\":\"••••••"}"}"#),
        ("redis-cli -a \"$REDIS_PASSWORD\" ping", "redis-cli -a \"$REDIS_PASSWORD\" ping"),
        ("mysqladmin ping -p$MYSQL_ROOT_PASSWORD", "mysqladmin ping -p$MYSQL_ROOT_PASSWORD"),
        ("pg_isready -U app -d app", "pg_isready -U app -d app"),
        (
            "curl -f http://localhost:8000/health/ready || exit 1",
            "curl -f http://localhost:8000/health/ready || exit 1",
        ),
        ("token: expired", "token: expired"),
        ("auth: ok, session: started", "auth: ok, session: started"),
        ("password=$DB_PASSWORD --token ${TOKEN}", "password=$DB_PASSWORD --token ${TOKEN}"),
        ("wait 10s; status=200 time=0.031", "wait 10s; status=200 time=0.031"),
    ];
    for (line, expected) in table {
        assert_eq!(text(line), expected);
    }
}

#[test]
fn argument_lists_are_masked_word_by_word() {
    let words = |line: &[&str]| line.iter().map(ToString::to_string).collect::<Vec<_>>();
    let table: [(&[&str], &[&str]); 6] = [
        (&["app", "--password", "x", "--port", "80"], &["app", "--password", MASK, "--port", "80"]),
        (&["CMD", "mysqladmin", "ping", "-px"], &["CMD", "mysqladmin", "ping", "-p••••••"]),
        (&["/usr/bin/redis-cli", "-a", "x", "ping"], &["/usr/bin/redis-cli", "-a", MASK, "ping"]),
        (&["nc", "-p", "80"], &["nc", "-p", "80"]),
        (&["CMD-SHELL", "PGPASSWORD=x psql"], &["CMD-SHELL", "PGPASSWORD=•••••• psql"]),
        (
            &["app", "--secret-file", "/run/x", "--token", "$TOKEN"],
            &["app", "--secret-file", "/run/x", "--token", "$TOKEN"],
        ),
    ];
    for (line, expected) in table {
        assert_eq!(command(&words(line)), words(expected));
    }
}

#[test]
fn an_inspection_keeps_its_ids_and_loses_its_secrets() {
    let id = "4f1c9e5be1f9c6a6d3ad6f5a6d3f1b2c4d5e6f708192a3b4c5d6e7f8091a2b3c";
    let mut document = json!({
        "Id": id, "Created": "2026-11-20T16:13:58.123456789Z", "Path": "mysqld", "Args": ["-px", "--api-token", "t"],
        "Image": format!("sha256:{id}"), "ResolvConfPath": format!("/var/lib/docker/containers/{id}/resolv.conf"),
        "Name": "/shop-db-1", "RestartCount": 3,
        "GraphDriver": {"Data": {"UpperDir": format!("/var/lib/docker/overlay2/{id}/diff")}},
        "State": {"Health": {"Log": [{"ExitCode": 1, "Output": format!("denied for {JWT}\nsee http://u:p@x/")}]}},
        "Config": {
            "Hostname": "4f1c9e5be1f9",
            "Env": ["DB_PASSWORD=x", "MODE=prod", "PATH=/bin:/usr/bin", format!("BLOB={JWT}"), "DB_PASSWORD_FILE=/run/x", "BARE"],
            "Cmd": ["serve", "--password=x"], "Entrypoint": null,
            "Healthcheck": {"Test": ["CMD-SHELL", "redis-cli -a hunter2 ping"], "Interval": 5_000_000_000_u64},
            "Labels": {
                "com.docker.compose.config-hash": id, "com.docker.compose.project": "shop",
                "com.docker.compose.depends_on": "db:service_healthy:false", "api.token": "x",
                "stackdash.token.utec.read": "{ file = \"/data/config.json\" }",
                "traefik.http.routers.auth.rule": "Host(`auth.example.com`)"
            }
        },
        "HostConfig": {"LogConfig": {"Type": "splunk", "Config": {"splunk-token": "x", "splunk-url": "https://x"}},
            "Binds": ["/srv/secrets:/run/secrets:ro"], "AutoRemove": false},
        "NetworkSettings": {"SandboxKey": "/var/run/docker/netns/4f1c9e5be1f9",
            "Networks": {"shop": {"EndpointID": id, "MacAddress": "02:42:ac:11:00:02"}}},
        "BuildArgs": {"NPM_TOKEN": "x", "PIN_PASSWORD": 1234}
    });
    let mut expected = document.clone();
    expected["Args"] = json!(["-p••••••", "--api-token", MASK]);
    expected["State"]["Health"]["Log"][0]["Output"] = json!("denied for ••••••\nsee http://u:••••••@x/");
    expected["Config"]["Env"] = json!([
        "DB_PASSWORD=••••••",
        "MODE=prod",
        "PATH=/bin:/usr/bin",
        "BLOB=••••••",
        "DB_PASSWORD_FILE=/run/x",
        "BARE"
    ]);
    expected["Config"]["Cmd"] = json!(["serve", "--password=••••••"]);
    expected["Config"]["Healthcheck"]["Test"] = json!(["CMD-SHELL", "redis-cli -a •••••• ping"]);
    expected["Config"]["Labels"]["api.token"] = json!(MASK);
    expected["HostConfig"]["LogConfig"]["Config"]["splunk-token"] = json!(MASK);
    expected["BuildArgs"] = json!({"NPM_TOKEN": MASK, "PIN_PASSWORD": MASK});
    json(&mut document);
    // Compared field by field first: the message of a failure then names the one that differs.
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&document[key], value, "{key}");
    }
    assert_eq!(document, expected);
}

/// A judgment of chance may fail; it must not fail often.
#[test]
fn nearly_every_random_word_is_found() {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (length, alphabet) in [(24, LETTERS), (40, LETTERS), (40, &LETTERS[26..])] {
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(alphabet[(state >> 33) as usize % alphabet.len()])
        };
        let found = (0..1000)
            .filter(|_| {
                let secret: String = (0..length).map(|_| draw()).collect();
                text(&format!("value {secret} end")) == format!("value {MASK} end")
            })
            .count();
        assert!(found >= 970, "{found} of 1000 with {length} of {}", alphabet.len());
    }
}

proptest! {
    #[test]
    fn hexadecimal_ids_and_times_are_shown(id in "[0-9a-f]{64}", second in 0_i64..4_000_000_000) {
        let time = jiff::Timestamp::from_second(second).unwrap();
        let line = format!("sha256:{id} at {time} in /var/lib/x/{id}/y");
        prop_assert_eq!(text(&line), line);
    }

    #[test]
    fn masking_never_fails_and_is_done_once(line in ".{0,200}") {
        let once = text(&line);
        prop_assert_eq!(text(&once), once);
    }
}

/// Without a bound somewhere, each of these would keep a core busy for minutes.
#[test]
fn hostile_repetition_is_looked_through_once() {
    for piece in
        ["a=", "key=", "token=$A", "a:\"", "://", "://a:b", "--password ", "eyJ.", "-----BEGIN A-----"]
    {
        let line = piece.repeat(40_000 / piece.len());
        assert!(text(&line).len() <= 2 * line.len(), "{piece}");
    }
}
