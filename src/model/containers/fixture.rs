//! A container for tests: it runs, has no check, no labels and nothing else worth telling. What a test is
//! about it says itself.

use crate::model::containers::{Container, ContainerId, RunState};
use crate::model::health::Health;

/// Returns a running container without a name.
pub fn running() -> Container {
    Container {
        id: ContainerId::new(""),
        name: "".into(),
        image: "".into(),
        image_id: String::new(),
        compose: None,
        run: RunState::Running,
        health: Health::None,
        health_log: Vec::new(),
        failing_streak: 0,
        health_settings: None,
        exit_code: None,
        oom_killed: false,
        error: String::new(),
        restart_count: 0,
        restart_policy: String::new(),
        stop_signal: 15,
        stop_timeout_s: 10,
        pid: None,
        created_at: None,
        started_at: None,
        finished_at: None,
        ports: Vec::new(),
        mounts: Vec::new(),
        networks: Vec::new(),
        network_mode: String::from("bridge"),
        env: Vec::new(),
        command: String::new(),
        user: String::new(),
        tty: false,
        stdin_open: false,
        memory_limit: None,
        log_driver: String::from("json-file"),
    }
}
