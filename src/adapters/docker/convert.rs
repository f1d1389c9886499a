//! From the engine's inspection to a [`Container`]: cleaned, masked, zero dates gone. Pure.
//!
//! Knows both Docker's and Podman's words; never asks the engine anything.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::adapters::docker::json::{Json, shown};
use crate::adapters::docker::labels;
use crate::model::containers::{Container, ContainerId, Mount, Network, Port, RunState};
use crate::model::health::{Health, HealthCheck, HealthSettings};
use crate::model::stacks::signal_name;
use crate::model::{redact, text};

/// What the engine does where a health check says nothing.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
const DEFAULT_RETRIES: u32 = 3;
const SIGTERM: i32 = 15;
const DEFAULT_STOP_TIMEOUT_S: u32 = 10;

/// Makes a container of an inspection; `None` where it has not even an id.
pub fn container(inspection: &Value) -> Option<Container> {
    let json = Json(inspection);
    let id = Some(json.raw("Id")).filter(|id| is_id(id))?;
    let run = run_state(json.raw("State/Status"));
    let error = shown(json.raw("State/Error"));
    let ended = matches!(run, RunState::Exited | RunState::Dead | RunState::Restarting | RunState::Removing);
    let failed_start = run == RunState::Created && !error.is_empty();
    // Older Podman writes its own name for it.
    let health = if json.at("State/Health").0.is_object() { "State/Health" } else { "State/Healthcheck" };
    Some(Container {
        id: ContainerId::new(id),
        name: Arc::from(name(json.raw("Name"), id)),
        image: Arc::from(json.line("Config/Image")),
        image_id: json.line("Image"),
        compose: labels::read(&name(json.raw("Name"), id), json.at("Config/Labels")),
        run,
        health: Health::parse(json.at(health).raw("Status")),
        health_log: health_log(json.at(health)),
        failing_streak: json.at(health).count("FailingStreak").unwrap_or_default() as u32,
        health_settings: health_settings(json.at("Config/Healthcheck")),
        exit_code: (ended || failed_start).then(|| json.integer("State/ExitCode")).flatten(),
        oom_killed: json.flag("State/OOMKilled"),
        error,
        restart_count: json.count("RestartCount").unwrap_or_default() as u32,
        restart_policy: json.line("HostConfig/RestartPolicy/Name"),
        stop_signal: stop_signal(json.at("Config/StopSignal").0),
        stop_timeout_s: json.count("Config/StopTimeout").map_or(DEFAULT_STOP_TIMEOUT_S, |s| s as u32),
        pid: json.count("State/Pid").filter(|pid| *pid > 0).and_then(|pid| u32::try_from(pid).ok()),
        created_at: json.time("Created"),
        started_at: json.time("State/StartedAt"),
        finished_at: json.time("State/FinishedAt"),
        ports: ports(json.at("NetworkSettings/Ports")),
        mounts: mounts(json),
        networks: networks(json.at("NetworkSettings/Networks")),
        network_mode: json.line("HostConfig/NetworkMode"),
        env: env(json),
        command: command(json),
        user: json.line("Config/User"),
        tty: json.flag("Config/Tty"),
        stdin_open: json.flag("Config/OpenStdin"),
        memory_limit: json.count("HostConfig/Memory").filter(|bytes| *bytes > 0),
        log_driver: json.line("HostConfig/LogConfig/Type"),
    })
}

