//! Logs read from a real engine's own files: the same lines as through its API, and the API wherever there is
//! a doubt. Behind the feature `live`. Who may not read those files (anybody but root, mostly) sees the second
//! half only.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use stackdash::adapters::docker::DockerEngine;
use stackdash::config::LogWay;
use stackdash::model::containers::ContainerId;
use stackdash::model::logs::{LogLine, LogStream};
use stackdash::ports::{Engine, LogRequest};

use crate::engine_fake::engine_at;
use crate::logs_live::{Stack, docker};
use crate::proxy::Proxy;

const SOCKET: &str = "/var/run/docker.sock";

/// An engine whose requests are seen.
struct Seen {
    proxy: Proxy,
    engine: DockerEngine,
}

impl Seen {
    async fn by(way: LogWay) -> Self {
        let proxy = Proxy::open(Path::new(SOCKET));
        let engine = engine_at(proxy.url()).with_logs(way);
        engine.connect().await.unwrap();
        Self { proxy, engine }
    }

    fn asked_for_logs(&self) -> usize {
        self.proxy.asked().iter().filter(|line| line.contains("/logs?")).count()
    }

    async fn read(&self, id: &ContainerId, request: &LogRequest) -> Vec<LogLine> {
        let batches = self.engine.logs(id, request.clone()).map(Result::unwrap).concat();
        tokio::time::timeout(Duration::from_mins(1), batches).await.expect("the log's end")
    }
}

fn file_of(id: &ContainerId) -> PathBuf {
    docker(&["inspect", "-f", "{{.LogPath}}", id.as_str()]).into()
}

/// Whether we may read logs in place at all.
fn is_allowed(id: &ContainerId) -> bool {
    let allowed = std::fs::File::open(file_of(id)).is_ok();
    assert!(allowed || !rustix::process::geteuid().is_root(), "root may");
    allowed
}

async fn until_written(id: &ContainerId, last: &str) {
    for _ in 0..600 {
        if docker(&["logs", "--tail", "1", id.as_str()]).trim_end().ends_with(last) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never written: {last}");
}

fn request(tail: u32) -> LogRequest {
    LogRequest { tail, ..LogRequest::default() }
}

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.text()).collect()
}

/// Everything that a log can hold. The engine takes the two outputs one beside the other: only after a rest is
/// the last line the last one of its file.
const ODD: &str = "echo out; echo err >&2; echo; printf 'bad \\377\\300 <&> \\033[31mred\\033[0m \\t\\001\\r\\n'; \
    printf 'caf\\303\\251 \\342\\200\\250 \"quoted\" \\\\ back\\n'; \
    for n in 16383 16384 16385 40000 100000; do head -c $n /dev/zero | tr '\\0' x; echo; done; \
    i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; [ $((i % 7)) -eq 0 ] && echo warn $i >&2; done; \
    printf 'no newline'; echo; sleep 1; echo the end; ";

#[tokio::test]
async fn both_ways_tell_the_same_lines() {
    let stack = Stack::new("same");
    let rotated = ["--log-opt", "max-size=60k", "--log-opt", "max-file=4"];
    let attributes =
        ["--log-opt", "max-size=100m", "--log-opt", "max-file=2", "--log-opt", "labels=stackdash.test"];
    let in_place = Seen::by(LogWay::Auto).await;
    let by_engine = Seen::by(LogWay::Api).await;
    for (name, options, tty) in [
        ("rotated", rotated.to_vec(), false),
        ("attributes", attributes.to_vec(), false),
        ("terminal", [&["-t"], &rotated[..]].concat(), true),
    ] {
        let id = stack.run(name, 1, &options, &format!("{ODD} exec sleep 1000"));
        until_written(&id, "the end").await;
        let all = LogRequest { tty, ..request(1_000_000) };
        let lines = by_engine.read(&id, &all).await;
        assert!(lines.len() > 1_000, "{name}: {}", lines.len());
        let middle = lines[lines.len() / 2].at;
        let late = lines[lines.len() - 100].at;
        let a_bit = SignedDuration::from_nanos(1);
        let mut requests = vec![all.clone()];
        requests.extend([0, 1, 2, 10, 999, 3_000].map(|tail| LogRequest { tail, ..all.clone() }));
        requests.extend(
            [middle, middle + a_bit, middle - a_bit].map(|at| LogRequest { since: Some(at), ..all.clone() }),
        );
        requests.extend([middle, middle - a_bit].map(|at| LogRequest { until: Some(at), ..all.clone() }));
        requests.push(LogRequest { since: Some(middle), until: Some(late), ..all.clone() });
        requests.push(LogRequest { since: Some(late), ..LogRequest { tail: 200, ..all.clone() } });
        for request in requests {
            let asked = in_place.asked_for_logs();
            let (own, engines) = (in_place.read(&id, &request).await, by_engine.read(&id, &request).await);
            assert_eq!(own.len(), engines.len(), "{name}: {request:?}");
            let odd = own.iter().zip(&engines).find(|(own, engines)| own != engines);
            assert!(odd.is_none(), "{name}: {request:?}: {odd:?}");
            if is_allowed(&id) {
                assert_eq!(in_place.asked_for_logs(), asked, "{name}: the engine was asked");
            }
        }
    }
}

