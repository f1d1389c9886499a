//! Tokens of real containers: in files, also of stopped ones, in variables, secrets, outputs and a database;
//! written back by an OAuth grant; and a gateway's token from valid to rejected and back. Behind the feature
//! `live`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stackdash::adapters::docker::DockerEngine;
use stackdash::adapters::stack_files::FolderStackFiles;
use stackdash::adapters::tokens::TokenReader;
use stackdash::config::{EndpointChoice, stack_file};
use stackdash::model::containers::ContainerId;
use stackdash::model::tokens::{
    RefreshCause, RefreshFailure, Refreshed, TokenId, TokenProblem, TokenReadings, TokenRequest, TokenState,
};
use stackdash::ports::{Clock, Ports, TokenSource};
use stackdash::state::tokens::Token;
use stackdash::supervisor::Supervisor;

use crate::engine_live::{Guard, docker, engine, image};

/// Programs that every image with a busybox has, `mv` among them.
const TOOLS: &str = "stackdash-test/alpine:3";

struct Reader {
    reader: TokenReader,
    folder: tempfile::TempDir,
}

impl Reader {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let reader = TokenReader::new(Arc::new(engine().await)).locking_in(folder.path().join("locks"));
        Self { reader, folder }
    }

    fn request(&self, rule: &str, container: &ContainerId) -> TokenRequest {
        let text = format!("[[token]]\nname = \"t\"\nservice = \"s\"\n{rule}");
        let file = stack_file::parse(&self.folder.path().join("stackdash.toml"), &text);
        let file = file.unwrap_or_else(|faults| panic!("{faults}"));
        TokenRequest {
            stack: Arc::from("tokens"),
            rule: Arc::new(file.tokens[0].clone()),
            containers: vec![container.clone()],
            folder: None,
        }
    }

    async fn read(&self, rule: &str, container: &ContainerId) -> Result<TokenReadings, TokenProblem> {
        self.reader.read(&self.request(rule, container)).await
    }

    async fn refresh(&self, rule: &str, container: &ContainerId) -> Result<String, RefreshFailure> {
        let token = TokenId { stack: Arc::from("tokens"), name: Arc::from("t") };
        let refreshed = self.reader.refresh(&self.request(rule, container), &token).await;
        refreshed.map(|refreshed| match refreshed {
            Refreshed::Answered(words) => words,
            Refreshed::ByAnother { .. } => panic!("nobody else is here"),
        })
    }
}

fn end(readings: Result<TokenReadings, TokenProblem>) -> String {
    match readings {
        Ok(readings) => readings.tokens[0].expires_at.map(|at| at.to_string()).unwrap_or_default(),
        Err(problem) => panic!("{problem:?}"),
    }
}

