//! The hot-reload loop on a real engine: `stackdash watch` beside files that are saved. Behind the feature `live`.

mod energy;
mod stage;

use std::time::{Duration, Instant};

use serde_json::Value;

use stage::{Stage, text_of};

/// A service whose image is the sources and a program that waits.
const APP: &str =
    "FROM stackdash-test/alpine:3\nLABEL stackdash.test=1\nCOPY . /app\nCMD [\"sleep\", \"1000000\"]\n";

fn rules(rules: &str) -> String {
    format!("  app:\n    build: ./app\n    develop:\n      watch:\n{rules}")
}

#[test]
fn each_action_does_what_it_says_and_tells_its_phases() {
    // The program is run in a service of its own: with the storage driver fuse-overlayfs, engines often can run
    // none in a container that was restarted (`docker restart` and `docker exec` alone show it).
    let stage = Stage::new(
        "actions",
        &(rules(
            "        - {path: ./app/src, action: sync, target: /app/src}\n        \
             - {path: ./app/conf, action: sync+restart, target: /etc/app}\n        \
             - {path: ./app/stamp, action: restart}\n        \
             - {path: ./app/package.json, action: rebuild}\n",
        ) + "  hooked:\n    image: stackdash-test/alpine:3\n    command: sleep 1000000\n"),
    );
    stage.write("app/Dockerfile", APP);
    for file in ["app/src/a.txt", "app/conf/x", "app/stamp", "app/package.json", "hooked/h"] {
        stage.write(file, "one");
    }
    stage.write(
        "stackdash.toml",
        "[[watch]]\nservice = \"hooked\"\npath = \"hooked\"\naction = \"sync+exec\"\ntarget = \"/hooked\"\n\
         exec = { command = [\"sh\", \"-c\", \"cat /hooked/h > /tmp/ran; id -u >> /tmp/ran\"], user = \"1234\" }\n",
    );
    stage.up();
    let watch = stage.watch(&[]);

    stage.save("app/src/a.txt", "two");
    let run = watch.ready("sync");
    assert_eq!(stage.read("app", "/app/src/a.txt"), "two");
    assert_eq!(watch.phases(&run), ["noticed", "synced", "ready"]);
    let line = watch.line(&run, "ready");
    assert_eq!((&line["service"], &line["rule"]), (&"app".into(), &"sync ./app/src → /app/src".into()));
    assert_eq!(
        (&line["files"], &line["stack"]),
        (&serde_json::json!(["app/src/a.txt"]), &stage.name.as_str().into())
    );
    assert!(line["duration_ms"].as_i64().unwrap() > 0 && line["detail"].is_null());

    let (id, started) = (stage.id("app"), stage.started("app"));
    stage.save("app/conf/x", "two");
    let run = watch.ready("sync+restart");
    assert_eq!((stage.read("app", "/etc/app/x"), stage.id("app")), (String::from("two"), id.clone()));
    assert_ne!(stage.started("app"), started);
    assert_eq!(watch.phases(&run), ["noticed", "synced", "restarted", "ready"]);

    let started = stage.started("app");
    stage.save("app/stamp", "two");
    let run = watch.ready("restart");
    assert_ne!(stage.started("app"), started);
    assert_eq!(watch.phases(&run), ["noticed", "restarted", "ready"]);
    assert_eq!(stage.id("app"), id);

    stage.save("hooked/h", "hello ");
    watch.ready("sync+exec");
    assert_eq!(stage.read("hooked", "/tmp/ran"), "hello 1234\n");

    stage.save("app/package.json", "two");
    let run = watch.ready("rebuild");
    assert_eq!(watch.phases(&run), ["noticed", "building", "built", "recreated", "ready"]);
    assert_ne!(stage.id("app"), id);
    assert_eq!(stage.read("app", "/app/package.json"), "two");
    let (code, took) = watch.interrupt();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(20));
}