#[tokio::test]
async fn a_followed_log_is_complete_when_its_container_has_ended() {
    let stack = Stack::new("ended");
    let seen = Seen::by(LogWay::Auto).await;
    for (number, end) in ["exit 3", "kill -9 $$", "printf last; exit 0"].into_iter().enumerate() {
        let script = format!("sleep 1; seq 1 5000; {end}");
        let id = stack.run(
            "short",
            number as u32 + 1,
            &["--log-opt", "max-size=50k", "--log-opt", "max-file=9"],
            &script,
        );
        let lines = seen.read(&id, &LogRequest { follow: true, ..request(10) }).await;
        let mut wanted: Vec<String> = (1..=5000).map(|n| n.to_string()).collect();
        wanted.extend((number == 2).then(|| String::from("last")));
        assert_eq!(texts(&lines), wanted, "{end}");
        if is_allowed(&id) || docker(&["info", "-f", "{{.LoggingDriver}}"]) != "json-file" {
            assert_eq!(seen.asked_for_logs(), 0, "{:?}", seen.proxy.asked());
        }
    }
    // What is started again by the engine has ended as well.
    let script = "sleep 0.5; seq 1 100; exit 1";
    let id = stack.run("again", 1, &["--restart", "always"], script);
    let lines = seen.read(&id, &LogRequest { follow: true, ..request(0) }).await;
    assert_eq!(lines.len(), 100, "one life");
    // Removed while it is read.
    let id = stack.run("removed", 1, &[], "while :; do echo x; usleep 10000; done");
    let removal = tokio::task::spawn_blocking({
        let id = id.clone();
        move || {
            std::thread::sleep(Duration::from_secs(1));
            docker(&["rm", "-f", id.as_str()])
        }
    });
    let lines = seen.read(&id, &LogRequest { follow: true, ..request(0) }).await;
    removal.await.unwrap();
    assert!(lines.len() > 20);
}

#[tokio::test]
async fn a_log_that_was_emptied_goes_on_and_says_so() {
    let stack = Stack::new("emptied");
    let seen = Seen::by(LogWay::Auto).await;
    let script = "for i in 1 2 3; do echo before $i; done; sleep 2; for i in 1 2 3; do echo after $i; usleep 50000; done";
    let id = stack.run("writer", 1, &["--log-opt", "max-size=100m", "--log-opt", "max-file=2"], script);
    if !is_allowed(&id) {
        return;
    }
    let file = file_of(&id);
    let emptied = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_secs(1));
        OpenOptions::new().write(true).open(file).unwrap().set_len(0).unwrap();
    });
    let lines = seen.read(&id, &LogRequest { follow: true, ..request(100) }).await;
    emptied.await.unwrap();
    let remarks = lines.iter().filter(|line| line.stream == LogStream::Remark).count();
    assert_eq!(remarks, 1);
    let said = texts(&lines);
    assert_eq!(said[..3], ["before 1", "before 2", "before 3"]);
    assert!(said[3].starts_with("the log was emptied"), "{said:?}");
    assert_eq!(said[4..], ["after 1", "after 2", "after 3"]);
}

#[tokio::test]
async fn whatever_is_in_doubt_comes_through_the_engine() {
    let stack = Stack::new("doubt");
    let script = "seq 1 50; echo the end; exec sleep 1000";
    let wanted: Vec<String> = (1..=50).map(|n| n.to_string()).chain([String::from("the end")]).collect();
    let cases: [(&str, &[&str]); 4] = [
        ("local", &["--log-driver", "local"]),
        ("packed", &["--log-opt", "max-size=1m", "--log-opt", "max-file=3", "--log-opt", "compress=true"]),
        ("single", &["--log-opt", "max-size=1m", "--log-opt", "max-file=1"]),
        ("link", &[]),
    ];
    for (name, options) in cases {
        let id = stack.run(name, 1, options, script);
        until_written(&id, "the end").await;
        if name == "link" {
            if !is_allowed(&id) {
                continue;
            }
            let file = file_of(&id);
            let elsewhere = file.with_extension("elsewhere");
            std::fs::rename(&file, &elsewhere).unwrap();
            symlink(&elsewhere, &file).unwrap();
        }
        let seen = Seen::by(LogWay::Auto).await;
        assert_eq!(texts(&seen.read(&id, &request(1_000)).await), wanted, "{name}");
        assert_eq!(seen.asked_for_logs(), 1, "{name}");
    }
    // A container that does not run proves nothing of where it is.
    let id = stack.run("stopped", 1, &[], "echo once");
    docker(&["wait", id.as_str()]);
    let seen = Seen::by(LogWay::Auto).await;
    assert_eq!(texts(&seen.read(&id, &LogRequest { follow: true, ..request(10) }).await), ["once"]);
    assert_eq!(seen.asked_for_logs(), 1);
}

