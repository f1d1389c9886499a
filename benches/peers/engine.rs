//! The engine, asked over its socket without a client between, so that a call costs what it costs.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Sends one request and returns the answer's body and how long it took.
pub fn ask(method: &str, path: &str) -> (Vec<u8>, Duration) {
    let socket = std::env::var("DOCKER_HOST").unwrap_or_default();
    let socket = socket.strip_prefix("unix://").unwrap_or("/var/run/docker.sock");
    let begin = Instant::now();
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: engine\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let took = begin.elapsed();
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(0, |at| at + 4);
    (answer.split_off(head), took)
}

/// Runs `docker`; words of an error go to nobody, for things may rightly be gone.
pub fn docker(arguments: &[&str]) -> String {
    let out = Command::new("docker").args(arguments).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}
