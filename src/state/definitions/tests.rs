//! Files that change, variants and drift: facts in, what is believed and wished out.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::command::Command;
use crate::event::{EngineInfo, Event};
use crate::model::compose::{ServiceDefinition, SourceFile};
use crate::model::containers::{Container, RunState};
use crate::model::stack_file::{StackFile, Variant};
use crate::model::stacks::Drift;
use crate::state::State;
use crate::state::variants::{VariantStanding, current, variants};
use crate::state::verdict::tests::{at, container};

const DEV: &str = "/srv/shop/compose.yml";
const PROD: &str = "/srv/shop/prod.yml";

/// A running container of the shop, made from a file at a moment.
fn made(service: &str, file: &str, hash: &str, second: i64) -> Container {
    let mut made = container(service, RunState::Running);
    made.created_at = Some(at(second));
    let labels = made.compose.as_mut().unwrap();
    labels.config_files = vec![file.to_owned()];
    labels.working_dir = String::from("/srv/shop");
    labels.config_hash = hash.to_owned();
    labels.version = String::from("2.26.1");
    made
}

fn definition(hash: &str) -> Definition {
    let web = ServiceDefinition {
        image: String::from("shop/image:1"),
        config_hash: hash.to_owned(),
        ..ServiceDefinition::default()
    };
    let source = |path: &str| SourceFile { path: path.into(), is_environment: false };
    Definition {
        name: "shop".into(),
        services: [("web".into(), web)].into(),
        sources: vec![source(DEV), source("/srv/shop/.env")],
        version: String::from("2.26.1"),
        ..Definition::default()
    }
}

fn asked(wishes: &[Command]) -> Vec<ComposeProject> {
    let projects = wishes.iter().filter_map(|wish| match wish {
        Command::ReadDefinition(project) => Some(project.clone()),
        _ => None,
    });
    projects.collect()
}

/// The shop with its containers and, where given, what its files said a second later.
fn shop(containers: Vec<Container>, result: Option<Definition>) -> State {
    let mut state = State::new(at(0), String::from("test"), false);
    state.apply(at(10), Event::EngineConnected(EngineInfo { local: true, ..EngineInfo::default() }));
    let wishes = state.apply(at(10), Event::ContainersListed(containers));
    let [project] = &asked(&wishes)[..] else { panic!("{wishes:?}") };
    if let Some(definition) = result {
        state.apply(at(11), Event::DefinitionRead { project: project.clone(), result: Ok(definition) });
    }
    state
}

fn drift(state: &State, service: &str) -> Option<Drift> {
    state.containers.stack("shop").unwrap().service(service).unwrap().drift.clone()
}

fn changed(state: &mut State, second: i64, path: &str) -> Vec<ComposeProject> {
    asked(&state.apply(at(second), Event::FilesChanged(BTreeSet::from([PathBuf::from(path)]))))
}

fn read(state: &mut State, second: i64, result: Result<Definition, &str>) -> Vec<Command> {
    let project = state.containers.project_of("shop").unwrap().clone();
    let result = result.map_err(|words| ComposeError::Refused(words.to_owned()));
    state.apply(at(second), Event::DefinitionRead { project, result })
}

#[test]
fn a_changed_file_is_read_again_and_a_broken_one_leaves_the_picture() {
    let mut state = shop(vec![made("web", DEV, "1", 5)], Some(definition("1")));
    assert!(changed(&mut state, 20, "/srv/other/compose.yml").is_empty());
    assert_eq!(changed(&mut state, 20, "/srv/shop/.env").len(), 1);
    assert!(changed(&mut state, 20, DEV).is_empty(), "one reading at a time");
    let again = read(&mut state, 21, Ok(definition("1")));
    assert_eq!(asked(&again).len(), 1, "it changed while it was read");

    read(&mut state, 22, Err("yaml: line 5: did not find expected node content"));
    let stack = state.containers.stack("shop").unwrap();
    assert!(stack.defined && stack.definition_error.as_deref().is_some_and(|words| words.contains("line 5")));
    let told =
        |state: &State| state.jobs.notices().iter().map(|notice| notice.text.clone()).collect::<Vec<_>>();
    assert_eq!(
        told(&state),
        ["shop: files changed, cannot be read: yaml: line 5: did not find expected node content"]
    );
    changed(&mut state, 23, DEV);
    read(&mut state, 24, Err("yaml: line 5: did not find expected node content"));
    assert_eq!(told(&state).len(), 1, "the same complaint is told once");
    changed(&mut state, 25, DEV);
    read(&mut state, 26, Ok(definition("1")));
    assert_eq!(state.containers.stack("shop").unwrap().definition_error, None);
}

#[test]
fn what_runs_is_held_against_the_files() {
    let state = shop(vec![made("web", DEV, "1", 5)], Some(definition("1")));
    assert_eq!(drift(&state, "web"), None);
    let state = shop(vec![made("web", DEV, "1", 5)], Some(definition("2")));
    assert_eq!(drift(&state, "web"), Some(Drift::Config));
    let other_version = Definition { version: String::from("2.40.0"), ..definition("2") };
    let state = shop(vec![made("web", DEV, "1", 5)], Some(other_version));
    assert_eq!(drift(&state, "web"), None, "another version counts otherwise");
    let mut old = made("web", DEV, "1", 5);
    old.image = "shop/image:0".into();
    let state = shop(vec![old, made("gone", DEV, "1", 5)], Some(definition("1")));
    assert!(matches!(drift(&state, "web"), Some(Drift::Image { .. })));
    assert_eq!(drift(&state, "gone"), Some(Drift::Gone));
}