fn jwt(claims: &Value) -> String {
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    format!("{}.{}.c2ln", engine.encode(r#"{"alg":"HS256"}"#), engine.encode(claims.to_string()))
}

/// A volume that goes with the test.
struct Volume(String);

impl Volume {
    fn new(name: &str) -> Self {
        let name = format!("stackdash-token-sources-{name}-{}", std::process::id());
        docker(&["volume", "create", "--label", "stackdash.test=1", &name]);
        Self(name)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["volume", "rm", "-f", &self.0]).output();
    }
}

fn with_tools(options: &[&str], script: &str) -> Guard {
    let head = ["run", "-d", "--label", "stackdash.test=1"];
    Guard(ContainerId::new(docker(&[&head, options, &[TOOLS, "sh", "-c", script]].concat())))
}

#[tokio::test]
async fn files_are_read_in_containers_and_volumes_running_or_not() {
    let reader = Reader::new().await;
    let volume = Volume::new("files");
    let mount = format!("{}:/data", volume.0);
    let script = r#"
        echo '{"access_token":"s3cret","token_expires_at":"2026-11-20T16:13:58"}' > /data/config.json
        echo 'a: {expires: 1795191238000}' > /tmp/t.yaml
        printf '[a]\nexpires = 2026-11-20T17:13:58+01:00\n' > /tmp/t.toml
        echo '{"access_tok' > /tmp/half.json
        ready=1; touch /tmp/ready; while :; do sleep 0.1; done"#;
    let guard = Guard::run(&["-v", &mount, "--stop-timeout", "1"], script);
    let id = &guard.0;
    let deadline = Instant::now() + Duration::from_secs(30);
    while !Command::new("docker")
        .args(["exec", id.as_str(), "test", "-e", "/tmp/ready"])
        .status()
        .unwrap()
        .success()
    {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(100));
    }
    let link = ["exec", id.as_str(), "/bin/busybox", "ln", "-s", "/data/config.json", "/tmp/link.json"];
    docker(&link);
    let wanted = "2026-11-20T16:13:58Z";
    for running in [true, false] {
        for (path, field) in [
            ("/data/config.json", "token_expires_at"),
            ("/tmp/link.json", "token_expires_at"),
            ("/tmp/t.yaml", "a.expires"),
            ("/tmp/t.toml", "a.expires"),
        ] {
            let rule = format!("read = {{ file = \"{path}\" }}\nexpires = \"{field}\"");
            assert_eq!(end(reader.read(&rule, id).await), wanted, "{path}, running: {running}");
        }
        let half = reader.read("read = { file = \"/tmp/half.json\" }\nexpires = \"x\"", id).await;
        assert!(matches!(half, Err(TokenProblem::Unreadable(_))), "{half:?}");
        let none = reader.read("read = { file = \"/data/none.json\" }\nexpires = \"x\"", id).await;
        assert!(matches!(none, Err(TokenProblem::Missing(_))), "{none:?}");
        let folder = reader.read("read = { file = \"/data\" }\nexpires = \"x\"", id).await;
        assert!(matches!(folder, Err(TokenProblem::Unreadable(_))), "{folder:?}");
        if running {
            docker(&["stop", id.as_str()]);
        }
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_all_the_time_is_always_read() {
    let reader = Reader::new().await;
    let script = r#"
        n=0; while :; do n=$((n+1))
            echo "{\"expires\": 179519$((1000+n%9000))" > /tmp/new; echo "}" >> /tmp/new; mv /tmp/new /tmp/t.json
            # Fifty times a second, and ten times: one that is never whole for as long as it takes to look is not
            # readable.
            [ $((n % 5)) = 0 ] && printf '{"expires":' > /tmp/rewritten.json && printf '1795191238}' >> /tmp/rewritten.json
            sleep 0.02
        done"#;
    let guard = with_tools(&["--stop-timeout", "0"], script);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..15 {
        for file in ["t", "rewritten"] {
            let rule = format!("read = {{ file = \"/tmp/{file}.json\" }}\nexpires = \"expires\"");
            let read = reader.read(&rule, &guard.0).await;
            assert!(read.is_ok(), "{file}: {read:?}");
        }
    }
}

#[tokio::test]
async fn variables_secrets_and_outputs_are_read() {
    let reader = Reader::new().await;
    let token = jwt(&json!({ "exp": 1_795_191_238, "iat": 1_795_000_000, "iss": "home", "scope": "all" }));
    let secret = reader.folder.path().join("secret");
    std::fs::write(&secret, format!("{token}\n")).unwrap();
    let mount = format!("{}:/run/secrets/ha:ro", secret.display());
    let variable = format!("HA_TOKEN={token}");
    let guard = Guard::run(
        &["-e", &variable, "-e", "EMPTY=", "-e", "PLAIN=s3cret", "-v", &mount],
        "while :; do sleep 0.1; done",
    );
    let wanted = "2026-11-20T16:13:58Z";
    for rule in ["read = { env = \"HA_TOKEN\" }", "read = { secret = \"ha\" }"] {
        let readings = reader.read(rule, &guard.0).await.unwrap();
        let told = format!("{readings:?}");
        assert!(told.contains("\"issuer\", \"home\"") && told.contains("\"scope\", \"all\""), "{told}");
        assert!(!told.contains(&token[..20]));
        assert_eq!(end(Ok(readings)), wanted, "{rule}");
    }
    for (name, missing) in [("EMPTY", true), ("NONE", true), ("PLAIN", false)] {
        let problem = reader.read(&format!("read = {{ env = \"{name}\" }}"), &guard.0).await.unwrap_err();
        assert_eq!(matches!(problem, TokenProblem::Missing(_)), missing, "{problem:?}");
        assert!(!problem.words().contains("s3cret"));
    }
    let exec = |script: &str| {
        format!("read = {{ exec = [\"sh\", \"-c\", '{script}'] }}\nexpires = \"expires\"\neach = \"a\"")
    };
    let many = reader
        .read(
            &exec(r#"echo "{\"a\":{\"x\":{\"expires\":1},\"y\":{\"expires\":2}}}"; echo noise >&2"#),
            &guard.0,
        )
        .await;
    let labels: Vec<_> = many.unwrap().tokens.into_iter().filter_map(|token| token.label).collect();
    assert_eq!(labels, ["x", "y"]);
    let failed = reader.read(&exec("echo password=s3cret and more >&2; exit 3"), &guard.0).await.unwrap_err();
    assert!(
        failed.words().starts_with("sh ended with 3: ") && !failed.words().contains("s3cret"),
        "{failed:?}"
    );
    let absent = reader.read("read = { exec = [\"psql\"] }\nexpires = \"x\"", &guard.0).await.unwrap_err();
    assert!(absent.words().contains("psql"), "{absent:?}");
    docker(&["kill", guard.0.as_str()]);
    let stopped = reader.read(&exec("true"), &guard.0).await.unwrap_err();
    assert!(stopped.words().contains("not running"), "{stopped:?}");
}

#[tokio::test]
async fn the_accounts_of_a_real_postgres_are_read() {
    // tests/images.sh makes it.
    const IMAGE: &str = "stackdash-test/postgres:15";
    let reader = Reader::new().await;
    let options = ["run", "-d", "--label", "stackdash.test=1", "-e", "POSTGRES_USER=pauser"];
    let more = ["-e", "POSTGRES_PASSWORD=p", "-e", "POSTGRES_DB=pa", IMAGE];
    let guard = Guard(ContainerId::new(docker(&[&options[..], &more].concat())));
    let sql = "create table oauth_tokens (account_id text, provider text, access_token text, expires_at timestamptz);
        insert into oauth_tokens values ('work', 'google', 's3cret', '2026-11-20 17:13:58+01'), ('private', 'google', 's3cret2', '2026-12-01 00:00:00+00');";
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let made = [
            "exec",
            guard.0.as_str(),
            "psql",
            "-h",
            "/var/run/postgresql",
            "-U",
            "pauser",
            "-d",
            "pa",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
        ];
        let done = Command::new("docker").args(made).output().unwrap();
        if done.status.success() {
            break;
        }
        assert!(Instant::now() < deadline, "{}", String::from_utf8_lossy(&done.stderr));
        std::thread::sleep(Duration::from_millis(300));
    }
    let rule = r#"
        read = { exec = ["psql", "-h", "/var/run/postgresql", "-U", "pauser", "-d", "pa", "-Atc", "select json_build_object('accounts', json_agg(t)) from oauth_tokens t"] }
        each = "accounts"
        label = "account_id"
        expires = "expires_at"
        value = "access_token""#;
    let readings = reader.read(rule, &guard.0).await.unwrap();
    assert!(!format!("{readings:?}").contains("s3cret"));
    let found: Vec<String> = readings
        .tokens
        .iter()
        .map(|token| format!("{} {}", token.label.as_deref().unwrap_or("?"), token.expires_at.unwrap()))
        .collect();
    assert_eq!(found, ["work 2026-11-20T16:13:58Z", "private 2026-12-01T00:00:00Z"]);
}

#[tokio::test]
async fn a_real_certificate_is_read() {
    let reader = Reader::new().await;
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"])
        .args([
            "-subj",
            "/CN=live.test",
            "-days",
            "9",
            "-addext",
            "subjectAltName=DNS:live.test,DNS:www.live.test",
        ])
        .current_dir(reader.folder.path())
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        // Without openssl there is the recorded one of the unit tests.
        return;
    }
    let none = ContainerId::new("none");
    let readings = reader.read("read = { host_file = \"cert.pem\" }", &none).await.unwrap();
    let told = format!("{:?}", readings.tokens[0].facts);
    assert!(told.contains("live.test www.live.test") && told.contains("CN=live.test"), "{told}");
    let left = readings.tokens[0].expires_at.unwrap().duration_since(Timestamp::now());
    assert!((SignedDuration::from_hours(8 * 24)..=SignedDuration::from_hours(9 * 24)).contains(&left));
}

/// A server whose answers are made by a function of the request's text.
pub fn serve(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut chunk = [0; 8192];
            let mut request = String::new();
            while !request.contains("\r\n\r\n")
                || (request.contains("grant_type") && !request.contains("refresh_token=r"))
            {
                match stream.read(&mut chunk) {
                    Ok(count) if count > 0 => request.push_str(&String::from_utf8_lossy(&chunk[..count])),
                    _ => break,
                }
            }
            let (status, body) = answer(&request);
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    port
}

#[tokio::test]
async fn new_tokens_are_written_into_a_container_with_mode_and_owner() {
    let reader = Reader::new().await;
    let script = r#"
        mkdir -p /data; echo '{ "kept": true, "refresh_token": "r0", "access_token": "a0", "expires_at": 1000 }' > /data/t.json
        chown 1234:4321 /data/t.json; chmod 640 /data/t.json; exec sleep 1000"#;
    let guard = with_tools(&["--stop-timeout", "0"], script);
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let port = serve(move |_| {
        let n = counted.fetch_add(1, Ordering::Relaxed) + 1;
        (
            200,
            json!({ "access_token": format!("a{n}"), "refresh_token": format!("r{n}"), "expires_in": 60 })
                .to_string(),
        )
    });
    let rule = format!(
        "read = {{ file = \"/data/t.json\" }}\nexpires = \"expires_at\"\nvalue = \"access_token\"\nrefresh = {{ oauth = {{ url = \"http://127.0.0.1:{port}/token\" }} }}"
    );
    let id = guard.0.as_str();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (n, running) in [(1, true), (2, false)] {
        let before = reader.read(&rule, &guard.0).await.unwrap().tokens.remove(0);
        assert_eq!(
            reader.refresh(&rule, &guard.0).await.unwrap(),
            "HTTP 200, a new refresh token",
            "{running}"
        );
        let after = reader.read(&rule, &guard.0).await.unwrap().tokens.remove(0);
        assert!(after.expires_at > before.expires_at || after.fingerprint != before.fingerprint);
        if running {
            let text = docker(&[
                "exec",
                id,
                "sh",
                "-c",
                "cat /data/t.json; stat -c '%u:%g %a' /data/t.json; ls -A /data",
            ]);
            let (json, rest) = text.split_once('\n').unwrap();
            assert!(json.starts_with(&format!("{{ \"kept\": true, \"refresh_token\": \"r{n}\", \"access_token\": \"a{n}\", \"expires_at\": 1")), "{json}");
            assert_eq!(rest, "1234:4321 640\nt.json");
            docker(&["stop", id]);
        }
    }
    let packed = Command::new("sh")
        .args(["-c", &format!("docker cp {id}:/data/t.json - | tar -tvf - --numeric-owner")])
        .output()
        .unwrap();
    let packed = String::from_utf8_lossy(&packed.stdout).into_owned();
    assert!(packed.starts_with("-rw-r----- 1234/4321 "), "{packed}");
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

/// A gateway's container, and the service in front of it that refreshes its token.
struct Gateway {
    guard: Guard,
    folder: tempfile::TempDir,
    stack: String,
    fails: Arc<AtomicBool>,
    refreshes: Arc<Mutex<Vec<Instant>>>,
}

fn give(id: &str, n: usize, seconds: i64) {
    let ends = Timestamp::now().as_second() + seconds;
    let script = format!(
        "echo '{{\"access_token\":\"s3cret{n}\",\"token_expires_at\":{ends}}}' > /data.new; cat /data.new > /data.json"
    );
    docker(&["exec", id, "sh", "-c", &script]);
}

impl Gateway {
    fn new(name: &str, auto: bool) -> Self {
        image();
        let folder = tempfile::tempdir().unwrap();
        let stack = format!("stackdash-token-sources-{name}");
        let labels = [
            format!("com.docker.compose.project={stack}"),
            String::from("com.docker.compose.service=gateway"),
            String::from("com.docker.compose.oneoff=False"),
            String::from("com.docker.compose.container-number=1"),
            format!("com.docker.compose.project.working_dir={}", folder.path().display()),
            format!("com.docker.compose.project.config_files={}/compose.yml", folder.path().display()),
        ];
        let mut options = vec!["--stop-timeout", "0"];
        options.extend(labels.iter().flat_map(|label| ["--label", label]));
        let guard = Guard::run(&options, "while :; do sleep 0.1; done");
        let (id, fails, refreshes) =
            (guard.0.as_str().to_owned(), Arc::new(AtomicBool::new(false)), Arc::default());
        give(&id, 0, 12);
        let (failing, noted): (_, Arc<Mutex<Vec<Instant>>>) = (fails.clone(), Arc::clone(&refreshes));
        let port = serve(move |request| {
            assert!(request.starts_with("POST /api/token/refresh "));
            if failing.load(Ordering::Relaxed) {
                return (
                    401,
                    json!({ "error": "invalid_grant", "error_description": "revoked" }).to_string(),
                );
            }
            let mut noted = noted.lock().unwrap();
            noted.push(Instant::now());
            give(&id, noted.len(), 12);
            (200, String::from("{}"))
        });
        let rule = format!(
            "[[token]]\nname = \"utec\"\nservice = \"gateway\"\nread = {{ file = \"/data.json\" }}\nexpires = \"token_expires_at\"\nvalue = \"access_token\"\nbuffer = \"6s\"\nrefresh = {{ http = \"POST http://127.0.0.1:{port}/api/token/refresh\" }}\nauto_refresh = {auto}\n"
        );
        std::fs::write(folder.path().join("stackdash.toml"), rule).unwrap();
        Self { guard, folder, stack, fails, refreshes }
    }

    fn supervisor(&self) -> Supervisor {
        let engine = Arc::new(DockerEngine::new(&EndpointChoice::default()).unwrap());
        let tokens = TokenReader::new(engine.clone()).locking_in(self.folder.path().join("locks"));
        let nothing = crate::engine_fake::ports(String::from("unix:///nowhere"), Clock::Wall);
        let ports =
            Ports { engine, tokens: Arc::new(tokens), stack_files: Arc::new(FolderStackFiles), ..nothing };
        let mut supervisor = Supervisor::start(ports, false);
        supervisor.limit_to(&self.stack);
        supervisor
    }

    fn id(&self) -> TokenId {
        TokenId { stack: Arc::from(&*self.stack), name: Arc::from("utec") }
    }

    fn refreshes(&self) -> usize {
        self.refreshes.lock().unwrap().len()
    }

    async fn until(&self, supervisor: &mut Supervisor, what: &str, wanted: impl Fn(&Token) -> bool) {
        let id = self.id();
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        while !supervisor.state().tokens.get(&id).is_some_and(&wanted) {
            let next = tokio::time::timeout_at(deadline, supervisor.next()).await;
            assert!(next.is_ok(), "never {what}: {:#?}", supervisor.state().tokens.get(&id));
        }
    }
}

#[tokio::test]
async fn a_gateways_token_is_refreshed_by_itself_and_turns_rejected_and_recovers() {
    let gateway = Gateway::new("life", true);
    let mut one = gateway.supervisor();
    gateway.until(&mut one, "valid", |token| token.state == TokenState::Valid).await;
    gateway.until(&mut one, "expiring", |token| token.state == TokenState::Expiring).await;
    gateway.until(&mut one, "refreshing", |token| token.state == TokenState::Refreshing).await;
    gateway.until(&mut one, "refreshed", |token| token.state == TokenState::Valid).await;
    let token = one.state().tokens.get(&gateway.id()).unwrap().clone();
    let last = token.last_refresh().unwrap();
    assert_eq!((last.by, last.ok, &*last.detail), (RefreshCause::Auto, true, "HTTP 200"));
    assert!(!format!("{token:?}").contains("s3cret"));

    gateway.fails.store(true, Ordering::Relaxed);
    gateway.until(&mut one, "rejected", |token| token.state == TokenState::Rejected).await;
    let reason = one.state().tokens.get(&gateway.id()).unwrap().reason().unwrap().to_owned();
    assert!(reason.starts_with("HTTP 401: invalid_grant: revoked; "), "{reason}");
    gateway.fails.store(false, Ordering::Relaxed);
    gateway.until(&mut one, "recovered", |token| token.state == TokenState::Valid).await;

    // By hand, and by the service itself.
    let count = gateway.refreshes();
    one.submit(stackdash::command::Command::RefreshToken { token: gateway.id(), by: RefreshCause::Operator });
    let by =
        |cause| move |token: &Token| token.last_refresh().is_some_and(|last| last.ok && last.by == cause);
    gateway.until(&mut one, "refreshed by hand", by(RefreshCause::Operator)).await;
    assert_eq!(gateway.refreshes(), count + 1);
    give(gateway.guard.0.as_str(), 99, 3600);
    gateway.until(&mut one, "changed by the service", by(RefreshCause::Service)).await;
    assert_eq!(gateway.refreshes(), count + 1);
}

#[tokio::test]
async fn two_stackdash_at_once_refresh_once() {
    let gateway = Gateway::new("two", true);
    let (mut one, mut two) = (gateway.supervisor(), gateway.supervisor());
    let first = Instant::now();
    let valid = |token: &Token| token.last_refresh().is_some_and(|last| last.ok);
    tokio::join!(
        gateway.until(&mut one, "refreshed (one)", valid),
        gateway.until(&mut two, "refreshed (two)", valid),
    );
    assert_eq!(gateway.refreshes(), 1, "after {:?}", first.elapsed());
}
