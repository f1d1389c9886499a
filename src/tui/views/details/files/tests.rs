//! What a stack's Overview tells of its files, and the marks in the tree.

use std::path::PathBuf;

use insta::assert_snapshot;

use crate::event::Event;
use crate::model::compose::{ComposeProject, Definition, ServiceDefinition};
use crate::model::containers::Container;
use crate::model::stack_file::{StackFile, Variant};
use crate::model::stacks::Target;
use crate::ports::ComposeError;
use crate::tui::fixture::{Stage, well};

const STACK: &str = "hackathon-todo";
const FILE: &str = "/srv/stacks/hackathon-todo/docker-compose.yml";

fn project(stack: &str) -> ComposeProject {
    ComposeProject {
        name: Some(stack.to_owned()),
        files: vec![format!("/srv/stacks/{stack}/docker-compose.yml").into()],
        folder: format!("/srv/stacks/{stack}").into(),
        ..ComposeProject::default()
    }
}

/// One service is as its file says, one is not, one is not there any more, one was never created.
fn definition(containers: &[Container]) -> Definition {
    let of = |name: &str, hash: &str| {
        let found =
            containers.iter().find(|found| *found.service_name() == *name && *found.stack_name() == *STACK);
        let image = found.map_or(String::from("mailhog:1"), |found| found.image.to_string());
        (
            name.into(),
            ServiceDefinition { image, config_hash: hash.to_owned(), ..ServiceDefinition::default() },
        )
    };
    Definition {
        name: STACK.into(),
        services: [of("db", "old"), of("backend", "new"), of("mailhog", "")].into(),
        version: String::from("2.26.1"),
        ..Definition::default()
    }
}

fn stage(width: u16, height: u16) -> Stage {
    let mut containers = well();
    for container in &mut containers {
        if let Some(labels) = &mut container.compose {
            labels.config_hash = String::from("old");
        }
    }
    let definition = definition(&containers);
    let mut stage = Stage::new(width, height).connected(containers).sampled();
    stage.apply(Event::DefinitionRead { project: project(STACK), result: Ok(definition) });
    let variant =
        |name: &str, file: &str| Variant { name: name.to_owned(), files: vec![PathBuf::from(file)] };
    let prod = "/srv/stacks/hackathon-todo/docker-compose.prod.yml";
    let file =
        StackFile { variants: vec![variant("dev", FILE), variant("prod", prod)], ..StackFile::default() };
    let folder = PathBuf::from("/srv/stacks/hackathon-todo");
    stage.apply(Event::StackFileRead { stack: STACK.into(), folder, result: Ok(file) });
    stage
}

fn show(mut stage: Stage) -> Stage {
    stage.sync();
    stage.ui.stacks.show(&Target::Stack(STACK.into()), None, &stage.state);
    stage
}

#[test]
fn a_stack_tells_its_variant_and_what_differs_from_its_files() {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        assert_snapshot!(format!("drift_{width}x{height}"), show(stage(width, height)).screen());
    }
    // The tree by itself has room for the marks.
    assert_snapshot!("drift_tree_80x24", stage(80, 24).screen());
}

#[test]
fn a_service_says_what_differs() {
    let mut stage = stage(120, 40);
    stage.sync();
    let target = Target::Service { stack: STACK.into(), service: "backend".into() };
    stage.ui.stacks.show(&target, None, &stage.state);
    assert_snapshot!(stage.screen());
}

#[test]
fn another_variant_is_chosen_from_a_menu() {
    let mut stage = show(stage(80, 24)).keys("Tab : v a r i a n t Enter");
    assert_snapshot!("variant_menu", stage.text());
    let chosen = Event::VariantChosen { stack: STACK.into(), variant: String::from("prod") };
    stage.apply(chosen);
    assert_snapshot!("variant_chosen", show(stage).screen());
}

#[test]
fn files_that_cannot_be_read_say_why_and_what_is_shown_instead() {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let mut stage = stage(width, height);
        let words = "yaml: line 12: did not find expected node content";
        let result = Err(ComposeError::Refused(String::from(words)));
        stage.apply(Event::DefinitionRead { project: project(STACK), result });
        let faults = "/srv/stacks/hackathon-todo/stackdash.toml:3: unknown key \"varaints\", did you mean \"variants\"?\n/srv/stacks/hackathon-todo/stackdash.toml:9: every wants a time like 10s, this is \"10\"";
        let folder = PathBuf::from("/srv/stacks/hackathon-todo");
        stage.apply(Event::StackFileRead { stack: STACK.into(), folder, result: Err(String::from(faults)) });
        assert_snapshot!(format!("broken_{width}x{height}"), show(stage).screen());
    }
    let mut stage = stage(120, 40);
    let gone = "/srv/stacks/uteclocal/docker-compose.yml is not on this machine";
    let result = Err(ComposeError::Failed(String::from(gone)));
    stage.apply(Event::DefinitionRead { project: project("uteclocal"), result });
    stage.sync();
    stage.ui.stacks.show(&Target::Stack("uteclocal".into()), None, &stage.state);
    assert_snapshot!("elsewhere", stage.screen());
}
