//! A stack in a folder of its own, and `stackdash watch` beside it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Bound of every wait; the machine may be slow.
const PATIENCE: Duration = Duration::from_mins(2);
/// When nothing has come for so long, nothing comes.
const QUIET: Duration = Duration::from_secs(4);

pub struct Stage {
    folder: tempfile::TempDir,
    /// Where stackdash keeps what it watched; outside of what is watched.
    state: tempfile::TempDir,
    pub name: String,
}

impl Stage {
    /// Writes a compose file with these services; `NAME` stands for the stack's name.
    pub fn new(name: &str, services: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("stackdash-watch-").tempdir().unwrap();
        let state = tempfile::tempdir().unwrap();
        let stage = Self { folder, state, name: format!("stackdash-watch-{name}-{}", std::process::id()) };
        let labels = "    labels: {stackdash.test: \"1\"}\n    stop_grace_period: 0s\n    init: true\n";
        let mut text = format!(
            "name: {}\nnetworks: {{default: {{labels: {{stackdash.test: \"1\"}}}}}}\nservices:\n",
            stage.name
        );
        for line in services.replace("NAME", &stage.name).lines() {
            text.push_str(line);
            text.push('\n');
            if line.starts_with("  ") && !line.starts_with("   ") {
                text += labels;
            }
        }
        stage.write("docker-compose.yml", &text);
        stage
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn save(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    pub fn save_beside(&self, file: &str, text: &str) {
        let beside = self.path(&format!("{file}.new~"));
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, self.path(file)).unwrap();
    }

    pub fn touch(&self, file: &str) {
        let text = std::fs::read(self.path(file)).unwrap();
        std::fs::write(self.path(file), text).unwrap();
    }

    pub fn chmod(&self, file: &str, mode: u32) {
        std::fs::set_permissions(self.path(file), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[track_caller]
    pub fn compose(&self, arguments: &[&str]) {
        let out =
            Command::new("docker").arg("compose").args(arguments).current_dir(self.folder.path()).output();
        let out = out.unwrap();
        assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    #[track_caller]
    pub fn up(&self) {
        self.compose(&["up", "-d", "--build"]);
    }

    fn container(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.name);
        let service = format!("label=com.docker.compose.service={service}");
        crate::engine_live::docker(&["ps", "-q", "--no-trunc", "--filter", &project, "--filter", &service])
    }

    pub fn id(&self, service: &str) -> String {
        self.container(service)
    }

    pub fn started(&self, service: &str) -> String {
        crate::engine_live::docker(&["inspect", "-f", "{{.State.StartedAt}}", &self.container(service)])
    }

    /// Runs a program in a service's container; `None`: it failed.
    pub fn exec(&self, service: &str, arguments: &[&str]) -> Option<String> {
        let id = self.container(service);
        let out = Command::new("docker").args(["exec", &id]).args(arguments).output().unwrap();
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().replace('\n', ""))
    }

    /// Reads a file in a service's container, without running anything there.
    #[track_caller]
    pub fn read(&self, service: &str, path: &str) -> String {
        let from = format!("{}:{path}", self.container(service));
        let out = Command::new("docker").args(["cp", "-L", &from, "-"]).output().unwrap();
        assert!(out.status.success(), "{service} has no {path}: {}", String::from_utf8_lossy(&out.stderr));
        let mut tar =
            Command::new("tar").arg("-xO").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        tar.stdin.take().unwrap().write_all(&out.stdout).unwrap();
        String::from_utf8(tar.wait_with_output().unwrap().stdout).unwrap()
    }

    #[track_caller]
    pub fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "not so: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn stackdash(&self, arguments: &[&str]) -> Command {
        stackdash(self.folder.path(), self.state.path(), arguments)
    }

    /// Watches, and waits until it does.
    #[track_caller]
    pub fn watch(&self, services: &[&str]) -> Watch {
        let mut command = self.stackdash(&["watch", "--format", "json"]);
        command.args(services);
        Watch::start(command)
    }

    /// Runs a command that is to fail; returns its code and its words.
    pub fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let out = self.stackdash(arguments).output().unwrap();
        (out.status.code().unwrap_or(-1), String::from_utf8_lossy(&out.stderr).into_owned())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let local = ["compose", "down", "-v", "-t", "0", "--remove-orphans", "--rmi", "local"];
        let _ = Command::new("docker").args(local).current_dir(self.folder.path()).output();
        let own = format!("stackdash-test/watch-image-{}", self.name);
        let _ =
            Command::new("docker").args(["image", "rm", &own, "stackdash-test/watch-burst-twin"]).output();
    }
}

