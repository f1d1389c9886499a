//! The stage of the five systems' stories: a copy of `fixtures/stacks/NAME` in a temporary folder, with an
//! `.env` that names the images made here, brought up by the real program, and taken away at the end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::terminal::Terminal;

/// Images of the compose files and Dockerfiles, and what the tests put in their place
/// (`tests/images.sh` makes them).
const IMAGES: &[(&str, &str)] = &[
    ("ALPINE_IMAGE", "stackdash-test/alpine:3"),
    ("DB_BACKUP_IMAGE", "stackdash-test/db-backup:1"),
    ("GOLANG_IMAGE", "stackdash-test/golang:alpine"),
    ("MONGO_EXPRESS_IMAGE", "stackdash-test/mongo-express:1"),
    ("MONGO_IMAGE", "stackdash-test/mongo:7"),
    ("NGINX_IMAGE", "stackdash-test/nginx:1"),
    ("NODE_IMAGE", "stackdash-test/node:alpine"),
    ("POSTGRES_IMAGE", "stackdash-test/postgres:15"),
    ("PYTHON_IMAGE", "stackdash-test/python:3.11-slim"),
    ("QUESTDB_IMAGE", "stackdash-test/questdb:8.2.1"),
    ("WATCHTOWER_IMAGE", "stackdash-test/watchtower:1"),
];

/// Bound of every wait; the machine may be slow.
const PATIENCE: Duration = Duration::from_mins(2);

pub struct Story {
    folder: tempfile::TempDir,
    /// The name of the stack: of this system, and of this test run alone.
    pub name: String,
}

/// What a command of stackdash answered.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

impl Story {
    /// Copies the files of a system; nothing is started yet.
    pub fn of(system: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("stackdash-story-").tempdir().unwrap();
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stacks").join(system);
        copy(&files, folder.path());
        let system = system.replace('/', "-");
        let story = Self { folder, name: format!("stackdash-story-{system}-{}", std::process::id()) };
        story.set("COMPOSE_PROJECT_NAME", &story.name);
        for (variable, image) in IMAGES {
            story.set(variable, image);
        }
        story
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable of the stack's `.env`.
    pub fn set(&self, variable: &str, value: &str) {
        let file = self.folder().join(".env");
        let known = std::fs::read_to_string(&file).unwrap_or_default();
        let kept = known.lines().filter(|line| !line.starts_with(&format!("{variable}=")));
        let lines: Vec<String> = kept.map(str::to_owned).chain([format!("{variable}={value}\n")]).collect();
        std::fs::write(file, lines.join("\n")).unwrap();
    }

    /// Gives a port variable a port that is free on this host; `stackdash.toml` follows the variable.
    pub fn set_port(&self, variable: &str) -> u16 {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        self.set(variable, &port.to_string());
        port
    }

    /// Writes a file of the stack: an override, a changed source.
    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder().join(file), text).unwrap();
    }

    /// Runs stackdash in the stack's folder.
    pub fn stackdash(&self, arguments: &[&str]) -> Said {
        let program = env!("CARGO_BIN_EXE_stackdash");
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.folder())
            .env("XDG_CONFIG_HOME", self.folder().join("no-config"))
            .env("STACKDASH_HISTORY", "0")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Brings the stack up and waits until all of it is ready.
    #[track_caller]
    pub fn up(&self) {
        self.stackdash(&["up"]).well();
        self.stackdash(&["wait", "-p", &self.name, "--timeout", "60s"]).well();
    }

    /// Opens the dashboard on this stack alone.
    pub fn terminal(&self, columns: u16, rows: u16) -> Terminal {
        Terminal::start(columns, rows, &[&self.folder().display().to_string()])
    }

    /// Returns the stack as `status --format json` has it.
    #[track_caller]
    pub fn status(&self) -> Value {
        let document: Value = serde_json::from_str(&self.ask_status().well().stdout).unwrap();
        document["stacks"][0].clone()
    }

    fn ask_status(&self) -> Said {
        self.stackdash(&["status", "--no-usage", "--format", "json", "-p", &self.name])
    }

    /// Returns a service as `status --format json` has it.
    #[track_caller]
    pub fn service(&self, name: &str) -> Value {
        let stack = self.status();
        service_in(&stack, name).unwrap_or_else(|| panic!("no {name}: {stack:#}")).clone()
    }

    /// Waits until a service is as wanted; before anything was created there is no stack at all.
    #[track_caller]
    pub fn wait_for(&self, service: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let document: Value = serde_json::from_str(&self.ask_status().stdout).unwrap_or_default();
            match service_in(&document["stacks"][0], service) {
                Some(now) if is_so(now) => return now.clone(),
                now => assert!(Instant::now() < end, "never: {service} {what}: {now:#?}"),
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Returns the names of this stack's containers, networks or volumes on the engine.
    pub fn left(&self, kind: &str) -> Vec<String> {
        let filter = format!("label=com.docker.compose.project={}", self.name);
        let list: &[&str] = if kind == "container" { &["ps", "-aq"] } else { &[kind, "ls", "-q"] };
        docker(&[list, &["--filter", &filter]].concat()).lines().map(str::to_owned).collect()
    }
}

impl Drop for Story {
    /// Takes away what the story made, whatever state it is in: by labels, since its files may be broken.
    fn drop(&mut self) {
        for (kind, remove) in [
            ("container", &["rm", "-f", "-v"][..]),
            ("network", &["network", "rm"]),
            ("volume", &["volume", "rm"]),
        ] {
            for one in self.left(kind) {
                let _ = Command::new("docker").args(remove).arg(one).output();
            }
        }
        // Images that Compose built bear the stack's name.
        for image in docker(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).lines() {
            if image.starts_with(&self.name) {
                let _ = Command::new("docker").args(["image", "rm", image]).output();
            }
        }
    }
}

/// Runs the Docker CLI; what it cannot do fails no test here, its answer is then empty.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Asks a service by its port on this host; returns the code and the JSON of the answer.
#[track_caller]
pub fn ask(method: &str, port: u16, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let code = answer.split_whitespace().nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (code, serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())))
}

fn service_in<'a>(stack: &'a Value, name: &str) -> Option<&'a Value> {
    stack["services"].as_array()?.iter().find(|service| service["name"] == name)
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.unwrap();
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
