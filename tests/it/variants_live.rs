//! Compose files that change under a running stackdash, variants, drift, and what the environment says of
//! files: on a real engine. Behind the feature `live`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::engine_live::{docker, image};
use crate::terminal::Terminal;

/// A folder with compose files; what was made from them goes when the test ends.
pub struct Project {
    pub folder: tempfile::TempDir,
    pub name: String,
}

impl Project {
    pub fn new(name: &str) -> Self {
        let name = format!("stackdash-variants-{name}-{}", std::process::id());
        Self { folder: tempfile::tempdir().unwrap(), name }
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    /// Saves as editors do: beside it, then over it.
    pub fn save(&self, file: &str, text: &str) {
        let beside = self.folder.path().join(format!("{file}~"));
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, self.folder.path().join(file)).unwrap();
    }

    /// Writes a compose file with services that run a command each.
    pub fn compose_file(&self, file: &str, services: &[(&str, &str)]) {
        let mut text = format!(
            "name: {}\nnetworks: {{default: {{labels: {{stackdash.test: \"1\"}}}}}}\nservices:\n",
            self.name
        );
        for (name, run) in services {
            let service = format!(
                "  {name}:\n    image: {}\n    labels: {{stackdash.test: \"1\"}}\n    stop_grace_period: 0s\n    command: [\"sleep\", \"{run}\"]\n",
                image()
            );
            text.push_str(&service);
        }
        self.save(file, &text);
    }

    pub fn stack(&self) -> Value {
        let (code, out, err) =
            run(&["-p", &self.name, "status", "--no-usage", "--format", "json"], self.folder.path(), &[]);
        assert_eq!(code, 0, "{err}");
        let document: Value = serde_json::from_str(&out).unwrap();
        document["stacks"][0].clone()
    }

    fn command_of(&self, service: &str) -> String {
        let id = docker(&[
            "ps",
            "-q",
            "--filter",
            &format!("label=com.docker.compose.project={}", self.name),
            "--filter",
            &format!("label=com.docker.compose.service={service}"),
        ]);
        if id.is_empty() { String::new() } else { docker(&["inspect", "-f", "{{json .Config.Cmd}}", &id]) }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = Command::new("docker")
            .args(["compose", "-p", &self.name, "down", "-v", "-t", "0", "--remove-orphans"])
            .output();
    }
}

