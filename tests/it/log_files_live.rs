//! Log files inside containers of a real engine, read in place and through the engine: nothing lost and
//! nothing doubled over rotations, stops and starts, and a reason where there is nothing. Behind the
//! feature `live`. The image has no program that could read a file for us.

use std::time::Duration;

use stackdash::model::logs::{LogSource, LogStatus, LogStream};

use crate::logs_live::{Reader, Stack, docker, has, image};
use crate::proxy::far_away;

/// Writes numbered lines and rotates now and then; tells by a line when it is done.
fn writer(rotate: &str, rotations: u32, lines: u32, pause: &str) -> String {
    format!(
        "r=0; n=0; while [ $r -lt {rotations} ]; do r=$((r+1)); k=0; \
         while [ $k -lt {lines} ]; do k=$((k+1)); n=$((n+1)); echo line $n >> /tmp/app.log; \
         [ $((k % 100)) -eq 0 ] && {pause}; done; {rotate}; done; echo the end >> /tmp/app.log; exec sleep 1000"
    )
}

const RENAME: &str = "busybox mv /tmp/app.log /tmp/app.log.1";
const COPY_TRUNCATE: &str = "busybox cp /tmp/app.log /tmp/app.log.1; : > /tmp/app.log";

async fn follow(reader: &mut Reader, log: &LogSource) {
    reader.until("the container", |state| state.containers.get(&log.container).is_some()).await;
    reader.known.insert(log.clone());
    reader.until("a first look", |state| state.logs.status(log).is_some()).await;
}

fn numbers(reader: &Reader) -> Vec<u32> {
    let own = reader.lines().filter(|line| line.stream == LogStream::File);
    own.filter_map(|line| line.text.text().strip_prefix("line ")?.parse().ok()).collect()
}

async fn rotated_as(name: &str, url: Option<String>, rotate: &str, rotations: u32, pause: &str) {
    let stack = Stack::new(name);
    let script =
        format!("while [ ! -e /tmp/go ]; do usleep 50000; done; {}", writer(rotate, rotations, 1500, pause));
    let id = stack.run("writer", 1, &[], &script);
    let log = LogSource::file(id.clone(), "/tmp/app.log".into());
    let mut reader = match url {
        Some(url) => Reader::through(url, &stack),
        None => Reader::start(&stack),
    };
    follow(&mut reader, &log).await;
    // It is told that there is no such file, and followed when there is one.
    reader.until("a reason", |state| matches!(state.logs.status(&log), Some(LogStatus::Unreadable(_)))).await;
    docker(&["exec", id.as_str(), "sh", "-c", ": > /tmp/go"]);
    reader.until("the end", |state| has(state, "the end")).await;
    assert_eq!(reader.supervisor.state().logs.dropped(), 0);
    let all = numbers(&reader);
    let wanted: Vec<u32> = (all[0]..=1500 * rotations).collect();
    // A file that is opened shows its last 200 lines, so the first look decides where it begins.
    assert!(all[0] <= 1500, "from {}", all[0]);
    assert_eq!(all, wanted);
    let seams = reader.remarks().iter().filter(|words| words.starts_with("rotated")).count();
    assert_eq!(seams as u32, rotations, "{:?}", reader.remarks());
}

#[tokio::test]
async fn a_file_that_is_renamed_is_followed_in_place() {
    rotated_as("file-rename", None, RENAME, 4, "usleep 60000").await;
}

#[tokio::test]
async fn a_file_that_is_copied_and_cut_is_followed_in_place() {
    rotated_as("file-cut", None, COPY_TRUNCATE, 4, "usleep 60000").await;
}

#[tokio::test]
async fn a_file_that_is_renamed_is_followed_through_the_engine() {
    rotated_as("file-rename-far", Some(far_away().await), RENAME, 2, "usleep 400000").await;
}

#[tokio::test]
async fn a_file_that_is_copied_and_cut_is_followed_through_the_engine() {
    rotated_as("file-cut-far", Some(far_away().await), COPY_TRUNCATE, 2, "usleep 400000").await;
}

