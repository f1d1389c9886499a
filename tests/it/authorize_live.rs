//! Tokens through the real binary on a real engine: authorized anew by a stub of an authorization server, refreshed
//! by two processes at once, known by labels alone; and no secret in anything that is written. Behind the feature
//! `live`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::engine_live::{Guard, docker};
use crate::terminal::Terminal;
use crate::tokens_live::serve;

/// Part of every secret of these tests, and of nothing else.
const SECRET: &str = "s3cr3tv4lue";
const LOOP: &str = "while :; do sleep 0.1; done";

/// How the authorization server stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Waits,
    Approves,
    Refuses,
}

/// A stack of one container with a token in a file, and the service that renews it.
struct Cloud {
    _guard: Guard,
    folder: tempfile::TempDir,
    stack: String,
    mood: Arc<Mutex<Mood>>,
    /// The address that the server gives, whatever it is.
    address: Arc<Mutex<String>>,
    refreshes: Arc<AtomicUsize>,
}

fn give(id: &str, n: usize, seconds: i64) {
    let ends = Timestamp::now().as_second() + seconds;
    let token = json!({ "access_token": format!("{SECRET}-access-{n}"), "refresh_token": format!("{SECRET}-refresh"), "ends": ends });
    docker(&["exec", id, "sh", "-c", &format!("echo '{token}' > /data.new; cat /data.new > /data.json")]);
}

impl Cloud {
    /// `rules`: the stack's file, with `PORT` for the server's; `options`: more for the container.
    fn new(name: &str, rules: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stack = format!("stackdash-tokens-{name}-{}", std::process::id());
        let mut labels = vec![
            format!("com.docker.compose.project={stack}"),
            String::from("com.docker.compose.service=cloud"),
            String::from("com.docker.compose.oneoff=False"),
            String::from("com.docker.compose.container-number=1"),
            format!("com.docker.compose.project.working_dir={}", folder.path().display()),
        ];
        labels
            .push(format!("com.docker.compose.project.config_files={}/compose.yml", folder.path().display()));
        let mut all = vec!["--stop-timeout", "0"];
        all.extend(labels.iter().flat_map(|label| ["--label", label]));
        let (mood, address, refreshes) = (
            Arc::new(Mutex::new(Mood::Waits)),
            Arc::new(Mutex::new(format!("https://auth.example/device?client_id=1&state={SECRET}-state"))),
            Arc::new(AtomicUsize::new(0)),
        );
        let id: Arc<Mutex<String>> = Arc::default();
        let (moods, addresses, count, container) =
            (mood.clone(), address.clone(), refreshes.clone(), id.clone());
        let port = serve(move |request| {
            let mood = *moods.lock().unwrap();
            if request.starts_with("GET /initiate") {
                return (200, json!({ "oauth_url": *addresses.lock().unwrap() }).to_string());
            }
            if request.starts_with("GET /status") {
                return match mood {
                    Mood::Waits => (200, json!({ "authenticated": false }).to_string()),
                    Mood::Approves => {
                        give(&container.lock().unwrap(), 100, 3590);
                        (200, json!({ "authenticated": true }).to_string())
                    }
                    Mood::Refuses => (
                        403,
                        json!({ "error": "access_denied", "error_description": format!("no, {SECRET}") })
                            .to_string(),
                    ),
                };
            }
            if request.starts_with("GET /token") {
                let ends = Timestamp::now().as_second() + 500;
                return (200, json!({ "access_token": format!("{SECRET}-http"), "ends": ends }).to_string());
            }
            assert!(request.starts_with("POST /refresh "), "{request}");
            std::thread::sleep(Duration::from_millis(700));
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            give(&container.lock().unwrap(), n, 400);
            (200, format!("{{\"access_token\": \"{SECRET}-answer\"}}"))
        });
        let options: Vec<String> =
            options.iter().map(|option| option.replace("PORT", &port.to_string())).collect();
        all.extend(options.iter().map(String::as_str));
        let guard = Guard::run(&all, LOOP);
        guard.0.as_str().clone_into(&mut id.lock().unwrap());
        give(guard.0.as_str(), 0, 30);
        if !rules.is_empty() {
            let text = rules.replace("PORT", &port.to_string());
            std::fs::write(folder.path().join("stackdash.toml"), text).unwrap();
        }
        Self { _guard: guard, folder, stack, mood, address, refreshes }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        let folder = |name: &str| {
            let folder = self.path().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            folder.display().to_string()
        };
        vec![
            ("HOME", folder("home")),
            ("XDG_STATE_HOME", folder("state")),
            ("XDG_RUNTIME_DIR", folder("run")),
            ("XDG_CONFIG_HOME", folder("config")),
            ("CLOUD_CLIENT_SECRET", format!("{SECRET}-client")),
            ("TZ", String::from("UTC")),
        ]
    }