#[test]
fn whatever_is_done_to_a_synced_folder_arrives() {
    let stage = Stage::new(
        "folder",
        &rules("        - {path: ./app/src, action: sync, target: /app/src, ignore: [\"*.log\"]}\n"),
    );
    stage.write("app/Dockerfile", APP);
    for file in ["app/src/a.txt", "app/src/sub/b.txt", "app/src/turns"] {
        stage.write(file, "one");
    }
    stage.up();
    let watch = stage.watch(&[]);

    // Saved as editors do: beside it, then over it.
    stage.save_beside("app/src/a.txt", "two");
    watch.ready("sync");
    assert_eq!(stage.read("app", "/app/src/a.txt"), "two");

    // Rights are kept, links stay links, names may be long.
    let long = format!("app/src/{}/{}.txt", "folder".repeat(12), "name".repeat(20));
    stage.write("app/src/run.sh", "#!/bin/sh\n");
    stage.chmod("app/src/run.sh", 0o750);
    stage.write(&long, "long");
    std::os::unix::fs::symlink("a.txt", stage.path("app/src/link")).unwrap();
    Stage::eventually("all of it is there", || {
        stage.exec("app", &["stat", "-c", "%a", "/app/src/run.sh"]).as_deref() == Some("750")
            && stage.exec("app", &["readlink", "/app/src/link"]).as_deref() == Some("a.txt")
            && stage.exec("app", &["cat", &format!("/{long}")]).as_deref() == Some("long")
    });

    // What is gone here goes there; a file may become a folder and the other way round.
    std::fs::remove_dir_all(stage.path("app/src/sub")).unwrap();
    std::fs::remove_file(stage.path("app/src/turns")).unwrap();
    stage.write("app/src/turns/into", "a folder");
    stage.write("app/src/noise.log", "not meant");
    Stage::eventually("gone and turned", || {
        stage.exec("app", &["cat", "/app/src/sub/b.txt"]).is_none()
            && stage.exec("app", &["cat", "/app/src/turns/into"]).as_deref() == Some("a folder")
    });
    std::fs::remove_dir_all(stage.path("app/src/turns")).unwrap();
    stage.write("app/src/turns", "a file");
    Stage::eventually("turned back", || {
        stage.exec("app", &["cat", "/app/src/turns"]).as_deref() == Some("a file")
    });
    assert_eq!(stage.exec("app", &["cat", "/app/src/noise.log"]), None);
    assert!(watch.lines().iter().all(|line| line["phase"] != "failed"), "{:#?}", watch.lines());

    // A new container has what was copied into the one before.
    let id = stage.id("app");
    stage.compose(&["up", "-d", "--force-recreate"]);
    assert_ne!(stage.id("app"), id);
    Stage::eventually("it is copied again", || {
        stage.exec("app", &["cat", "/app/src/a.txt"]).as_deref() == Some("two")
            && stage.exec("app", &["cat", "/app/src/turns"]).as_deref() == Some("a file")
    });
    assert_eq!(stage.exec("app", &["cat", "/app/src/noise.log"]), None, "what is left out stays here");
}

#[test]
fn without_rules_the_context_is_watched_and_a_burst_costs_two_builds_at_most() {
    let stage = Stage::new(
        "burst",
        "  app:\n    build: ./app\n  twin:\n    build: ./app\n    image: stackdash-test/watch-burst-twin\n",
    );
    stage.write("app/Dockerfile", APP);
    stage.write("app/.dockerignore", "*.md\n");
    stage.write("app/main.txt", "0");
    stage.up();
    let watch = stage.watch(&[]);
    stage.save("app/README.md", "ignored");
    for number in 0..200 {
        stage.save("app/main.txt", &number.to_string());
        std::thread::sleep(Duration::from_millis(10));
    }
    Stage::eventually("the last one runs", || {
        ["app", "twin"]
            .iter()
            .all(|service| stage.exec(service, &["cat", "/app/main.txt"]).as_deref() == Some("199"))
    });
    watch.idle();
    let builds =
        watch.lines().iter().filter(|line| line["phase"] == "building" && line["service"] == "app").count();
    assert!((1..=2).contains(&builds), "{builds} builds");
    assert!(watch.lines().iter().all(|line| !text_of(&line["files"]).contains("README")));
    // Both come from the same sources: one run is about both.
    let runs = |service: &str| -> Vec<Value> {
        let lines = watch.lines();
        lines
            .iter()
            .filter(|line| line["phase"] == "building" && line["service"] == service)
            .map(|line| line["run"].clone())
            .collect()
    };
    assert_eq!(runs("app"), runs("twin"));
    // A touch changes nothing.
    let count = watch.lines().len();
    stage.touch("app/main.txt");
    watch.idle();
    assert_eq!(watch.lines().len(), count);
}

