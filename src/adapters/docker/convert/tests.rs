use super::*;

fn recorded(name: &str) -> Value {
    let path = format!("{}/fixtures/docker/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn converted(name: &str) -> Container {
    container(&recorded(name)).unwrap()
}

fn bare(more: Value) -> Container {
    let mut inspection = json!({"Id": "c0ffee"});
    inspection.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container(&inspection).unwrap()
}

#[test]
fn what_a_running_container_shows_is_read() {
    let c = converted("running");
    assert_eq!(&*c.name, "demo-running");
    assert_eq!((&*c.image, c.run, c.health), ("stackdash-test/busybox:1", RunState::Running, Health::None));
    assert_eq!(c.command, "sh -c \"exec sleep 1000\"");
    let ports: Vec<String> = c.ports.iter().map(Port::to_string).collect();
    assert_eq!(ports, ["127.0.0.1:18081->80/tcp", "0.0.0.0:18082->81/udp", "[::]:18082->81/udp"]);
    let mounts: Vec<_> = c
        .mounts
        .iter()
        .map(|m| (m.kind.as_str(), m.source.as_str(), m.destination.as_str(), m.writable))
        .collect();
    assert_eq!(mounts, [("volume", "data", "/data", true), ("bind", "/srv/fx", "/host", false)]);
    assert!(c.env.contains(&(String::from("PLAIN"), String::from("yes"))));
    assert_eq!((c.networks[0].name.as_str(), c.networks[0].ip.is_empty()), ("bridge", false));
    assert_eq!((c.memory_limit, c.compose.as_ref(), c.finished_at, c.exit_code), (None, None, None, None));
    assert!(c.pid.is_some() && c.started_at.is_some() && !c.tty);
    assert_eq!((c.stop_signal, c.stop_timeout_s, c.log_driver.as_str()), (15, 10, "json-file"));
    assert!(converted("tty").tty);
    assert_eq!(converted("oom").memory_limit, Some(16 << 20));
}

#[test]
fn an_exit_code_is_known_only_of_what_has_ended() {
    for (name, expected) in [
        ("created", None),
        ("running", None),
        ("paused", None),
        ("restarting", Some(3)),
        ("exited-0", Some(0)),
        ("exited-137", Some(137)),
        ("dead", Some(1)),
        ("badcmd", Some(127)),
    ] {
        assert_eq!(converted(name).exit_code, expected, "{name}");
    }
    assert!(converted("oom").oom_killed);
    assert!(converted("badcmd").error.contains("no such file or directory"));
    assert!(converted("restarting").restart_count > 0);
}

#[test]
fn health_comes_with_its_log_and_its_settings() {
    let c = converted("unhealthy");
    let last = c.health_log.last().unwrap();
    assert_eq!((last.exit_code, last.output.as_str()), (1, "connection refused"));
    assert!(c.failing_streak >= 2 && last.duration_ms > 0);
    assert!(c.health_log.is_sorted_by_key(|check| check.at));
    let settings = c.health_settings.unwrap();
    assert_eq!(settings.test, "echo \"connection refused\"; exit 1");
    assert_eq!((settings.interval, settings.timeout), (Duration::from_secs(1), DEFAULT_INTERVAL));
    assert_eq!((settings.start_period, settings.retries), (Duration::ZERO, 2));
    let none = bare(json!({"Config": {"Healthcheck": {"Test": ["NONE"]}}}));
    assert_eq!(none.health_settings, None);
    let bare_check = bare(json!({"Config": {"Healthcheck": {"Test": ["CMD", "curl", "a b"]}}}));
    let settings = bare_check.health_settings.unwrap();
    assert_eq!((settings.test.as_str(), settings.retries), ("curl \"a b\"", DEFAULT_RETRIES));
}

#[test]
fn compose_facts_come_from_the_labels() {
    let c = converted("compose-api");
    let compose = c.compose.unwrap();
    assert_eq!((&*compose.project, &*compose.service, compose.number), ("shop", "api", 1));
    assert_eq!(compose.config_files, ["/srv/shop/compose.yml"]);
    assert_eq!(compose.depends_on.len(), 2);
    assert_eq!((c.stop_signal, c.stop_timeout_s), (10, 3));
    // What Compose writes where nothing was said differs from `restart: "no"`.
    assert_eq!(converted("compose-migrations").restart_policy, "");
    assert_eq!(converted("compose-seed").restart_policy, "no");
}

#[test]
fn stop_signals_are_names_or_numbers() {
    for (given, expected) in [
        (json!("SIGINT"), 2),
        (json!("quit"), 3),
        (json!("9"), 9),
        (json!(12), 12),
        (json!("SIGRTMIN+3"), 37),
        (json!(""), 15),
        (json!("SIGNONSENSE"), 15),
        (json!(-4), 15),
        (json!(null), 15),
    ] {
        assert_eq!(stop_signal(&given), expected, "{given}");
    }
}

#[test]
fn podmans_words_are_understood() {
    let run = |word: &str| bare(json!({"State": {"Status": word}})).run;
    assert_eq!(run("configured"), RunState::Created);
    assert_eq!(run("initialized"), RunState::Created);
    assert_eq!(run("stopped"), RunState::Exited);
    assert_eq!(run("molten"), RunState::Unknown);
    let health = json!({"State": {"Status": "running", "Healthcheck": {"Status": "healthy"}}});
    assert_eq!(bare(health).health, Health::Healthy);
}

#[test]
fn odd_fields_cost_only_themselves() {
    let c = bare(json!({
        "Name": ["?"],
        "Created": 12,
        "State": {"Status": "exited", "ExitCode": "2", "Health": null, "StartedAt": "yesterday"},
        "Config": {"Env": {"A": "B"}, "Labels": [], "StopTimeout": "7"},
        "NetworkSettings": {"Ports": {"x/tcp": [], "5/udp": [{"HostPort": ""}]}, "Networks": 3},
        "Mounts": "none",
    }));
    assert_eq!((&*c.name, c.exit_code, c.started_at, c.stop_timeout_s), ("c0ffee", Some(2), None, 7));
    assert_eq!(c.ports.iter().map(Port::to_string).collect::<Vec<_>>(), ["5/udp"]);
    assert_eq!(container(&json!({"Id": "../etc"})), None);
    assert_eq!(container(&json!(null)), None);
}

#[test]
fn escape_sequences_never_get_in() {
    let c = bare(json!({
        "Name": "/a\u{1b}]0;b\u{7}",
        "Config": {"Env": ["K\u{1b}[2J=v\u{9b}x"], "Labels": {
            "com.docker.compose.project": "p\u{1b}[31m", "com.docker.compose.service": "s\n"}},
        "State": {"Status": "created", "Error": "one\ntwo\u{1b}c"},
    }));
    let compose = c.compose.unwrap();
    let all = format!("{}{:?}{}{}{}", c.name, c.env, compose.project, compose.service, c.error);
    assert!(!all.contains(|c: char| c.is_control()), "{all:?}");
}

#[test]
fn a_line_of_the_list_will_do_where_the_inspection_fails() {
    let c = container_of_summary(&json!({
        "Id": "c0ffee",
        "Names": ["/shop-api-1"],
        "Image": "shop",
        "State": "running",
        "Status": "Up 2 minutes (unhealthy)",
        "Created": 1_790_000_000,
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 9, "Type": "udp"}],
        "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "api"},
    }))
    .unwrap();
    assert_eq!((&*c.name, c.run, c.health), ("shop-api-1", RunState::Running, Health::Unhealthy));
    assert_eq!(c.ports.iter().map(Port::to_string).collect::<Vec<_>>(), ["9/udp", "0.0.0.0:8080->80/tcp"]);
    assert!(c.compose.is_some() && c.created_at.is_some() && c.exit_code.is_none());
    let ended =
        container_of_summary(&json!({"Id": "a", "State": "exited", "Status": "Exited (137) 2 hours ago"}));
    assert_eq!(ended.unwrap().exit_code, Some(137));
}

