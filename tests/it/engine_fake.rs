//! A small engine on a unix socket that replays recorded inspections, and misbehaves when told to.
//!
//! Speaks just enough HTTP/1.1: one request per connection, as stackdash makes them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use stackdash::adapters::docker::DockerEngine;
use stackdash::config::EndpointChoice;
use stackdash::model::compose::{ComposeProject, Definition};
use stackdash::model::host::HostSample;
use stackdash::model::probes::{ProbeAnswer, ProbeRequest};
use stackdash::model::runs::OutputLine;
use stackdash::model::stack_file::StackFile;
use stackdash::model::tokens::{
    RefreshFailure, Refreshed, TokenId, TokenProblem, TokenReadings, TokenRequest,
};
use stackdash::model::usage::UsageSample;
use stackdash::ports::{
    BoxFuture, Clock, Compose, ComposeError, HostMeter, Ports, Prober, StackFiles, TokenSource, UsageMeter,
    UsageRequest,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

/// The fake engine's clock when it is asked.
pub const ENGINE_TIME: &str = "2026-11-20T19:30:00.000000000Z";

/// How a request is answered instead of well.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This body, whatever it is.
    Body(String),
    /// This status with this message.
    Status(u16, &'static str),
    /// A length is promised and half of it sent.
    Truncated,
    /// Only after so long.
    Slow(Duration),
    /// The connection is closed without a word.
    HangUp,
}

#[derive(Default)]
struct Script {
    containers: Vec<Value>,
    /// By the start of the path.
    faults: HashMap<String, Fault>,
    /// Paths that were asked for.
    asked: Vec<String>,
    log: Vec<u8>,
}

pub struct FakeEngine {
    script: Arc<Mutex<Script>>,
    events: broadcast::Sender<Option<Vec<u8>>>,
    listener: JoinHandle<()>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

/// Reads a recorded inspection.
pub fn recorded(name: &str) -> Value {
    let path = format!("{}/fixtures/docker/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn engine_at(url: String) -> DockerEngine {
    DockerEngine::new(&EndpointChoice { host: Some(url), context: None }).unwrap()
}

impl FakeEngine {
    pub fn start(containers: Vec<Value>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fake.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let script = Arc::new(Mutex::new(Script { containers, ..Script::default() }));
        let (events, _) = broadcast::channel(64);
        let (serving, said) = (script.clone(), events.clone());
        let work = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, events) = (serving.clone(), said.subscribe());
                tokio::spawn(async move {
                    let _ = answer(stream, script, events).await;
                });
            }
        });
        Self { script, events, listener: work, path, _folder: folder }
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    pub fn set_containers(&self, containers: Vec<Value>) {
        self.script.lock().unwrap().containers = containers;
    }

    /// Answers requests whose path starts so with a fault, until it is healed.
    pub fn break_path(&self, start: &str, fault: Fault) {
        self.script.lock().unwrap().faults.insert(start.to_owned(), fault);
    }

    pub fn heal(&self) {
        self.script.lock().unwrap().faults.clear();
    }

    pub fn set_log(&self, bytes: Vec<u8>) {
        self.script.lock().unwrap().log = bytes;
    }

    /// Counts the requests whose path starts so.
    pub fn asked(&self, start: &str) -> usize {
        self.script.lock().unwrap().asked.iter().filter(|path| path.starts_with(start)).count()
    }

    /// Says an event to whoever listens.
    pub fn say(&self, event: &Value) {
        self.say_bytes(format!("{event}\n").as_bytes());
    }

    pub fn say_bytes(&self, bytes: &[u8]) {
        let _ = self.events.send(Some(bytes.to_vec()));
    }

    /// Ends the event streams, as an engine does that shuts down.
    pub fn end_events(&self) {
        let _ = self.events.send(None);
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn answer(
    stream: UnixStream,
    script: Arc<Mutex<Script>>,
    mut events: broadcast::Receiver<Option<Vec<u8>>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await?;
    loop {
        let mut header = String::new();
        if stream.read_line(&mut header).await? <= 2 {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let (fault, log) = {
        let mut script = script.lock().unwrap();
        script.asked.push(path.clone());
        let fault = script.faults.iter().find(|(start, _)| path.starts_with(start.as_str()));
        (fault.map(|(_, fault)| fault.clone()), script.log.clone())
    };
    let (status, body) = match &fault {
        Some(Fault::HangUp) => return Ok(()),
        Some(Fault::Body(body)) => (200, body.clone().into_bytes()),
        Some(Fault::Status(status, message)) => {
            (*status, json!({"message": message}).to_string().into_bytes())
        }
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(*time).await;
            respond(&path, &script)
        }
        Some(Fault::Truncated) | None => respond(&path, &script),
    };
    if path.starts_with("/events") && fault.is_none() {
        drop(script);
        return stream_events(stream, &mut events).await;
    }
    let is_log = path.contains("/logs") && fault.is_none();
    let (status, body) = if is_log { (200, log) } else { (status, body) };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    let sent = if matches!(fault, Some(Fault::Truncated)) { &body[..body.len() / 2] } else { &body[..] };
    stream.write_all(sent).await?;
    stream.shutdown().await
}

async fn stream_events(
    mut stream: BufReader<UnixStream>,
    events: &mut broadcast::Receiver<Option<Vec<u8>>>,
) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
    let mut hung_up = [0_u8; 1];
    loop {
        tokio::select! {
            said = events.recv() => match said {
                Ok(Some(bytes)) => {
                    stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
                    stream.write_all(&bytes).await?;
                    stream.write_all(b"\r\n").await?;
                }
                _ => return stream.write_all(b"0\r\n\r\n").await,
            },
            _ = stream.read(&mut hung_up) => return Ok(()),
        }
    }
}

fn respond(path: &str, script: &Mutex<Script>) -> (u16, Vec<u8>) {
    let script = script.lock().unwrap();
    let ok = |value: Value| (200, value.to_string().into_bytes());
    let (route, _) = path.split_once('?').unwrap_or((path, ""));
    match route {
        "/_ping" => (200, b"OK".to_vec()),
        "/version" => {
            ok(json!({"Version": "20.10.24", "ApiVersion": "1.41", "Components": [{"Name": "Engine"}]}))
        }
        "/info" => ok(json!({"Name": "lab01", "NCPU": 2, "MemTotal": 1_000_000, "SystemTime": ENGINE_TIME})),
        "/containers/json" => ok(script.containers.iter().map(summary).collect()),
        _ => {
            let id = route.split('/').nth(2).unwrap_or_default();
            let known = script.containers.iter().find(|container| container["Id"] == id);
            match (known, route.ends_with("/json")) {
                (Some(inspection), true) => ok(inspection.clone()),
                (Some(_), false) => (204, Vec::new()),
                (None, _) => {
                    let message = format!("No such container: {id}");
                    (404, json!({"message": message}).to_string().into_bytes())
                }
            }
        }
    }
}

/// Makes the line of the list that belongs to an inspection.
fn summary(inspection: &Value) -> Value {
    let health = inspection["State"]["Health"]["Status"].as_str();
    let health = match (inspection["State"]["Status"].as_str(), health) {
        (Some("running"), Some("starting")) => " (health: starting)",
        (Some("running"), Some("healthy")) => " (healthy)",
        (Some("running"), Some("unhealthy")) => " (unhealthy)",
        (Some("paused"), _) => " (Paused)",
        _ => "",
    };
    json!({
        "Id": inspection["Id"],
        "Names": [inspection["Name"]],
        "Image": inspection["Config"]["Image"],
        "State": inspection["State"]["Status"],
        "Status": format!("Up 2 minutes{health}"),
        "HostConfig": {"NetworkMode": inspection["HostConfig"]["NetworkMode"]},
        "Labels": inspection["Config"]["Labels"],
    })
}

/// Makes an event of the engine's stream about a container, so long after [`ENGINE_TIME`].
pub fn event(inspection: &Value, action: &str, after_s: i64, attributes: Value) -> Value {
    let at = ENGINE_TIME.parse::<Timestamp>().unwrap() + Duration::from_secs(after_s as u64);
    let nanos = i64::try_from(at.as_nanosecond()).unwrap();
    json!({
        "Type": "container",
        "Action": action,
        "Actor": {"ID": inspection["Id"], "Attributes": attributes},
        "time": at.as_second(),
        "timeNano": nanos,
    })
}

/// Stands where a test has no figures to read and no compose files.
pub struct Nothing;

impl UsageMeter for Nothing {
    fn sample(&self, _: Vec<UsageRequest>) -> BoxFuture<'_, Vec<UsageSample>> {
        Box::pin(async { Vec::new() })
    }
}

impl HostMeter for Nothing {
    fn sample(&self) -> BoxFuture<'_, HostSample> {
        Box::pin(async { HostSample::default() })
    }
}

