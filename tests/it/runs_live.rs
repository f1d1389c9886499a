//! Programs in containers of a real engine: exit codes, ends that hold, hostile output, custom actions
//! with choices from a container. Behind the feature `live`.

use std::process::{Command as Process, Stdio};
use std::time::Duration;

use stackdash::model::containers::ContainerId;
use stackdash::model::runs::{ExecEnd, ExecOrder, OutputLine};
use stackdash::ports::{Engine, EngineError, ExecSession, Killed};

use crate::engine_live::{Guard, bounded, docker, engine, image};
use crate::terminal::Terminal;

const NAMED: &str = "stackdash-actions";

fn order(id: &ContainerId, arguments: &[&str]) -> ExecOrder {
    ExecOrder {
        container: id.clone(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        user: None,
        folder: None,
    }
}

fn sleeper(name: &str) -> Guard {
    Guard::run(&["--name", &format!("{NAMED}-{name}-{}", std::process::id())], "while :; do sleep 1; done")
}

async fn all(session: &mut ExecSession) -> Vec<OutputLine> {
    let mut lines = Vec::new();
    bounded("the end of the output", async {
        while let Some(line) = session.lines.recv().await {
            lines.push(line);
        }
    })
    .await;
    lines
}

async fn outcome(guard: &Guard, arguments: &[&str]) -> (Vec<OutputLine>, ExecEnd) {
    let mut session = engine().await.exec(&order(&guard.0, arguments)).await.unwrap();
    let lines = all(&mut session).await;
    (lines, session.end.await)
}

fn texts(lines: &[OutputLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn arguments_arrive_as_they_are_and_the_exit_code_comes_back() {
    let guard = sleeper("codes");
    let (lines, end) = outcome(&guard, &["echo", "a  b", "$HOME", ";", "$(id)", "'"]).await;
    assert_eq!((texts(&lines), end.exit_code), (vec!["a  b $HOME ; $(id) '"], Some(0)));
    let script = "echo out; echo err >&2; exit 3";
    let (lines, end) = outcome(&guard, &["sh", "-c", script]).await;
    assert_eq!(end, ExecEnd { exit_code: Some(3), refusal: String::new() });
    assert!(lines.iter().any(|line| line.text == "out" && !line.is_error), "{lines:?}");
    assert!(lines.iter().any(|line| line.text == "err" && line.is_error), "{lines:?}");
    let mut elsewhere = order(&guard.0, &["sh", "-c", "pwd; echo $(busybox id -u)"]);
    (elsewhere.user, elsewhere.folder) = (Some(String::from("1234")), Some(String::from("/tmp")));
    let mut session = engine().await.exec(&elsewhere).await.unwrap();
    assert_eq!(texts(&all(&mut session).await), ["/tmp", "1234"]);
}

#[tokio::test]
async fn what_is_missing_is_told_in_the_engines_words_with_advice() {
    let guard = sleeper("missing");
    let (lines, end) = outcome(&guard, &["no-such-program", "x"]).await;
    assert!(lines.is_empty(), "{lines:?}");
    assert!(matches!(end.exit_code, Some(126 | 127)), "{end:?}");
    assert!(end.refusal.contains("not found") && end.refusal.contains("The image has no no-such-program"));
    let nobody = ExecOrder { user: Some(String::from("nobody-here")), ..order(&guard.0, &["true"]) };
    let words = match engine().await.exec(&nobody).await {
        Ok(mut session) => {
            all(&mut session).await;
            session.end.await.refusal
        }
        Err(error) => error.to_string(),
    };
    assert!(words.contains("unable to find user"), "{words}");
    docker(&["stop", "-t", "0", guard.0.as_str()]);
    let stopped = engine().await.exec(&order(&guard.0, &["true"])).await.err().unwrap();
    assert!(matches!(stopped, EngineError::Conflict(_)), "{stopped:?}");
}

#[tokio::test]
async fn hostile_output_is_clean_bounded_and_never_waited_for_twice() {
    let guard = sleeper("hostile");
    let script = "printf '\\033]52;c;aGk=\\007\\033[2Jx\\n'; printf 'DB_PASSWORD=correct-horse-battery\\n'; \
                  busybox dd if=/dev/zero bs=1000000 count=3 2>/dev/null | busybox tr '\\0' y; echo; \
                  printf '\\001\\000\\000\\000\\377raw\\n'; busybox seq 1 5000";
    let (lines, end) = outcome(&guard, &["sh", "-c", script]).await;
    assert_eq!(end.exit_code, Some(0));
    assert!(lines.iter().all(|line| !line.text.contains('\x1b') && line.text.len() < 20_000));
    assert!(!lines[1].text.contains("horse"), "{:?}", lines[1]);
    assert!(!lines[0].is_whole && !lines[1].is_whole && !lines[2].is_whole);
    assert_eq!(lines.last().unwrap().text, "5000");
    assert_eq!(lines.len(), 5004);
}

fn left(guard: &Guard) -> Vec<String> {
    let table = docker(&["top", guard.0.as_str(), "-eo", "pid,args"]);
    table.lines().filter(|line| line.contains("4321")).map(str::to_owned).collect()
}

async fn end_of(guard: &Guard, arguments: &[&str]) -> Killed {
    let mut session = engine().await.exec(&order(&guard.0, arguments)).await.unwrap();
    bounded("its first words", session.lines.recv()).await.unwrap();
    assert!(!left(guard).is_empty(), "it is at work");
    session.kill.await
}

#[tokio::test]
async fn an_ended_program_leaves_no_process_behind() {
    let guard = sleeper("ended");
    let killed = end_of(&guard, &["sh", "-c", "echo go; sleep 4321 & sleep 4321"]).await;
    assert_eq!((killed, left(&guard)), (Killed::Gone, vec![]), "its children go with it");
    let stubborn = "trap '' TERM; echo go; while :; do sleep 1; done; : 4321";
    let killed = end_of(&guard, &["sh", "-c", stubborn]).await;
    assert_eq!((killed, left(&guard)), (Killed::Gone, vec![]), "what ignores SIGTERM is killed");
    let as_user = ExecOrder {
        user: Some(String::from("1234")),
        ..order(&guard.0, &["sh", "-c", "echo go; exec sleep 4321"])
    };
    let mut session = engine().await.exec(&as_user).await.unwrap();
    bounded("its first words", session.lines.recv()).await.unwrap();
    assert_eq!(session.kill.await, Killed::Gone);
    assert_eq!(left(&guard), Vec::<String>::new());
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", guard.0.as_str()]), "true");
}

/// A stack with its own actions; it goes when the test ends.
struct Project {
    folder: tempfile::TempDir,
    name: String,
}

impl Project {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{NAMED}-{name}-{}", std::process::id());
        let text = format!(
            "name: {name}\nservices:\n  db:\n    image: {}\n    labels: {{stackdash.test: \"1\"}}\n    stop_grace_period: 1s\n    command: [\"sleep\", \"9999\"]\n",
            image()
        );
        std::fs::write(folder.path().join("compose.yml"), text).unwrap();
        let actions = r#"
[[action]]
name = "show"
service = "db"
exec = ["cat", "/tmp/backups/{file}"]
ask = [{ name = "file", choices = { exec = ["busybox", "ls", "/tmp/backups"] } }]

[[action]]
name = "slow"
service = "db"
exec = ["sh", "-c", "echo begun; exec sleep 4321"]
timeout = "2s"

[[action]]
name = "long"
service = "db"
exec = ["sh", "-c", "echo begun; exec sleep 4321"]

[[action]]
name = "code"
service = "db"
exec = ["sh", "-c", "echo to stdout; echo to stderr >&2; exit 42"]
confirm = true

[[action]]
name = "once"
compose = ["run", "--rm", "-T", "db", "sh", "-c", "echo from compose; echo aside >&2; exit 5"]
"#;
        std::fs::write(folder.path().join("stackdash.toml"), actions).unwrap();
        let project = Self { folder, name };
        project.compose(&["up", "-d"]);
        project
    }

    fn compose(&self, arguments: &[&str]) {
        let out = Process::new("docker")
            .args([&["compose", "-p", &self.name], arguments].concat())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    fn container(&self) -> String {
        format!("{}-db-1", self.name)
    }

    fn command(&self, arguments: &[&str]) -> Process {
        let mut command = Process::new(env!("CARGO_BIN_EXE_stackdash"));
        command.args([&["--no-history", "-p", &self.name, "run"], arguments].concat());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let out = self.command(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code().unwrap(), text(&out.stdout), text(&out.stderr))
    }

    fn sleeps(&self) -> bool {
        docker(&["top", &self.container(), "-eo", "pid,args"]).contains("4321")
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = Process::new("docker")
            .args(["compose", "-p", &self.name, "down", "-v", "-t", "0", "--remove-orphans"])
            .current_dir(self.folder.path())
            .output();
    }
}

#[test]
fn actions_run_without_the_dashboard() {
    let project = Project::new("cli");
    let names = "busybox mkdir -p '/tmp/backups' && cd /tmp/backups && for f in 'a b' ';$(id)' '-rf' '{file}'; do \
                 echo \"is $f\" >\"$f\"; done; touch \"$(printf 'x\\033[31m')\"";
    docker(&["exec", &project.container(), "busybox", "sh", "-c", names]);

    let (code, out, err) = project.run(&[]);
    assert_eq!(code, 0, "{err}");
    assert!(out.lines().any(|line| line.ends_with("in db  file=…") && line.contains("show")), "{out}");
    let (_, out, _) = project.run(&["--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["actions"][0]["ask"][0]["kind"], "exec");

    for name in ["a b", ";$(id)", "{file}"] {
        let (code, out, err) = project.run(&["show", &format!("file={name}")]);
        assert_eq!((code, out), (0, format!("is {name}\n")), "{err}");
    }
    let (code, _, err) = project.run(&["show", "file=a c"]);
    assert!(code == 2 && err.contains("did you mean \"a b\"?"), "{err}");
    let (code, _, err) = project.run(&["show", "file=x"]);
    assert!(code == 2, "a name that cannot be shown cannot be meant: {err}");
    let (code, _, err) = project.run(&["show"]);
    assert!(code == 2 && err.contains("show asks for file") && err.contains("known:"), "{err}");
    let (code, _, err) = project.run(&["shwo"]);
    assert!(code == 2 && err.contains("did you mean \"show\"?"), "{err}");
    let (code, _, err) = project.run(&["show", "fiel=x"]);
    assert!(code == 2 && err.contains("did you mean \"file\"?"), "{err}");

    let (code, _, err) = project.run(&["code"]);
    assert!(code == 2 && err.contains("--yes"), "{err}");
    let (code, out, err) = project.run(&["code", "--yes"]);
    assert_eq!((code, &*out), (42, "to stdout\n"), "{err}");
    assert!(err.lines().any(|line| line == "to stderr"), "{err}");
    assert!(err.contains("$ docker exec") && err.contains("code ended with exit code 42"), "{err}");
    let (code, out, err) = project.run(&["once"]);
    assert_eq!((code, &*out), (5, "from compose\n"), "{err}");
    assert!(err.lines().any(|line| line == "aside"), "{err}");
    let refused = project.command(&["code", "--yes", "--read-only"]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("read-only"));

    let (code, out, err) = project.run(&["slow"]);
    assert_eq!((code, &*out), (124, "begun\n"), "{err}");
    assert!(err.contains("did not end within"), "{err}");
    assert!(!project.sleeps(), "nothing of it is left");

    let mut child = project.command(&["long"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    while !project.sleeps() {
        std::thread::sleep(Duration::from_millis(100));
    }
    Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!project.sleeps(), "Ctrl-C ends it in the container, too");
}

/// Opens the menu; its file may still be read.
fn open_actions(terminal: &mut Terminal) {
    for _ in 0..40 {
        terminal.press("c");
        std::thread::sleep(Duration::from_millis(500));
        if terminal.screen().contains("Actions of") {
            return;
        }
    }
    terminal.wait_for("Actions of");
}

#[test]
fn an_action_runs_in_the_dashboard_and_ends_with_it() {
    let project = Project::new("face");
    docker(&["exec", &project.container(), "busybox", "mkdir", "/tmp/backups"]);
    docker(&["exec", &project.container(), "busybox", "touch", "/tmp/backups/monday.gz"]);
    let mut terminal = Terminal::start(120, 40, &["-p", &project.name]);
    terminal.wait_for("db");
    open_actions(&mut terminal);
    terminal.press("\r");
    terminal.wait_for("monday.gz");
    terminal.press("\r");
    terminal.wait_for("ended with exit code 0");
    open_actions(&mut terminal);
    terminal.press("jj\r");
    // The word also stands in the command line that is shown before.
    terminal.wait_for("begun");
    Terminal::eventually("it sleeps", || project.sleeps());
    terminal.press("X");
    terminal.wait_for("long cancelled after");
    assert!(!project.sleeps());
    open_actions(&mut terminal);
    terminal.press("jj\r");
    terminal.wait_until("it runs again", |_| project.sleeps());
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
    assert!(!project.sleeps(), "quitting ends what runs");
}

#[test]
fn a_container_with_open_input_and_no_terminal_is_attached_to() {
    let name = format!("{NAMED}-attach-{}", std::process::id());
    let script = "while read -r line; do echo \"got <$line>\"; done; echo end of input; sleep 9999";
    let guard = Guard::run(&["-i", "--name", &name], script);
    let mut terminal = Terminal::start(100, 30, &[]);
    terminal.wait_for("(no stack)");
    terminal.press("/");
    terminal.press(&name);
    terminal.press("\r");
    terminal.wait_for(&format!("/{}", &name[..20]));
    terminal.press("gj");
    terminal.press(":");
    terminal.press("attach");
    terminal.press("\r");
    terminal.wait_for("Ctrl-p Ctrl-q comes back");
    terminal.press("hellx\x7fo w\u{f6}rld\r");
    terminal.wait_for("got <hello w\u{f6}rld>");
    terminal.press("\x10\x11");
    terminal.wait_for("Detached from");
    terminal.wait_for("(no stack)");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", guard.0.as_str()]), "true");
}