pub fn run(arguments: &[&str], folder: &Path, env: &[(&str, &str)]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_stackdash"))
        .args(arguments)
        .current_dir(folder)
        .envs([("XDG_CONFIG_HOME", "/nonexistent"), ("STACKDASH_HISTORY", "0")])
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

fn drift(stack: &Value) -> Vec<String> {
    let services = stack["services"].as_array().unwrap().iter();
    services.filter_map(|s| Some(format!("{} {}", s["name"].as_str()?, s["drift"].as_str()?))).collect()
}

#[test]
fn an_edited_file_shows_at_once_and_a_broken_one_says_its_line_and_leaves_the_picture() {
    let project = Project::new("edit");
    project.compose_file("compose.yml", &[("web", "9998")]);
    let file = project.folder.path().join("compose.yml");
    docker(&["compose", "-f", file.to_str().unwrap(), "up", "-d"]);
    let mut terminal = Terminal::start(140, 40, &[project.path()]);
    terminal.wait_for("web");
    terminal.press("a");
    project.compose_file("compose.yml", &[("web", "9998"), ("extra", "9999")]);
    terminal.wait_for("extra");
    terminal.wait_for("absent");
    terminal.press("gd");
    project.save("compose.yml", "services:\n  web:\n    image: x\n    command: x\n    y: ]\n");
    terminal.wait_for("Files changed, cannot be read:");
    terminal.wait_until("the line is told and the picture stays", |screen| {
        screen.contains("yaml: line ") && screen.contains("extra")
    });
    std::fs::remove_file(&file).unwrap();
    // Ours where the containers told of the file, Compose's where it looked for one itself.
    terminal.wait_until("the file is missed", |screen| {
        screen.contains("is not on this machine") || screen.contains("no configuration file provided")
    });
    project.compose_file("compose.yml", &[("web", "9997")]);
    terminal.wait_for("changed in file");
    terminal.wait_gone("extra");
    docker(&["compose", "-f", file.to_str().unwrap(), "up", "-d"]);
    terminal.wait_gone("changed in file");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn a_variant_chosen_in_the_face_is_what_the_next_up_makes() {
    let project = Project::new("switch");
    project.compose_file("compose.yml", &[("web", "9998"), ("mailcatcher", "9998")]);
    project.compose_file("prod.yml", &[("web", "9001")]);
    project.save("stackdash.toml", "[variants]\ndev = [\"compose.yml\"]\nprod = [\"prod.yml\"]\n");
    let (code, _, err) = run(&["--variant", "dev", "up"], project.folder.path(), &[]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(project.stack()["variant"], "dev");
    let mut terminal = Terminal::start(140, 40, &["-p", &project.name]);
    terminal.wait_for("dev (running)");
    terminal.press(":variant\r");
    terminal.wait_for("Variant of");
    terminal.press("j\r");
    terminal.wait_for("prod (chosen, not running)");
    assert!(project.command_of("web").contains("9998"), "nothing has happened yet");
    terminal.press("U");
    terminal.wait_for("Variant prod: prod.yml");
    terminal.press("y");
    terminal.wait_for("prod (running)");
    terminal.wait_for("≠ orphan");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    assert!(project.command_of("web").contains("9001"));
    let stack = project.stack();
    assert_eq!(
        (stack["variant"].as_str(), drift(&stack)),
        (Some("prod"), vec![String::from("mailcatcher gone")])
    );

    let (code, _, err) = run(&["-p", &project.name, "--variant", "dve", "up"], Path::new("/"), &[]);
    assert!(code != 0 && err.contains("did you mean \"dev\"?"), "{err}");
    let (code, _, err) = run(&["-p", &project.name, "--variant", "dev", "up"], Path::new("/"), &[]);
    assert_eq!(code, 0, "{err}");
    assert!(project.command_of("web").contains("9998"));
}

#[test]
fn a_switch_builds_since_variants_share_the_name_of_what_is_built() {
    let project = Project::new("build");
    for variant in ["dev", "prod"] {
        let text = format!(
            "name: {}\nservices:\n  web:\n    build:\n      context: .\n      dockerfile_inline: |\n        FROM {}\n        \
             LABEL stackdash.test=1 which={variant}\n    stop_grace_period: 0s\n    command: [\"sleep\", \"9998\"]\n",
            project.name,
            image()
        );
        project.save(&format!("{variant}.yml"), &text);
    }
    project.save("stackdash.toml", "[variants]\ndev = [\"dev.yml\"]\nprod = [\"prod.yml\"]\n");
    let up = |variant: &str| {
        let (code, _, err) = run(&["--variant", variant, "up"], project.folder.path(), &[]);
        assert_eq!(code, 0, "{err}");
        let web = format!("{}-web-1", project.name);
        assert_eq!(docker(&["inspect", "-f", "{{index .Config.Labels \"which\"}}", &web]), variant, "{err}");
        err
    };
    up("dev");
    assert!(!up("dev").contains("--build"), "nothing was switched");
    assert!(up("prod").contains("--build"));
    let (code, _, err) = run(&["--variant", "prod", "down", "--yes"], project.folder.path(), &[]);
    assert_eq!(code, 0, "{err}");
    assert!(up("dev").contains("variant dev"), "nothing runs: what was built last is not known");

    // What runs is what is meant where nobody says otherwise: development does not take the place of
    // production by a slip.
    up("prod");
    let which = || {
        let web = format!("{}-web-1", project.name);
        docker(&["inspect", "-f", "{{index .Config.Labels \"which\"}}", &web])
    };
    std::fs::copy(project.folder.path().join("dev.yml"), project.folder.path().join("compose.yml")).unwrap();
    let (code, _, err) = run(&["up"], project.folder.path(), &[]);
    assert_eq!((code, which().as_str()), (0, "prod"), "{err}");
    assert!(err.contains("variant prod, it is what runs") && !err.contains("--build"), "{err}");
    // A file that is named is what is meant.
    let (code, _, err) = run(&["-f", "dev.yml", "up"], project.folder.path(), &[]);
    assert_eq!((code, which().as_str()), (0, "dev"), "{err}");
    assert!(err.contains("variant dev instead of prod") && err.contains("--build"), "{err}");
    docker(&["compose", "-p", &project.name, "down", "-t", "0", "--rmi", "local"]);
}

#[test]
fn drift_is_marked_after_an_edit_and_gone_after_up() {
    let project = Project::new("drift");
    project.compose_file("compose.yml", &[("web", "9998"), ("db", "9998")]);
    // Compose counts these otherwise when it is asked directly.
    let text = std::fs::read_to_string(project.folder.path().join("compose.yml")).unwrap();
    project.save(
        "compose.yml",
        &text.replace("  web:\n", "  web:\n    env_file: [web.env]\n    environment: {COST: 'a$$b'}\n"),
    );
    project.save("web.env", "A=1\n");
    let (code, _, err) = run(&["up"], project.folder.path(), &[]);
    assert_eq!(code, 0, "{err}");
    assert!(drift(&project.stack()).is_empty(), "nothing differs right after up");
    project.save("web.env", "A=2\n");
    assert_eq!(drift(&project.stack()), ["web config"]);
    let (code, _, err) = run(&["up"], project.folder.path(), &[]);
    assert_eq!(code, 0, "{err}");
    assert!(drift(&project.stack()).is_empty());
}

#[test]
fn files_that_the_environment_names_are_those_that_compose_would_take() {
    let project = Project::new("env");
    project.compose_file("one.yml", &[("web", "9998")]);
    project.compose_file("two.yml", &[("db", "9998")]);
    project.save(".env", "COMPOSE_FILE=one.yml:two.yml\n");
    let (code, _, err) = run(&["up"], project.folder.path(), &[]);
    assert_eq!(code, 0, "{err}");
    let files: Vec<String> = serde_json::from_value(project.stack()["files"].clone()).unwrap();
    assert_eq!(files.len(), 2, "{files:?}");
    // Several -f, another name, and a file of variables.
    let other = format!("{}-b", project.name);
    let named = std::fs::read_to_string(project.folder.path().join("one.yml")).unwrap();
    project.save("one.yml", &named.replace(&format!("name: {}\n", project.name), ""));
    let named = std::fs::read_to_string(project.folder.path().join("two.yml")).unwrap();
    project.save("two.yml", &named.replace(&format!("name: {}\n", project.name), ""));
    project.save("other.env", &format!("COMPOSE_PROJECT_NAME={other}\n"));
    let flags = ["-f", "one.yml", "-f", "two.yml", "--env-file", "other.env"];
    let (code, _, err) = run(&[&flags[..], &["up"]].concat(), project.folder.path(), &[]);
    let second = Project { folder: tempfile::tempdir().unwrap(), name: other };
    assert_eq!(code, 0, "{err}");
    let stack = second.stack();
    assert_eq!((stack["services"].as_array().unwrap().len(), drift(&stack)), (2, Vec::new()));
}

#[test]
fn without_compose_the_rest_works_and_what_needs_it_says_how_to_install_it() {
    let project = Project::new("missing");
    project.compose_file("compose.yml", &[("web", "9998")]);
    docker(&["compose", "-f", &format!("{}/compose.yml", project.path()), "up", "-d"]);
    let nowhere = tempfile::tempdir().unwrap();
    let path = [("PATH", nowhere.path().to_str().unwrap())];
    let (code, _, err) = run(&["up"], project.folder.path(), &path);
    assert!(code != 0 && err.contains("apt install docker-compose-plugin"), "{err}");
    let (code, out, err) = run(&["-p", &project.name, "status", "--no-usage"], project.folder.path(), &path);
    assert!(code == 0 && out.contains("web"), "{out} {err}");
    let (code, _, err) = run(&["-p", &project.name, "restart"], project.folder.path(), &path);
    assert_eq!(code, 0, "{err}");
    let mut terminal = Terminal::start_with(140, 40, &["-p", &project.name], &path);
    terminal.wait_for("the Compose CLI was not found");
    terminal.wait_for("labels alone");
    terminal.press("\x03");
    terminal.exit_code();
}
