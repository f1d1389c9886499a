//! The energy dashboard in development: its sources are mounted, what it is installed from is not.

use super::stage::{Watch, stackdash};
use crate::stories::{Story, docker};

fn app(story: &Story) -> String {
    let project = format!("label=com.docker.compose.project={}", story.name);
    docker(&[
        "ps",
        "-q",
        "--no-trunc",
        "--filter",
        &project,
        "--filter",
        "label=com.docker.compose.service=app",
    ])
}

#[test]
fn mounted_sources_reload_themselves_and_a_package_file_rebuilds() {
    let story = Story::of("energy-dashboard");
    story.set("HA_TOKEN", "a-long-lived-token");
    for port in [
        "PORT",
        "MONGODB_EXTERNAL_PORT",
        "QUESTDB_EXTERNAL_HTTP_PORT",
        "QUESTDB_EXTERNAL_ILP_PORT",
        "QUESTDB_EXTERNAL_PG_PORT",
        "MONGO_EXPRESS_PORT",
    ] {
        story.set_port(port);
    }
    story.write(
        "docker-compose.override.yml",
        "services:\n  mongodb: { healthcheck: { interval: 1s }, pull_policy: never }\n  questdb: { pull_policy: never }\n",
    );
    story.up();
    let state = tempfile::tempdir().unwrap();
    let watch = Watch::start(stackdash(story.folder(), state.path(), &["watch", "--format", "json"]));
    watch.says("bind mount, the service reloads itself");
    let id = app(&story);

    let edit = |file: &str| {
        let text = std::fs::read_to_string(story.folder().join(file)).unwrap();
        story.write(file, &format!("{text}\n"));
    };
    // The backend, and the frontend: there at once through the mount, nothing is built.
    edit("web/api/routes/root.js");
    edit("web/frontend/src/main.jsx");
    watch.idle();
    assert!(watch.lines().is_empty(), "{:#?}", watch.lines());
    assert_eq!(app(&story), id);
    let seen = docker(&["exec", &id, "cat", "/app/web/api/routes/root.js"]);
    assert_eq!(
        seen.trim(),
        std::fs::read_to_string(story.folder().join("web/api/routes/root.js")).unwrap().trim()
    );

    // What is installed: of the whole, and of a part whose folder is mounted.
    for file in ["package.json", "web/api/package.json"] {
        let (id, count) = (app(&story), watch.lines().len());
        let format = "{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Name}} {{end}}{{end}}";
        let volumes = docker(&["inspect", "-f", format, &id]);
        edit(file);
        watch.idle();
        let lines = watch.lines();
        let last = lines.last().unwrap_or_else(|| panic!("nothing follows from {file}"));
        assert_eq!((&last["phase"], &last["service"]), (&"ready".into(), &"app".into()), "{last:#?}");
        assert_eq!(last["files"], serde_json::json!([file]));
        assert!(lines.len() > count);
        assert_ne!(app(&story), id);
        let left = docker(&["volume", "ls", "-q"]);
        let nameless: Vec<&str> = volumes.split_whitespace().filter(|name| name.len() == 64).collect();
        assert!(!nameless.is_empty(), "{volumes}");
        assert!(!nameless.iter().any(|name| left.contains(name)), "old volumes are left: {nameless:?}");
    }
}