impl StackFiles for Nothing {
    fn read<'a>(&'a self, _: &'a std::path::Path) -> BoxFuture<'a, Result<StackFile, String>> {
        Box::pin(async { Ok(StackFile::default()) })
    }
}

impl TokenSource for Nothing {
    fn read<'a>(&'a self, _: &'a TokenRequest) -> BoxFuture<'a, Result<TokenReadings, TokenProblem>> {
        Box::pin(async { Ok(TokenReadings::default()) })
    }

    fn refresh<'a>(
        &'a self,
        _: &'a TokenRequest,
        _: &'a TokenId,
    ) -> BoxFuture<'a, Result<Refreshed, RefreshFailure>> {
        Box::pin(async { Ok(Refreshed::Answered(String::from("nothing was done"))) })
    }
}

impl Prober for Nothing {
    fn probe<'a>(&'a self, _: &'a ProbeRequest) -> BoxFuture<'a, ProbeAnswer> {
        Box::pin(async { ProbeAnswer::default() })
    }
}

impl Compose for Nothing {
    fn definition<'a>(&'a self, _: &'a ComposeProject) -> BoxFuture<'a, Result<Definition, ComposeError>> {
        Box::pin(async { Err(ComposeError::Missing) })
    }

    fn run<'a>(
        &'a self,
        _: &'a ComposeProject,
        _: &'a [String],
        _: tokio::sync::mpsc::Sender<OutputLine>,
    ) -> BoxFuture<'a, Result<(), ComposeError>> {
        Box::pin(async { Err(ComposeError::Missing) })
    }
}

/// Plugs in an engine and nothing else.
pub fn ports(url: String, clock: Clock) -> Ports {
    let engine = Arc::new(engine_at(url));
    Ports {
        engine,
        usage: Arc::new(Nothing),
        host: Arc::new(Nothing),
        compose: Arc::new(Nothing),
        linter: None,
        stack_files: Arc::new(Nothing),
        tokens: Arc::new(Nothing),
        prober: Arc::new(Nothing),
        history: None,
        files: None,
        trees: None,
        turns: None,
        webhook: None,
        clock,
    }
}
