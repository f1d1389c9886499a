//! Longer answers of the engine, each made of one look at the world: pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::adapters::scenario::member::Member;
use crate::adapters::scenario::random::mix;
use crate::adapters::scenario::world::World;
use crate::event::ProcessTable;
use crate::model::containers::{Container, RunState};
use crate::model::host::{DiskUsageRow, EngineDiskUsage};

/// Writes an inspection in the shape that Docker gives it.
pub fn inspect_text(container: &Container) -> Vec<String> {
    let labels = container.compose.as_ref().map_or_else(
        || json!({}),
        |compose| {
            json!({
                "com.docker.compose.project": &*compose.project,
                "com.docker.compose.service": &*compose.service,
                "com.docker.compose.container-number": compose.number.to_string(),
                "com.docker.compose.oneoff": "False",
                "com.docker.compose.project.config_files": compose.config_files.join(","),
                "com.docker.compose.project.working_dir": compose.working_dir,
                "com.docker.compose.config-hash": compose.config_hash,
                "com.docker.compose.version": compose.version,
                "com.docker.compose.depends_on": compose
                    .depends_on
                    .iter()
                    .map(|dep| format!("{}:{}:false", dep.service, dep.condition.word()))
                    .collect::<Vec<_>>()
                    .join(","),
            })
        },
    );
    let time = |at: Option<jiff::Timestamp>| {
        at.map_or_else(|| String::from("0001-01-01T00:00:00Z"), |at| format!("{at:.9}"))
    };
    let mut state = json!({
        "Status": container.run.word(),
        "Running": container.run.is_up() || container.run == RunState::Restarting,
        "Paused": container.run == RunState::Paused,
        "Restarting": container.run == RunState::Restarting,
        "OOMKilled": container.oom_killed,
        "Pid": container.pid.unwrap_or(0),
        "ExitCode": container.exit_code.unwrap_or(0),
        "Error": container.error,
        "StartedAt": time(container.started_at),
        "FinishedAt": time(container.finished_at),
    });
    if container.health_settings.is_some() {
        state["Health"] = json!({
            "Status": container.health.word(),
            "FailingStreak": container.failing_streak,
            "Log": container
                .health_log
                .iter()
                .map(|check| json!({
                    "Start": time(check.at),
                    "ExitCode": check.exit_code,
                    "Output": check.output,
                }))
                .collect::<Vec<_>>(),
        });
    }
    let mut config = json!({
        "User": container.user,
        "Tty": container.tty,
        "Env": container.env.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
        "Cmd": container.command.split_whitespace().collect::<Vec<_>>(),
        "Image": &*container.image,
        "Labels": labels,
    });
    if let Some(settings) = &container.health_settings {
        config["Healthcheck"] = json!({
            "Test": ["CMD-SHELL", settings.test],
            "Interval": settings.interval.as_nanos() as u64,
            "Timeout": settings.timeout.as_nanos() as u64,
            "StartPeriod": settings.start_period.as_nanos() as u64,
            "Retries": settings.retries,
        });
    }
    let ports: BTreeMap<String, Value> = container
        .ports
        .iter()
        .map(|port| {
            let binding = port.host_port.map(|host_port| {
                json!([{ "HostIp": port.host_ip.as_deref().unwrap_or("0.0.0.0"), "HostPort": host_port.to_string() }])
            });
            (format!("{}/{}", port.container_port, port.protocol), binding.unwrap_or(Value::Null))
        })
        .collect();
    let networks: BTreeMap<&str, Value> = container
        .networks
        .iter()
        .map(|net| (&*net.name, json!({ "IPAddress": net.ip, "Aliases": net.aliases })))
        .collect();
    let document = json!({
        "Id": container.id.as_str(),
        "Created": time(container.created_at),
        "Name": format!("/{}", container.name),
        "RestartCount": container.restart_count,
        "Image": container.image_id,
        "State": state,
        "HostConfig": {
            "NetworkMode": container.network_mode,
            "RestartPolicy": { "Name": container.restart_policy, "MaximumRetryCount": 0 },
            "Memory": container.memory_limit.unwrap_or(0),
            "LogConfig": { "Type": container.log_driver, "Config": {} },
        },
        "Mounts": container
            .mounts
            .iter()
            .map(|mount| json!({
                "Type": mount.kind,
                "Source": mount.source,
                "Destination": mount.destination,
                "RW": mount.writable,
            }))
            .collect::<Vec<_>>(),
        "Config": config,
        "NetworkSettings": { "Ports": ports, "Networks": networks },
    });
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Writes a process table: the first process, and the others as its children.
pub fn processes(member: &Member, pid: u32) -> ProcessTable {
    let container = &member.container;
    let user = if container.user.is_empty() { "root" } else { &container.user };
    let began = container.started_at.map_or_else(String::new, |at| at.strftime("%H:%M").to_string());
    let own = [container.command.clone()];
    let commands = if member.script.processes.is_empty() { &own[..] } else { &member.script.processes };
    let rows = commands
        .iter()
        .enumerate()
        .map(|(index, command)| {
            let index = index as u32;
            let parent = if index == 0 { pid - 21 } else { pid };
            let spent = mix(&[member.seed, u64::from(index)]) % 95;
            vec![
                user.to_owned(),
                (pid + index * 7).to_string(),
                parent.to_string(),
                String::from("0"),
                began.clone(),
                String::from("?"),
                format!("00:{:02}:{:02}", spent / 60, spent % 60),
                command.clone(),
            ]
        })
        .collect();
    let titles = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
    ProcessTable { titles: titles.map(str::to_owned).to_vec(), rows }
}

/// Adds up what the containers, their images and volumes would take.
pub fn disk_usage(world: &World) -> EngineDiskUsage {
    let mut images: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    let mut volumes: BTreeMap<&str, u64> = BTreeMap::new();
    for member in &world.members {
        let image = images.entry(&member.container.image).or_insert((member.script.image_size.0, false));
        image.1 |= member.is_up();
        for mount in member.container.mounts.iter().filter(|mount| mount.kind == "volume") {
            volumes.insert(&mount.source, 4_000_000 + mix(&[member.seed, 61]) % 900_000_000);
        }
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let running = world.members.iter().filter(|member| member.is_up()).count();
    // A few images of earlier builds lie about, as they do.
    let (old_images, old_bytes) = (3, 612_000_000);
    EngineDiskUsage {
        images: DiskUsageRow {
            count: count(images.len()) + old_images,
            active: count(images.values().filter(|(_, used)| *used).count()),
            bytes: images.values().map(|(bytes, _)| bytes).sum::<u64>() + old_bytes,
            reclaimable_bytes: old_bytes,
        },
        containers: DiskUsageRow {
            count: count(world.members.len()),
            active: count(running),
            bytes: world.members.len() as u64 * 1_310_000,
            reclaimable_bytes: (world.members.len() - running) as u64 * 1_310_000,
        },
        volumes: DiskUsageRow {
            count: count(volumes.len()) + 1,
            active: count(volumes.len()),
            bytes: volumes.values().sum::<u64>() + 48_000_000,
            reclaimable_bytes: 48_000_000,
        },
        build_cache: DiskUsageRow {
            count: 87,
            active: 0,
            bytes: 1_934_000_000,
            reclaimable_bytes: 1_934_000_000,
        },
    }
}