pub fn stackdash(folder: &Path, state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackdash"));
    command
        .args(arguments)
        .current_dir(folder)
        .envs([("XDG_CONFIG_HOME", "/nonexistent"), ("STACKDASH_HISTORY", "0"), ("NO_COLOR", "1")])
        .env("XDG_STATE_HOME", state)
        .stdin(Stdio::null());
    command
}

/// `stackdash watch` under way; ends with the test.
pub struct Watch {
    child: Mutex<Child>,
    lines: Arc<Mutex<Vec<Value>>>,
    words: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, words) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (kept, said) = (lines.clone(), words.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                kept.lock().unwrap().push(value);
            }
        });
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                said.lock().unwrap().push(line);
            }
        });
        let watch = Self { child: Mutex::new(child), lines, words };
        watch.says("watching ");
        // Each service says so when its own files were looked through.
        std::thread::sleep(Duration::from_millis(500));
        watch
    }

    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, found: impl Fn(&[Value], &[String]) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let (lines, words) = (self.lines(), self.words.lock().unwrap().clone());
            if let Some(found) = found(&lines, &words) {
                return found;
            }
            assert!(Instant::now() < end, "no {what}: {lines:#?}\n{words:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    pub fn says(&self, text: &str) {
        self.wait(text, |_, words| words.iter().any(|word| word.contains(text)).then_some(()));
    }

    /// Waits until a run of this action is ready; returns its number.
    #[track_caller]
    pub fn ready(&self, action: &str) -> Value {
        self.wait(&format!("{action} that is ready"), |lines, _| {
            let failed = lines.iter().find(|line| line["phase"] == "failed");
            assert!(failed.is_none(), "{failed:#?}");
            let found = lines.iter().rev().find(|line| line["phase"] == "ready" && line["action"] == action);
            found.map(|line| line["run"].clone())
        })
    }

    #[track_caller]
    pub fn phase(&self, phase: &str) -> Value {
        self.wait(phase, |lines, _| {
            lines.iter().rev().find(|line| line["phase"] == phase).map(|line| line["run"].clone())
        })
    }

    /// Returns the phases of a run, as told of its first service.
    pub fn phases(&self, run: &Value) -> Vec<String> {
        let lines = self.lines();
        let of_it: Vec<&Value> = lines.iter().filter(|line| line["run"] == *run).collect();
        let first = of_it.first().map(|line| line["service"].clone());
        of_it
            .iter()
            .filter(|line| Some(&line["service"]) == first.as_ref())
            .map(|line| text_of(&line["phase"]))
            .collect()
    }

    #[track_caller]
    pub fn line(&self, run: &Value, phase: &str) -> Value {
        let found = self.lines().into_iter().find(|line| line["run"] == *run && line["phase"] == phase);
        found.unwrap_or_else(|| panic!("run {run} has no {phase}"))
    }

    /// Waits until nothing comes any more.
    pub fn idle(&self) {
        let mut known = (self.lines().len(), Instant::now());
        while known.1.elapsed() < QUIET {
            std::thread::sleep(Duration::from_millis(100));
            let lines = self.lines();
            let busy = lines
                .last()
                .is_some_and(|line| !matches!(&*text_of(&line["phase"]), "ready" | "failed" | "suspended"));
            if lines.len() != known.0 || busy {
                known = (lines.len(), Instant::now());
            }
        }
    }

    /// Ends it as Ctrl-C does; returns its code and how long that took.
    pub fn interrupt(&self) -> (i32, Duration) {
        let mut child = self.child.lock().unwrap();
        let began = Instant::now();
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let code = child.wait().unwrap().code().unwrap_or(-1);
        (code, began.elapsed())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        if child.try_wait().ok().flatten().is_none() {
            let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }
}

/// Writes a value as text, without the quotes of a text.
pub fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