#[test]
fn a_build_that_fails_leaves_the_container_alone_until_the_next_save() {
    let stage = Stage::new("failing", "  app:\n    build: ./app\n");
    stage.write("app/Dockerfile", &APP.replace("COPY", "COPY needed.txt /\nCOPY"));
    stage.write("app/needed.txt", "here");
    stage.up();
    let id = stage.id("app");
    let watch = stage.watch(&["app"]);
    std::fs::remove_file(stage.path("app/needed.txt")).unwrap();
    let run = watch.phase("failed");
    let detail = text_of(&watch.line(&run, "failed")["detail"]);
    assert!(detail.contains("needed.txt"), "{detail}");
    assert_eq!(stage.id("app"), id);
    stage.save("app/needed.txt", "here again");
    watch.phase("ready");
    assert_ne!(stage.id("app"), id);
    assert_eq!(stage.read("app", "/needed.txt"), "here again");
}

#[test]
fn a_service_that_writes_what_it_is_built_from_is_suspended() {
    let stage = Stage::new(
        "loop",
        "  app:\n    build: ./app\n    volumes: [\"./app/gen:/gen\"]\n    develop:\n      watch:\n        \
         - {path: ./app, action: rebuild}\n",
    );
    stage.write(
        "app/Dockerfile",
        &APP.replace("[\"sleep\", \"1000000\"]", "date > /gen/stamp; exec sleep 1000000"),
    );
    stage.write("app/gen/stamp", "none");
    stage.write("app/a", "1");
    stage.up();
    let watch = stage.watch(&[]);
    stage.save("app/a", "2");
    let run = watch.phase("suspended");
    let detail = text_of(&watch.line(&run, "suspended")["detail"]);
    assert!(detail.contains("change their own inputs: app/gen/stamp"), "{detail}");
    watch.idle();
    let builds = watch.lines().iter().filter(|line| line["phase"] == "building").count();
    assert!(builds <= 4, "{builds}");
    stage.save("app/a", "3");
    watch.idle();
    assert_eq!(watch.lines().iter().filter(|line| line["phase"] == "building").count(), builds);
}

#[test]
fn services_on_one_image_are_built_once_and_dependants_follow_if_they_ask() {
    let stage = Stage::new(
        "image",
        "  app:\n    build: ./app\n    image: stackdash-test/watch-image-NAME\n  worker:\n    image: stackdash-test/watch-image-NAME\n    \
         depends_on: [app]\n  proxy:\n    image: stackdash-test/alpine:3\n    command: [\"sleep\", \"1000000\"]\n    \
         depends_on: {app: {condition: service_started, restart: true}}\n  other:\n    image: stackdash-test/alpine:3\n    \
         command: [\"sleep\", \"1000000\"]\n    depends_on: [app]\n",
    );
    stage.write("app/Dockerfile", APP);
    stage.write("app/a", "1");
    stage.up();
    let (proxy, other) = (stage.started("proxy"), stage.started("other"));
    let watch = stage.watch(&[]);
    stage.save("app/a", "2");
    watch.ready("rebuild");
    assert_eq!((stage.read("app", "/app/a"), stage.read("worker", "/app/a")), ("2".into(), "2".into()));
    assert_ne!(stage.started("proxy"), proxy);
    assert_eq!(stage.started("other"), other);
    let services: Vec<String> = watch
        .lines()
        .iter()
        .filter(|line| line["phase"] == "building")
        .map(|line| text_of(&line["service"]))
        .collect();
    assert_eq!(services, ["app", "worker"]);
}