/// Makes a container of its line in the list, for one that the engine fails to inspect (a damaged
/// layer, say): less is known of it, but it stays in the picture.
pub fn container_of_summary(summary: &Value) -> Option<Container> {
    let json = Json(summary);
    let status = json.raw("Status");
    let between_brackets =
        || status.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inner, _)| inner.trim());
    let health = match between_brackets() {
        Some("healthy") => "healthy",
        Some("unhealthy") => "unhealthy",
        Some("health: starting") => "starting",
        _ => "none",
    };
    let exit_code = between_brackets().and_then(|inner| inner.parse::<i64>().ok());
    let created = json.integer("Created").and_then(|second| jiff::Timestamp::from_second(second).ok());
    let mut ports = serde_json::Map::new();
    for port in json.items("Ports") {
        let key = format!("{}/{}", port.integer("PrivatePort").unwrap_or_default(), port.raw("Type"));
        let published = ports.entry(key).or_insert_with(|| json!([]));
        if let (Some(list), Some(host_port)) = (published.as_array_mut(), port.integer("PublicPort")) {
            list.push(json!({"HostIp": port.raw("IP"), "HostPort": host_port.to_string()}));
        }
    }
    container(&json!({
        "Id": json.raw("Id"),
        "Name": json.texts("Names").next().unwrap_or_default(),
        "Image": json.raw("ImageID"),
        "Created": created.map(|at| at.to_string()),
        "State": {"Status": json.raw("State"), "ExitCode": exit_code, "Health": {"Status": health}},
        "Config": {"Image": json.raw("Image"), "Labels": json.at("Labels").0},
        "HostConfig": {"NetworkMode": json.raw("HostConfig/NetworkMode")},
        "Mounts": json.at("Mounts").0,
        "NetworkSettings": {"Ports": ports, "Networks": json.at("NetworkSettings/Networks").0},
    }))
}

/// Whether the line of a list leaves no doubt about a container's state. How one ended, whether it crashes
/// again and again, and what its check says while it fails, only an inspection tells.
pub fn tells_state(summary: &Value) -> bool {
    let json = Json(summary);
    let status = json.raw("Status");
    // Podman says nothing of health here; its lines have room for settings that Docker's have not.
    let of_docker = !json.raw("HostConfig/NetworkMode").is_empty() && json.at("NetworkingConfig").0.is_null();
    let settled = status.starts_with("Up ") && !status.contains("second");
    let up = matches!(json.raw("State"), "running" | "paused");
    of_docker && up && settled && !status.contains("unhealthy") && is_id(json.raw("Id"))
}

/// Whether this is an id and nothing else: it becomes part of paths.
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Podman has words of its own.
fn run_state(word: &str) -> RunState {
    match word {
        "configured" | "initialized" => RunState::Created,
        "stopping" => RunState::Running,
        "stopped" => RunState::Exited,
        word => RunState::parse(word),
    }
}

fn name(raw: &str, id: &str) -> String {
    let name = text::clean(raw.trim_start_matches('/'));
    if name.is_empty() { id.chars().take(12).collect() } else { name }
}

fn health_log(health: Json<'_>) -> Vec<HealthCheck> {
    health
        .items("Log")
        .map(|entry| {
            let (start, end) = (entry.time("Start"), entry.time("End"));
            let took = start.zip(end).map(|(start, end)| end.duration_since(start).as_millis());
            HealthCheck {
                at: start,
                exit_code: entry.integer("ExitCode").unwrap_or_default(),
                duration_ms: took.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default(),
                output: text::clean_block(&redact::text(entry.raw("Output"))).trim_end().to_owned(),
            }
        })
        .collect()
}

fn health_settings(check: Json<'_>) -> Option<HealthSettings> {
    let test: Vec<&str> = check.texts("Test").collect();
    let test = match test.split_first()? {
        (&"NONE", _) => return None,
        (&("CMD" | "CMD-SHELL"), rest) => command_line(rest),
        _ => command_line(&test),
    };
    // Zero means "the engine's default".
    let nanos = |path| check.count(path).filter(|nanos| *nanos > 0).map(Duration::from_nanos);
    Some(HealthSettings {
        test,
        interval: nanos("Interval").unwrap_or(DEFAULT_INTERVAL),
        timeout: nanos("Timeout").unwrap_or(DEFAULT_INTERVAL),
        start_period: nanos("StartPeriod").unwrap_or_default(),
        retries: check.count("Retries").filter(|n| *n > 0).map_or(DEFAULT_RETRIES, |n| n as u32),
    })
}

