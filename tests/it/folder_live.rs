//! What commands without a stack's name mean in a stack's folder, and elsewhere: on a real engine. Behind
//! the feature `live`.

use crate::engine_live::docker;
use crate::variants_live::{Project, run};

fn started(project: &Project, service: &str) -> String {
    docker(&[
        "inspect",
        "-f",
        "{{.State.StartedAt}} {{.State.Running}}",
        &format!("{}-{service}-1", project.name),
    ])
}

#[test]
fn in_a_stacks_folder_its_own_services_are_meant() {
    let (ours, other) = (Project::new("ours"), Project::new("other"));
    for project in [&ours, &other] {
        project.compose_file("compose.yml", &[("web", "9998"), ("db", "9998")]);
        let (code, _, err) = run(&["up"], project.folder.path(), &[]);
        assert_eq!(code, 0, "{err}");
    }
    docker(&["stop", "-t", "0", &format!("{}-db-1", other.name)]);
    let well = |arguments: &[&str]| {
        let (code, _, err) = run(arguments, ours.folder.path(), &[]);
        assert_eq!(code, 0, "{arguments:?}: {err}");
    };
    let before = (started(&ours, "web"), started(&other, "web"));
    well(&["restart", "web"]);
    assert_ne!(started(&ours, "web"), before.0);
    assert_eq!(started(&other, "web"), before.1, "there is another web, and it is not meant");

    well(&["stop"]);
    assert!(started(&ours, "db").ends_with("false") && started(&other, "web").ends_with("true"));
    well(&["start"]);
    well(&["wait", "--timeout", "30s"]);
    assert!(started(&other, "db").ends_with("false"), "nobody started it");
    // A full name means the same everywhere.
    well(&["start", &format!("{}/db", other.name)]);
    assert!(started(&other, "db").ends_with("true"));

    let nowhere = tempfile::tempdir().unwrap();
    for verb in ["start", "stop", "restart"] {
        let (code, _, err) = run(&[verb], nowhere.path(), &[]);
        assert!(code != 0 && err.contains(&format!("nothing was named to {verb}")), "{err}");
        assert!(err.contains("-p NAME"), "{err}");
    }
    let (code, _, err) = run(&["restart", "web"], nowhere.path(), &[]);
    assert!(code != 0 && err.contains("is ambiguous"), "{err}");
}

#[test]
fn a_stack_that_was_never_created_is_known_by_its_files_and_nothing_of_it_is_ready() {
    let project = Project::new("never");
    project.compose_file("compose.yml", &[("web", "9998")]);
    let folder = project.folder.path();
    let (code, _, err) = run(&["wait", "--timeout", "3s"], folder, &[]);
    assert_eq!(code, 124, "{err}");
    assert!(err.contains("web: absent") && err.contains("stackdash up"), "{err}");
    let (code, out, _) = run(&["check", "-f", "compose.yml"], folder, &[]);
    assert_eq!(code, 3, "{out}");
    assert!(out.starts_with(&format!("unknown: nothing of {} is on ", project.name)), "{out}");
    let own = "[[token]]\nname = \"x\"\nservice = \"web\"\nread = { env = \"X\" }\n";
    std::fs::write(folder.join("stackdash.toml"), own).unwrap();
    let (code, out, err) = run(&["tokens", "-f", "compose.yml", "--format", "json"], folder, &[]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("\"missing\""), "{out}");

    // What is wrong with the files is the answer, not that nothing runs.
    project.save("compose.yml", "services:\n  web:\n    image: x:1\n   bad: 1\n");
    for arguments in [&["wait"][..], &["status", "-f", "compose.yml"], &["restart"], &["up"]] {
        let (code, out, err) = run(arguments, folder, &[]);
        assert_eq!((code, &*out), (2, ""), "{arguments:?}");
        assert!(
            err.contains("Compose cannot use ") && err.contains("stackdash lint "),
            "{arguments:?}: {err}"
        );
    }
}

#[test]
fn logs_and_events_of_a_bare_name_are_those_of_this_folder() {
    let (ours, other) = (Project::new("near"), Project::new("far"));
    for project in [&ours, &other] {
        project.compose_file("compose.yml", &[("web", "9998")]);
        let (code, _, err) = run(&["up"], project.folder.path(), &[]);
        assert_eq!(code, 0, "{err}");
    }
    for arguments in [&["logs", "web"][..], &["events", "web"]] {
        let (code, out, err) = run(arguments, ours.folder.path(), &[]);
        assert_eq!(code, 0, "{arguments:?}: {err}");
        assert!(!out.contains(&other.name), "{arguments:?}: {out}");
        let nowhere = tempfile::tempdir().unwrap();
        let (code, _, err) = run(arguments, nowhere.path(), &[]);
        assert!(code == 2 && err.contains("is ambiguous"), "{arguments:?}: {err}");
    }
}

#[test]
fn what_was_brought_up_from_the_command_line_is_in_the_timeline() {
    let project = Project::new("told");
    project.compose_file("compose.yml", &[("web", "9998")]);
    let kept = tempfile::tempdir().unwrap();
    let state = kept.path().display().to_string();
    let env = [("XDG_STATE_HOME", &*state), ("STACKDASH_HISTORY", "1")];
    for arguments in [&["up"][..], &["rebuild"], &["down", "--yes"]] {
        let (code, _, err) = run(arguments, project.folder.path(), &env);
        assert_eq!(code, 0, "{err}");
    }
    let (code, out, err) = run(&["events", "-p", &project.name], project.folder.path(), &env);
    assert_eq!(code, 0, "{err}");
    for words in ["brought up in", "rebuilt in", "taken down in"] {
        assert!(out.contains(words), "{words}:\n{out}");
    }
}