#[test]
fn a_container_newer_than_the_reading_lets_the_files_be_read_before_anything_is_said() {
    let mut state = shop(vec![made("web", DEV, "1", 5)], Some(definition("1")));
    let newer = Box::new(made("web", DEV, "2", 30));
    let wishes = state.apply(at(31), Event::ContainerInspected(newer));
    assert_eq!(drift(&state, "web"), None);
    assert_eq!(asked(&wishes).len(), 1);
    assert!(asked(&state.apply(at(31), Event::Tick)).is_empty());
    read(&mut state, 32, Ok(definition("2")));
    assert_eq!(drift(&state, "web"), None);

    // Somebody brought it up with variables that we do not have; a clock that is behind makes no circle.
    let newest = Box::new(made("web", DEV, "3", 99));
    assert_eq!(asked(&state.apply(at(33), Event::ContainerInspected(newest))).len(), 1);
    assert!(asked(&read(&mut state, 34, Ok(definition("2")))).is_empty());
    assert_eq!(drift(&state, "web"), Some(Drift::Config));
}

#[test]
fn a_variant_is_known_by_the_labels_and_choosing_another_changes_the_next_call_only() {
    let mut state = shop(vec![made("web", DEV, "1", 5)], Some(definition("1")));
    let variant = |name: &str, file: &str| Variant { name: name.to_owned(), files: vec![file.into()] };
    let file =
        StackFile { variants: vec![variant("dev", DEV), variant("prod", PROD)], ..StackFile::default() };
    let folder = PathBuf::from("/srv/shop");
    let told = |file| Event::StackFileRead { stack: "shop".into(), folder: folder.clone(), result: file };
    assert_eq!(current(&state, "shop"), None);
    state.apply(at(12), told(Ok(file)));
    let words =
        |state: &State| -> Vec<&str> { variants(state, "shop").iter().map(VariantStanding::word).collect() };
    assert_eq!((current(&state, "shop"), words(&state)), (Some("dev"), vec!["running", ""]));

    let choose = |name: &str| Event::VariantChosen { stack: "shop".into(), variant: name.to_owned() };
    let wishes = state.apply(at(13), choose("prod"));
    assert_eq!(asked(&wishes)[0].files, [PathBuf::from(PROD)]);
    read(&mut state, 14, Ok(definition("2")));
    assert_eq!(words(&state), ["running", "chosen, not running"]);
    assert_eq!(drift(&state, "web"), None, "it was chosen, so it differs");
    assert!(asked(&state.apply(at(15), Event::Tick)).is_empty(), "what runs does not take its place");

    state.apply(at(16), Event::ContainerInspected(Box::new(made("web", PROD, "2", 16))));
    assert_eq!((current(&state, "shop"), words(&state)), (Some("prod"), vec!["", "running"]));
    let project = |state: &State| state.containers.project_of("shop").unwrap().files.clone();
    assert_eq!(project(&state), [PathBuf::from(PROD)]);

    // From here on it is followed again: somebody went back by hand.
    let wishes = state.apply(at(18), Event::ContainerInspected(Box::new(made("web", DEV, "1", 17))));
    assert_eq!(asked(&wishes)[0].files, [PathBuf::from(DEV)]);

    state.apply(at(19), choose("prd"));
    let said = state.jobs.notices().back().unwrap().text.clone();
    assert_eq!(said, "shop has no variant \"prd\" (known: dev, prod)");
}

#[test]
fn an_answer_about_the_files_from_before_a_switch_changes_nothing() {
    let mut state = shop(vec![made("web", DEV, "1", 5), made("old", DEV, "1", 5)], None);
    let asked_first = state.containers.project_of("shop").unwrap().clone();
    let variant = |name: &str, file: &str| Variant { name: name.to_owned(), files: vec![file.into()] };
    let file =
        StackFile { variants: vec![variant("dev", DEV), variant("prod", PROD)], ..StackFile::default() };
    let folder = PathBuf::from("/srv/shop");
    state.apply(at(12), Event::StackFileRead { stack: "shop".into(), folder, result: Ok(file) });
    let chosen = Event::VariantChosen { stack: "shop".into(), variant: String::from("prod") };
    assert!(asked(&state.apply(at(13), chosen)).is_empty(), "one reading at a time");
    state.apply(at(14), Event::ContainerInspected(Box::new(made("web", PROD, "2", 14))));

    let late = Event::DefinitionRead { project: asked_first, result: Ok(definition("1")) };
    let wishes = state.apply(at(15), late);
    assert_eq!(asked(&wishes)[0].files, [PathBuf::from(PROD)]);
    assert!(asked(&read(&mut state, 16, Ok(definition("2")))).is_empty(), "no end of readings");
    assert_eq!((drift(&state, "web"), drift(&state, "old")), (None, Some(Drift::Gone)));
}

#[test]
fn a_stack_is_judged_again_when_its_own_file_breaks_and_when_it_is_corrected() {
    let mut state = shop(vec![made("web", DEV, "1", 5)], None);
    state.findings.on = true;
    read(&mut state, 11, Ok(definition("1")));
    let told = |result| Event::StackFileRead { stack: "shop".into(), folder: "/srv/shop".into(), result };
    let is_judged = |wishes: Vec<Command>| wishes.iter().any(|wish| matches!(wish, Command::Lint { .. }));
    state.apply(at(12), told(Ok(StackFile::default())));
    assert!(!is_judged(state.apply(at(13), told(Ok(StackFile::default())))), "nothing changed");
    assert!(is_judged(state.apply(at(14), told(Err(String::from("stackdash.toml:1: unknown key"))))));
    assert!(is_judged(state.apply(at(15), told(Ok(StackFile::default())))));
}