    /// Begins a command of stackdash for this stack, with everything logged.
    fn begin(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_stackdash"))
            .args(["-p", &self.stack, "-v", "-v", "--log-file"])
            .arg(self.path().join("cli.log"))
            .args(arguments)
            .current_dir("/")
            .envs(self.env())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        end(self.begin(arguments))
    }

    /// Returns every file that was written, but for the rules: they are the operator's.
    fn written(&self) -> Vec<(String, String)> {
        let mut folders = vec![self.path().to_owned()];
        let mut all = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().is_some_and(|name| name != "stackdash.toml") {
                    let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                    all.push((path.display().to_string(), text));
                }
            }
        }
        all
    }
}

fn end(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

const RULES: &str = r#"
[[token]]
name = "mail"
service = "cloud"
read = { file = "/data.json" }
expires = "ends"
value = "access_token"
buffer = "5s"
refresh = { http = "POST http://127.0.0.1:PORT/refresh" }
authorize = { http = "GET http://127.0.0.1:PORT/initiate?account={name}", url = "oauth_url", status = "GET http://127.0.0.1:PORT/status/{name}" }
"#;

/// Reads the first line that comes, and leaves the rest to be read later.
fn first_line(child: &mut Child) -> String {
    let mut lines = BufReader::with_capacity(1, child.stdout.as_mut().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_token_is_authorized_anew_refused_or_given_up() {
    let cloud = Cloud::new("authorize", RULES, &[]);
    let mut child = cloud.begin(&["tokens", "authorize", "mail"]);
    let line = first_line(&mut child);
    assert_eq!(line, format!("https://auth.example/device?client_id=1&state={SECRET}-state\n"));
    *cloud.mood.lock().unwrap() = Mood::Approves;
    let (code, rest, err) = end(child);
    assert_eq!((code, &*rest), (0, ""), "{err}");
    assert!(err.contains("/mail: authorized (") && err.contains("expires in 59m"), "{err}");
    assert!(!err.contains(SECRET), "{err}");

    *cloud.mood.lock().unwrap() = Mood::Waits;
    let (code, out, err) = cloud.run(&["tokens", "authorize", "mail", "--timeout", "3s"]);
    assert_eq!((code, out.lines().count()), (124, 1), "{err}");
    assert!(err.contains("nobody approved in time"), "{err}");

    *cloud.mood.lock().unwrap() = Mood::Refuses;
    let (code, _, err) = cloud.run(&["tokens", "authorize", "mail"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("was not authorized: 127.0.0.1:") && err.contains("access_denied"), "{err}");

    *cloud.mood.lock().unwrap() = Mood::Waits;
    for bad in [
        String::from("javascript:alert(1)"),
        String::from("https://a.example/\u{1b}]8;;http://evil.example\u{7}"),
        String::from("https://accounts.example@evil.example/"),
        format!("https://a.example/{}", "x".repeat(20_000)),
    ] {
        bad.clone_into(&mut cloud.address.lock().unwrap());
        let (code, out, err) = cloud.run(&["tokens", "authorize", "mail"]);
        assert_eq!((code, &*out), (1, ""), "{err}");
        assert!(err.contains("gave is not shown: it "), "{err}");
        assert!(
            !err.contains("evil.example") && !err.contains("alert(1)") && !err.contains('\u{1b}'),
            "{err}"
        );
    }
    // Neither the timeline nor the log has the address.
    let (_, events, _) = cloud.run(&["events", "--since", "1h", "--format", "json"]);
    assert!(events.contains("token mail authorized anew"), "{events}");
    assert!(events.contains("token mail was not authorized: 127.0.0.1:"), "{events}");
    for (file, text) in cloud.written().into_iter().chain([(String::from("events"), events)]) {
        assert!(!text.contains("auth.example") && !text.contains("-state"), "{file}: {text}");
    }
}

#[test]
fn a_token_is_authorized_from_the_screen() {
    let cloud = Cloud::new("popup", RULES, &[]);
    let env = cloud.env();
    let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let mut terminal = Terminal::start_with(120, 40, &["-p", &cloud.stack], &env);
    terminal.press("3");
    terminal.wait_for("mail ");
    terminal.press("a");
    terminal.wait_for("anew?");
    terminal.press("y");
    terminal.wait_for("https://auth.example/device?client_id=1");
    terminal.wait_for("Waits for approval");
    let whole = format!("https://auth.example/device?client_id=1&state={SECRET}-state");
    terminal.wait_for_bytes(format!("\x1b]8;id=stackdash;{whole}\x1b\\").as_bytes());
    terminal.wait_for("▄▄▄▄▄");
    terminal.press("y");
    let copied = base64::engine::general_purpose::STANDARD.encode(&whole);
    terminal.wait_for("Copied the address");
    terminal.wait_for_bytes(format!("\x1b]52;c;{copied}").as_bytes());
    *cloud.mood.lock().unwrap() = Mood::Approves;
    terminal.wait_for("Authorized: ");
    assert!(!terminal.screen().contains("auth.example/device"), "{}", terminal.screen());
    terminal.press("\r");
    terminal.wait_for("authorized anew");
    terminal.wait_for("● valid");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}

#[test]
fn two_processes_that_refresh_at_once_make_one_request() {
    let cloud = Cloud::new("both", RULES, &[]);
    let both =
        [cloud.begin(&["tokens", "refresh", "mail"]), cloud.begin(&["tokens", "refresh", "mail"])].map(end);
    for (code, _, err) in &both {
        assert_eq!(*code, 0, "{err}");
    }
    assert_eq!(cloud.refreshes.load(Ordering::SeqCst), 1, "{both:?}");
    let told: String = both.iter().map(|(_, _, err)| err.as_str()).collect();
    assert!(told.contains("mail: refreshed (HTTP 200)"), "{told}");
    assert!(told.contains("mail: already refreshed by another stackdash, "), "{told}");
    // A run that has seen none of it knows it from the kept timeline.
    for arguments in [["tokens", "--format", "json"], ["status", "--format", "json"]] {
        let (code, out, err) = cloud.run(&arguments);
        assert_eq!(code, 0, "{err}");
        let document: Value = serde_json::from_str(&out).unwrap();
        let tokens = document.get("tokens").unwrap_or(&document["stacks"][0]["tokens"]);
        let mail = tokens.as_array().unwrap().iter().find(|token| token["name"] == "mail").unwrap();
        assert_eq!(mail["last_refresh"]["ok"], true, "{out}");
        assert_eq!(mail["last_refresh"]["detail"], "HTTP 200", "{out}");
    }
    // Right after it, too.
    let (code, _, err) = cloud.run(&["tokens", "refresh", "mail"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("already refreshed by another stackdash"), "{err}");
    assert_eq!(cloud.refreshes.load(Ordering::SeqCst), 1);
}

#[test]
fn two_screens_that_refresh_by_themselves_make_one_request() {
    let rules = RULES.replace("buffer = \"5s\"", "buffer = \"50s\"\nauto_refresh = true");
    let cloud = Cloud::new("screens", &rules, &[]);
    let env = cloud.env();
    let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (*key, value.as_str())).collect();
    // Half into its buffer: within the next seconds.
    let mut screens = [0, 1].map(|_| Terminal::start_with(120, 40, &["-p", &cloud.stack], &env));
    for screen in &mut screens {
        screen.press("3");
        screen.wait_until("it was refreshed", |text| {
            ["✓ auto", "✓ service", "another stackdash"].iter().any(|words| text.contains(words))
        });
    }
    assert_eq!(cloud.refreshes.load(Ordering::SeqCst), 1);
}

#[test]
fn labels_alone_are_enough_and_a_bad_one_is_told() {
    let options = [
        "--label",
        "stackdash.token.mail.read.file=/data.json",
        "--label",
        "stackdash.token.mail.expires=ends",
        "--label",
        "stackdash.token.mail.buffer=5s",
        "--label",
        "stackdash.token.mail.refresh.http=POST http://127.0.0.1:PORT/refresh",
        "--label",
        "stackdash.token.other.raed.file=/data.json",
    ];
    let cloud = Cloud::new("labels", "", &options);
    let (code, out, err) = cloud.run(&["tokens", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&out).unwrap();
    let tokens = document["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 1, "{out}");
    assert_eq!((&tokens[0]["name"], &tokens[0]["refresh_buffer_s"]), (&json!("mail"), &json!(5)));
    assert!(
        err.contains("label stackdash.token.other.raed.file: unknown key \"raed\"")
            && err.contains("container "),
        "{err}"
    );
    let (code, _, err) = cloud.run(&["tokens", "refresh", "mail"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(cloud.refreshes.load(Ordering::SeqCst), 1);
}

/// A JWT whose parts hold the secret.
fn jwt() -> String {
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims = json!({ "exp": Timestamp::now().as_second() + 600, "iss": "home", "jti": SECRET });
    format!("{}.{}.{SECRET}", engine.encode(r#"{"alg":"HS256"}"#), engine.encode(claims.to_string()))
}

#[test]
fn no_secret_is_in_anything_that_is_written_or_shown() {
    let more = r#"
[[token]]
name = "jwt"
service = "cloud"
read = { env = "HOME_KEY" }

[[token]]
name = "program"
service = "cloud"
read = { exec = ["cat", "/data.json"] }
expires = "ends"
refresh = { exec = ["sh", "-c", "cat /data.json >&2; exit 3"] }

[[token]]
name = "answer"
read = { http = "http://127.0.0.1:PORT/token?key=s3cr3tv4lue-query", headers = { Authorization = "Bearer s3cr3tv4lue-header" } }
expires = "ends"

[[token]]
name = "grant"
service = "cloud"
read = { file = "/data.json" }
expires = "ends"
value = "access_token"
refresh = { oauth = { url = "http://127.0.0.1:PORT/refresh", client_id = "me", client_secret_env = "CLOUD_CLIENT_SECRET" } }
"#;
    let (jwt, rules) = (jwt(), format!("{RULES}{more}"));
    let variable = format!("HOME_KEY={jwt}");
    let cloud = Cloud::new("secrets", &rules, &["-e", &variable]);
    let payload = jwt.split('.').nth(1).unwrap().to_owned();
    let mut said = Vec::new();
    for arguments in [
        &["tokens"][..],
        &["tokens", "--format", "json"],
        &["status", "--format", "json"],
        &["check", "--format", "json"],
        &["tokens", "refresh", "mail"],
        &["tokens", "refresh", "program"],
        &["tokens", "refresh", "grant"],
        &["events", "--since", "1h", "--format", "json"],
    ] {
        let (_, out, err) = cloud.run(arguments);
        said.push((arguments.join(" "), out + &err));
    }
    assert!(said[1].1.contains("\"jwt\"") && said[1].1.contains("\"answer\""), "{}", said[1].1);
    let env = cloud.env();
    let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let log = cloud.path().join("screen.log").display().to_string();
    let arguments = ["-p", &*cloud.stack, "-v", "-v", "--log-file", &log];
    let mut terminal = Terminal::start_with(120, 40, &arguments, &env);
    terminal.press("3");
    terminal.wait_for("grant ");
    for key in ["r", "j", "r", "j", "r", "j", "r", "j", "r", "\t", "5", "0", "1", "jd"] {
        terminal.press(key);
        terminal.pause(Duration::from_millis(600));
    }
    for _ in 0..9 {
        terminal.press("]");
        terminal.pause(Duration::from_millis(400));
    }
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    said.push((String::from("the screen"), String::from_utf8_lossy(terminal.raw()).into_owned()));
    said.extend(cloud.written());
    assert!(said.iter().any(|(what, _)| what.ends_with("screen.log")));
    for (what, text) in &said {
        for secret in [SECRET, &payload] {
            let at = text.find(secret);
            let around = at.map(|at| text[at.saturating_sub(200)..].chars().take(400).collect::<String>());
            assert!(at.is_none(), "{what} has it: {around:?}");
        }
    }
}