/// Images name the signal or give its number, with or without `SIG`.
fn stop_signal(value: &Value) -> i32 {
    let number = match value {
        Value::Number(number) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
        Value::String(word) => {
            let word = word.trim().to_ascii_uppercase();
            let name = if word.starts_with("SIG") { word.clone() } else { format!("SIG{word}") };
            word.parse().ok().or_else(|| real_time_signal(&name)).or_else(|| {
                (1..=31)
                    .find(|number| signal_name(*number) == Some(name.as_str()))
                    .map(|number| number as i32)
            })
        }
        _ => None,
    };
    number.filter(|number| *number > 0).unwrap_or(SIGTERM)
}

/// `SIGRTMIN+3` is what systemd wants to be stopped with.
fn real_time_signal(name: &str) -> Option<i32> {
    let offset = name.strip_prefix("SIGRTMIN")?;
    if offset.is_empty() { Some(34) } else { Some(34 + offset.strip_prefix('+')?.parse::<i32>().ok()?) }
}

fn ports(published: Json<'_>) -> Vec<Port> {
    let Some(ports) = published.0.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    for (key, bindings) in ports {
        let (number, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
        let Ok(container_port) = number.parse() else { continue };
        let port =
            |host_ip, host_port| Port { host_ip, host_port, container_port, protocol: text::clean(protocol) };
        let bindings = bindings.as_array().filter(|list| !list.is_empty());
        let Some(bindings) = bindings else {
            found.push(port(None, None));
            continue;
        };
        for binding in bindings.iter().map(Json) {
            let host_port = binding.integer("HostPort").and_then(|port| u16::try_from(port).ok());
            let host_ip = Some(binding.line("HostIp")).filter(|ip| !ip.is_empty());
            found.push(port(host_ip.filter(|_| host_port.is_some()), host_port));
        }
    }
    found.sort_by(|a, b| {
        (a.container_port, &a.protocol, &a.host_ip).cmp(&(b.container_port, &b.protocol, &b.host_ip))
    });
    found
}

fn mounts(json: Json<'_>) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = json
        .items("Mounts")
        .map(|mount| {
            // A volume's name says more than the folder where the engine keeps it.
            let source = if mount.raw("Name").is_empty() { "Source" } else { "Name" };
            Mount {
                kind: mount.line("Type"),
                source: mount.line(source),
                destination: mount.line("Destination"),
                writable: mount.flag("RW"),
            }
        })
        .collect();
    mounts.sort_by(|a, b| a.destination.cmp(&b.destination));
    mounts
}

fn networks(networks: Json<'_>) -> Vec<Network> {
    let Some(entries) = networks.0.as_object() else { return Vec::new() };
    let mut found: Vec<Network> = entries
        .iter()
        .map(|(name, network)| Network {
            name: text::clean(name),
            ip: Json(network).line("IPAddress"),
            aliases: Json(network).texts("Aliases").map(text::clean).collect(),
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn env(json: Json<'_>) -> Vec<(String, String)> {
    let pairs = json.texts("Config/Env").map(|entry| entry.split_once('=').unwrap_or((entry, "")));
    pairs.map(|(key, value)| (text::clean(key), text::clean(&redact::env_value(key, value)))).collect()
}

fn command(json: Json<'_>) -> String {
    let path = Some(json.raw("Path")).filter(|path| !path.is_empty());
    let words: Vec<&str> = path.into_iter().chain(json.texts("Args")).collect();
    command_line(&words)
}

/// Joins an argument vector for people; an argument that is more than a word stands in quotes.
fn command_line(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let masked = redact::command(&words);
    // A lone shell line reads best as it was written.
    if let [only] = &masked[..] {
        return text::clean(only);
    }
    let quoted = masked.into_iter().map(|word| {
        let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"');
        if plain { word } else { format!("\"{}\"", word.replace('"', "\\\"")) }
    });
    text::clean(&quoted.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests;