#[test]
fn what_changed_while_nobody_watched_is_offered_and_goes_with_the_next_save() {
    let stage = Stage::new("offered", "  app:\n    build: ./app\n");
    stage.write("app/Dockerfile", APP);
    stage.write("app/a", "1");
    stage.write("app/b", "1");
    stage.up();
    let watch = stage.watch(&[]);
    stage.save("app/a", "2");
    watch.ready("rebuild");
    watch.interrupt();
    stage.save("app/a", "3");
    let watch = stage.watch(&[]);
    watch.says("1 file was changed while nobody watched");
    watch.idle();
    assert_eq!(watch.lines(), Vec::<Value>::new());
    stage.save("app/b", "2");
    let run = watch.ready("rebuild");
    assert_eq!(watch.line(&run, "ready")["files"], serde_json::json!(["app/a", "app/b"]));
    assert_eq!(stage.read("app", "/app/a"), "3");
}

#[test]
fn what_an_image_cannot_do_is_said() {
    let stage = Stage::new("bare", &rules("        - {path: ./app/src, action: sync, target: /app/src}\n"));
    stage.write(
        "app/Dockerfile",
        "FROM stackdash-test/busybox:1\nLABEL stackdash.test=1\nCOPY . /app\nCMD [\"sh\", \"-c\", \"while :; do sleep 1; done\"]\n",
    );
    stage.write("app/src/a", "1");
    stage.up();
    if stage.exec("app", &["rm", "--help"]).is_some() {
        return;
    }
    let watch = stage.watch(&[]);
    stage.save("app/src/b", "2");
    watch.ready("sync");
    std::fs::remove_file(stage.path("app/src/a")).unwrap();
    let run = watch.phase("failed");
    let detail = text_of(&watch.line(&run, "failed")["detail"]);
    assert!(detail.contains("has no rm") && detail.contains("/app/src/a"), "{detail}");
}

#[test]
fn a_user_that_only_the_image_knows_is_no_obstacle() {
    let stage = Stage::new("user", &rules("        - {path: ./app/src, action: sync, target: /app/src}\n"));
    let user = "RUN echo carol:x:4242:4242::/:/bin/sh >> /etc/passwd\nUSER carol\nCMD";
    stage.write("app/Dockerfile", &APP.replace("CMD", user));
    stage.write("app/src/a", "1");
    stage.up();
    let watch = stage.watch(&[]);
    stage.save("app/src/a", "2");
    watch.ready("sync");
    assert_eq!(stage.read("app", "/app/src/a"), "2");
    std::fs::remove_file(stage.path("app/src/a")).unwrap();
    Stage::eventually("it is gone there, too", || stage.exec("app", &["cat", "/app/src/a"]).is_none());
}

#[test]
fn what_has_nothing_to_watch_and_read_only_are_refused() {
    let stage = Stage::new(
        "nothing",
        "  app:\n    image: stackdash-test/alpine:3\n    command: [\"sleep\", \"1000000\"]\n",
    );
    stage.up();
    let (code, words) = stage.fails(&["watch"]);
    assert!(code == 1 && words.contains("has nothing to watch"), "{code} {words}");
    let (code, words) = stage.fails(&["watch", "app"]);
    assert!(code == 1 && words.contains("neither a build nor watch rules"), "{code} {words}");
    let (code, words) = stage.fails(&["--read-only", "watch"]);
    assert!(code == 1 && words.contains("read-only"), "{code} {words}");
    let began = Instant::now();
    let (code, words) = stage.fails(&["watch", "ap"]);
    assert!(code == 2 && words.contains("did you mean \"app\"?"), "{code} {words}");
    assert!(began.elapsed() < Duration::from_mins(1));
}
