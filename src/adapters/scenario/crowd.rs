//! Scenarios of any size, written by a loop.

use std::fmt::Write;

/// Writes a scenario of so many stacks with so many services each, most of them well.
pub fn crowd(stacks: u32, services: u32) -> String {
    let mut text = String::from(
        r#"[engine]
cpus = 64
memory = "512GiB"
seed = 1000

[logs.plain]
lines = [
  { text = "handled request {id} in {ms} ms", level = "info", weight = 9 },
  { text = "queue is {n} long", level = "warn" },
]
"#,
    );
    for stack in 0..stacks {
        let _ = write!(text, "\n[[stack]]\nname = \"crowd-{stack:03}\"\n");
        for service in 0..services {
            let number = stack * services + service;
            let _ = write!(
                text,
                "[[stack.service]]\nname = \"service-{service:03}\"\nimage = \"crowd/service:{service}\"\n\
                 command = \"serve\"\nrestart = \"unless-stopped\"\nlog = \"plain\"\nlog_rate = 0.2\n"
            );
            if service > 0 {
                let _ = writeln!(text, "depends_on = {{ service-{:03} = \"started\" }}", service - 1);
            }
            if number.is_multiple_of(3) {
                text.push_str("health = { test = \"true\", interval = \"30s\" }\n");
            }
            match number % 100 {
                41 => text.push_str("begins = { sick = \"HTTP 503\" }\n"),
                67 => text.push_str("begins = { state = \"exited\", exit_code = 1 }\n"),
                83 => text.push_str("begins = { state = \"exited\", on_request = true }\n"),
                _ => {}
            }
        }
    }
    text
}