#[tokio::test]
async fn a_stopped_container_shows_its_file_and_goes_on_when_it_starts() {
    let stack = Stack::new("file-stopped");
    let volume = "stackdash-logs-file-stopped";
    let _ = std::process::Command::new("docker").args(["volume", "rm", volume]).output();
    docker(&["volume", "create", "--label", "stackdash.test=1", volume]);
    let mount = format!("{volume}:/data");
    let script = "for i in $(seq 1 300); do n=$(($(cat /data/n 2>/dev/null || echo 0)+1)); echo $n > /data/n; \
                  echo line $n >> /data/app.log; done; [ $n -ge 600 ] && exec sleep 1000; exit 0";
    let id = stack.run("writer", 1, &["-v", &mount], script);
    while docker(&["inspect", "-f", "{{.State.Running}}", id.as_str()]) == "true" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let log = LogSource::file(id.clone(), "/data/app.log".into());
    let mut reader = Reader::start(&stack);
    follow(&mut reader, &log).await;
    reader.until("the stopped one's end", |state| state.logs.status(&log) == Some(&LogStatus::Ended)).await;
    assert_eq!(numbers(&reader), (101..=300).collect::<Vec<_>>(), "the last 200 lines");
    docker(&["start", id.as_str()]);
    reader.until("the end", |state| has(state, "line 600")).await;
    assert_eq!(numbers(&reader), (101..=600).collect::<Vec<_>>());
    // The past is read as well.
    reader.supervisor.submit(stackdash::command::Command::LoadOlderLogs(vec![log.clone()]));
    reader.until("the first line", |state| has(state, "line 1")).await;
    assert_eq!(numbers(&reader), (1..=600).collect::<Vec<_>>());
    // The container that takes its place has the same file.
    docker(&["rm", "-f", id.as_str()]);
    let again = stack.run("writer", 1, &["-v", &mount], "echo line 601 >> /data/app.log; exec sleep 1000");
    let log = LogSource::file(again.clone(), "/data/app.log".into());
    reader.until("the new one", |state| state.containers.get(&again).is_some()).await;
    reader.known.insert(log);
    reader.until("one more", |state| has(state, "line 601")).await;
    assert_eq!(numbers(&reader), (1..=601).collect::<Vec<_>>());
    drop(stack);
    docker(&["volume", "rm", volume]);
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let stack = Stack::new("file-odd");
    let script = "busybox mkdir /tmp/folder; busybox cp /bin/busybox /tmp/program; busybox mkfifo /tmp/pipe; \
                  busybox ln -s /etc/shadow /tmp/outside; echo inside > /etc/shadow; exec sleep 1000";
    let id = stack.run("odd", 1, &[], script);
    for url in [None, Some(far_away().await)] {
        let mut reader = match url {
            Some(url) => Reader::through(url, &stack),
            None => Reader::start(&stack),
        };
        for (file, why) in [
            ("/tmp/nowhere", "there is no"),
            ("/tmp/folder", "is a folder"),
            ("/tmp/program", "no text"),
            ("/tmp/pipe", "no regular file"),
        ] {
            let log = LogSource::file(id.clone(), file.into());
            follow(&mut reader, &log).await;
            let told = |state: &stackdash::state::State| match state.logs.status(&log) {
                Some(LogStatus::Unreadable(told)) => told.contains(why),
                _ => false,
            };
            reader.until(&format!("{file}: {why}"), told).await;
        }
        // A link leads to a file of the container, never to one of this machine.
        let log = LogSource::file(id.clone(), "/tmp/outside".into());
        follow(&mut reader, &log).await;
        reader.until("the container's own file", |state| has(state, "inside")).await;
        let lines = reader.lines().filter(|line| line.stream == LogStream::File).count();
        assert_eq!(lines, 1);
    }
}

/// The whole way: a stack's own file, the command line, text and JSON.
#[tokio::test]
async fn the_command_prints_a_file_beside_the_output() {
    let stack = Stack::new("file-cli");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    std::fs::write(
        folder.path().join("compose.yaml"),
        format!("name: {}\nservices:\n  gateway:\n    image: {}\n", stack.0, image()),
    )
    .unwrap();
    std::fs::write(
        folder.path().join("stackdash.toml"),
        "[[log]]\nservice = \"gateway\"\nfile = \"/tmp/gateway.log\"\n",
    )
    .unwrap();
    let labels = [
        format!("com.docker.compose.project.working_dir={path}"),
        format!("com.docker.compose.project.config_files={path}/compose.yaml"),
    ];
    let script =
        "echo printed; echo '2001-02-03T04:05:06Z ERROR written' > /tmp/gateway.log; exec sleep 1000";
    stack.run("gateway", 1, &["--label", &labels[0], "--label", &labels[1]], script);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let logs = |arguments: &[&str]| {
        let out = assert_cmd::Command::cargo_bin("stackdash")
            .unwrap()
            .args(["logs", "--project-name", &stack.0])
            .args(arguments)
            .output()
            .unwrap();
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap()
    };
    let text = logs(&[]);
    assert!(text.contains("gateway·gateway.log │ 2001-02-03T04:05:06Z ERROR written"), "{text}");
    let json = logs(&["--format", "json"]);
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first["source"], "/tmp/gateway.log");
    assert_eq!(first["at"], "2001-02-03T04:05:06.000Z");
    assert_eq!((&first["stream"], &first["level"]), (&"file".into(), &"error".into()));
    let second: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["message"], "printed");
    assert!(second.get("source").is_none());
}