#[tokio::test]
async fn a_doubt_in_the_middle_loses_nothing_and_doubles_nothing() {
    let stack = Stack::new("middle");
    let seen = Seen::by(LogWay::Auto).await;
    let script =
        "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; echo warn $i >&2; usleep 50000; done";
    let id = stack.run("writer", 1, &["--log-opt", "max-size=100m", "--log-opt", "max-file=2"], script);
    if !is_allowed(&id) {
        return;
    }
    let file = file_of(&id);
    // A link takes the log's place: not for us, but the engine follows it.
    let doubted = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(2_500));
        let aside = file.with_extension("aside");
        std::fs::rename(&file, &aside).unwrap();
        symlink(&aside, &file).unwrap();
    });
    let lines = seen.read(&id, &LogRequest { follow: true, ..request(100) }).await;
    doubted.await.unwrap();
    for (stream, word) in [(LogStream::Stdout, "line"), (LogStream::Stderr, "warn")] {
        let own: Vec<_> =
            lines.iter().filter(|line| line.stream == stream).map(|line| line.text.text()).collect();
        assert_eq!(own, (1..=100).map(|n| format!("{word} {n}")).collect::<Vec<_>>());
    }
    assert_eq!(seen.asked_for_logs(), 1, "the engine went on");
}

/// Runs `stackdash logs` and returns what it printed.
fn logs(host: &str, arguments: &[&str], way: &str, user: Option<u32>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackdash"));
    command
        .args(["--host", host, "logs", "-p"])
        .args(arguments)
        .env("STACKDASH_LOGS", way)
        .env("HOME", "/tmp");
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let out = command.output().unwrap();
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_the_same_by_both_ways_and_for_whoever_may_not_read_files() {
    let stack = Stack::new("printed");
    let options = ["--log-opt", "max-size=60k", "--log-opt", "max-file=4"];
    let id = stack.run("writer", 1, &options, &format!("{ODD} exec sleep 1000"));
    until_written(&id, "the end").await;
    let host = format!("unix://{SOCKET}");
    let name = stack.0.as_str();
    let now = Timestamp::now().to_string();
    for arguments in [
        &[name][..],
        &[name, "--tail", "3500", "--timestamps"],
        &[name, "--tail", "1"],
        &[name, "--since", "1h"],
        &[name, "--since", &now],
        &[name, "--tail", "50", "--since", "1h"],
    ] {
        let by_engine = logs(&host, arguments, "api", None);
        assert_eq!(logs(&host, arguments, "auto", None), by_engine, "{arguments:?}");
    }
    // Nobody, through a socket that everybody may open.
    if rustix::process::geteuid().is_root() {
        let proxy = Proxy::open(Path::new(SOCKET));
        let socket = PathBuf::from(proxy.url().trim_start_matches("unix://"));
        for path in [socket.parent().unwrap(), &socket] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
        }
        let (url, mine) = (proxy.url(), name.to_owned());
        let nobodys =
            tokio::task::spawn_blocking(move || logs(&url, &[&mine, "--tail", "300"], "auto", Some(65_534)));
        assert_eq!(nobodys.await.unwrap(), logs(&host, &[name, "--tail", "300"], "api", None));
        assert!(proxy.asked().iter().any(|line| line.contains("/logs?")), "{:?}", proxy.asked());
    }
}

#[tokio::test]
async fn a_record_that_is_none_is_left_to_the_engine() {
    let stack = Stack::new("broken");
    let seen = Seen::by(LogWay::Auto).await;
    let id = stack.run(
        "writer",
        1,
        &["--log-opt", "max-size=100m", "--log-opt", "max-file=2"],
        "seq 1 20; echo the end; exec sleep 1000",
    );
    until_written(&id, "the end").await;
    if !is_allowed(&id) {
        return;
    }
    let mut file = OpenOptions::new().append(true).open(file_of(&id)).unwrap();
    file.write_all(b"\0\0\0 no record\n").unwrap();
    let mut log = seen.engine.logs(&id, request(1_000));
    let mut lines = Vec::new();
    while let Ok(Some(Ok(batch))) = tokio::time::timeout(Duration::from_secs(10), log.next()).await {
        lines.extend(batch);
    }
    let said = texts(&lines);
    assert_eq!((said.len(), said[0], said[20]), (21, "1", "the end"), "{said:?}");
    assert_eq!(seen.asked_for_logs(), 1);
}