#[test]
fn the_list_alone_is_believed_only_where_it_leaves_no_doubt() {
    let line = |state: &str, status: &str| json!({"Id": "a", "State": state, "Status": status, "HostConfig": {"NetworkMode": "shop_default"}});
    for (state, status) in [
        ("running", "Up 2 minutes"),
        ("running", "Up About a minute (healthy)"),
        ("running", "Up 3 days (health: starting)"),
        ("paused", "Up 4 hours (Paused)"),
    ] {
        assert!(tells_state(&line(state, status)), "{status}");
    }
    for (state, status) in [
        // It may have crashed a moment ago, for the third time.
        ("running", "Up 9 seconds"),
        ("running", "Up Less than a second"),
        ("running", "Up 2 minutes (unhealthy)"),
        ("running", ""),
        ("exited", "Exited (0) 2 hours ago"),
        ("exited", "Exited (137) 9 minutes ago"),
        ("restarting", "Restarting (1) 5 seconds ago"),
        ("created", "Created"),
        ("dead", "Dead"),
        ("removing", "Removal In Progress"),
    ] {
        assert!(!tells_state(&line(state, status)), "{state} {status}");
    }
    // Podman's lines say nothing of health.
    let mut podman = line("running", "Up 2 minutes");
    podman["NetworkingConfig"] = json!({"EndpointsConfig": {}});
    assert!(!tells_state(&podman));
    assert!(!tells_state(&json!({"Id": "a", "State": "running", "Status": "Up 2 minutes"})));
    assert!(!tells_state(&json!(null)));
}
