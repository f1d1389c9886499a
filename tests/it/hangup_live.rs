//! A connection that breaks: the terminal closes while everything is under way. The program ends at once, and
//! of what it started nothing goes on, on this side or in a container. Behind the feature `live`.

#![expect(clippy::print_stdout, reason = "figures are for whoever runs it by hand")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::engine_live::docker;
use crate::hands_live::Project;
use crate::terminal::Terminal;

/// The longest that the program may live on without a terminal, with much room for a busy machine; before
/// its own last resort it has two seconds, and that one leaves children behind.
const AT_ONCE: Duration = Duration::from_millis(1900);

/// Counts the processes whose command line has all these words; a container's own are not ours.
fn processes(words: &[&str]) -> Vec<String> {
    let list = Command::new("ps").args(["-eo", "pid,args"]).output().unwrap();
    let own = String::from_utf8_lossy(&list.stdout).into_owned();
    own.lines().filter(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned).collect()
}

fn gone(what: &str, words: &[&str]) {
    Terminal::eventually(&format!("{what} is gone"), || processes(words).is_empty());
}

/// A stack with a service that writes, one that waits for ever, and a program to run in the first.
fn project(name: &str) -> Project {
    let project = Project::new(
        name,
        "services:\n  db:\n    <<: *l\n    command: [\"sh\", \"-c\", \"trap exit TERM; while :; do echo tick; sleep 1; done\"]\n    \
         healthcheck: {test: [\"CMD\", \"test\", \"-e\", \"/never\"], interval: 1s, retries: 999, start_period: 999s}\n  \
         web:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n    depends_on: {db: {condition: service_healthy}}\n",
    );
    project.compose(&["create"]);
    project.compose(&["start", "db"]);
    project
}

fn works_in_container(project: &Project) -> bool {
    docker(&["top", &format!("{}-db-1", project.name), "-eo", "pid,args"]).contains("4321")
}

/// Stands in for ssh: its tunnel is a link to the engine's socket that lasts as long as the process.
fn stand_in_ssh(folder: &Path, mark: &str) -> String {
    let script = format!(
        "#!/bin/sh\nfor word; do case $word in *:/var/run/docker.sock)\n  ln -s /var/run/docker.sock \"${{word%%:*}}\"\n  exec sleep {mark};;\nesac; done\n\
         unset DOCKER_HOST; exec docker system dial-stdio\n"
    );
    let program = folder.join("ssh");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// Presses a key until a text shows: what it needs of the stack's files may still be read.
fn insist(terminal: &mut Terminal, key: &str, text: &str) {
    for _ in 0..40 {
        terminal.press(key);
        terminal.pause(Duration::from_millis(500));
        if terminal.screen().contains(text) {
            return;
        }
    }
    terminal.wait_for(text);
}

#[test]
fn a_broken_connection_ends_logs_a_tunnel_compose_and_a_program_in_a_container() {
    for ignored in [false, true] {
        let name = if ignored { "hangup-ignored" } else { "hangup" };
        let project = project(name);
        let folder = tempfile::tempdir().unwrap();
        let mark = format!("7{}{}", std::process::id(), u8::from(ignored));
        let path = stand_in_ssh(folder.path(), &mark);
        let program = env!("CARGO_BIN_EXE_stackdash");
        let arguments =
            format!("--host ssh://ops@far -p {} {}", project.name, project.folder.path().display());
        // What a parent ignores stays ignored, as under nohup.
        let script = if ignored {
            format!("trap '' HUP; exec {program} {arguments}")
        } else {
            format!("exec {program} {arguments}")
        };
        let environment = [("PATH", &*path), ("XDG_RUNTIME_DIR", folder.path().to_str().unwrap())];
        let mut terminal = Terminal::start_program("sh", 120, 40, &["-c", &script], &environment);
        terminal.wait_for("db");
        assert_eq!(processes(&["sleep", &mark]).len(), 1, "the tunnel");
        // First a program in the container, then Compose, which waits for db for ever.
        terminal.press("G:run-command\r");
        terminal.wait_for("Run in");
        terminal.press("sh -c 'echo begun; exec sleep 4321'\r");
        Terminal::eventually("the program is at work", || works_in_container(&project));
        terminal.press("g");
        insist(&mut terminal, "u", "Bring up");
        terminal.press("y");
        Terminal::eventually("Compose is at work", || {
            !processes(&["compose", &project.name, " up "]).is_empty()
        });
        terminal.press("G");
        terminal.press("l");
        terminal.wait_for("tick");
        terminal.close("\x0c");
        let took = terminal.wait_for_end();
        println!("hang-up {}: ended after {took:?}", if ignored { "ignored by the parent" } else { "told" });
        assert!(took < AT_ONCE, "it took {took:?}");
        gone("the program", &["stackdash", "ssh://ops@far"]);
        gone("the tunnel", &["sleep", &mark]);
        gone("Compose", &["compose", &project.name, " up "]);
        Terminal::eventually("the program in the container is gone", || !works_in_container(&project));
        // The turns on stacks stay: an advisory lock is free as soon as its process has ended.
        let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name != "stackdash").collect();
        assert_eq!(left, ["ssh"], "the tunnel's folder is gone");
    }
}
