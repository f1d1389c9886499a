//! What the Compose CLI is asked for: which project, which arguments, and what will go.

use std::sync::Arc;

use crate::model::compose::ComposeProject;
use crate::model::containers::{ContainerId, NO_STACK, RunState};
use crate::model::jobs::{ComposeOrder, ComposeVerb, Phase, Verb};
use crate::model::stacks::Target;
use crate::state::containers::Containers;
use crate::state::jobs::profiles::profiles_on;

/// Containers of one service at most: a slip of the finger should not fill a machine.
const SCALE_MOST: u32 = 100;

/// A call of Compose, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposeCall {
    pub project: ComposeProject,
    pub target: Target,
    /// In this order; one that fails is the last, unless it is lenient.
    pub steps: Vec<ComposeStep>,
    /// As one would type it.
    pub command: String,
}

/// One process of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposeStep {
    /// `None`: the only step, the verb says it all.
    pub phase: Option<Phase>,
    pub arguments: Vec<String>,
    pub command: String,
    /// Whether a failure is said and no more.
    pub lenient: bool,
}

/// Makes the order for a target, or says why Compose can't act on it.
pub fn order(containers: &Containers, verb: ComposeVerb, target: &Target) -> Result<ComposeOrder, String> {
    let name = containers.name_of(target);
    let stack = containers.stack_of(target).ok_or_else(|| format!("{name} is gone"))?;
    let services = match target {
        Target::Stack(_) => Vec::new(),
        _ => containers.service_of(target).map(|(_, service)| service).into_iter().collect(),
    };
    let order = ComposeOrder { verb, stack, services, profiles: Vec::new() };
    call(containers, &order).map(|_| order)
}

/// Works an order out, or says why it can't be carried out.
pub fn call(containers: &Containers, order: &ComposeOrder) -> Result<ComposeCall, String> {
    let stack = &order.stack;
    if **stack == *NO_STACK {
        return Err(String::from("this container is of no stack: Compose does not know it"));
    }
    let Some(project) = containers.project_of(stack) else {
        return Err(format!("{stack}: its compose files are not known here, so Compose can't act on it"));
    };
    if let Some(definition) = containers.definition(stack)
        && let Some(unknown) = order.services.iter().find(|name| !definition.services.contains_key(*name))
        && !matches!(order.verb, ComposeVerb::Down { .. })
    {
        return Err(format!("{stack}: its compose files know no service {unknown:?}"));
    }
    if order.verb == ComposeVerb::Sweep && orphans(containers, stack).is_empty() {
        return Err(format!("{stack}: there are no orphans: its files know all its containers"));
    }
    let mut project = project.clone();
    project.profiles = if let ComposeVerb::Down { .. } = order.verb {
        // What goes, goes whole, whatever is switched on now.
        vec![String::from("*")]
    } else {
        let wanted = project.profiles.iter().chain(&order.profiles).cloned();
        profiles_on(containers, stack).into_iter().chain(wanted).collect()
    };
    project.profiles.sort();
    project.profiles.dedup();
    if let ComposeVerb::Scale(count) = order.verb {
        can_scale(containers, order, count)?;
    }
    let steps: Vec<ComposeStep> = steps(containers, order, &project)?
        .into_iter()
        .map(|(phase, arguments)| ComposeStep {
            phase,
            command: project.command_line(&arguments),
            lenient: phase == Some(Phase::Pulling),
            arguments,
        })
        .collect();
    let target = match &*order.services {
        [service] => Target::Service { stack: stack.clone(), service: service.clone() },
        _ => Target::Stack(stack.clone()),
    };
    let command = steps.iter().map(|step| &*step.command).collect::<Vec<_>>().join(" && ");
    Ok(ComposeCall { project, target, steps, command })
}

/// Returns the services that an order is about: those named, or all that are switched on. Without the
/// stack's files: none, and Compose finds them itself.
pub fn scope(containers: &Containers, order: &ComposeOrder, project: &ComposeProject) -> Vec<Arc<str>> {
    if !order.services.is_empty() {
        return order.services.clone();
    }
    let Some(definition) = containers.definition(&order.stack) else { return Vec::new() };
    let on = |profiles: &[String]| {
        profiles.is_empty() || profiles.iter().any(|profile| project.profiles.contains(profile))
    };
    let services = definition.services.iter().filter(|(_, service)| on(&service.profiles));
    services.map(|(name, _)| name.clone()).collect()
}

type Step = (Option<Phase>, Vec<String>);

fn steps(
    containers: &Containers,
    order: &ComposeOrder,
    project: &ComposeProject,
) -> Result<Vec<Step>, String> {
    let whole = order.services.is_empty();
    let with = |words: &[&str], services: &[Arc<str>]| -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).chain(services.iter().map(ToString::to_string)).collect()
    };
    let up = |words: &[&str]| (Some(Phase::Starting), with(words, &order.services));
    match order.verb {
        ComposeVerb::RebuildClean => {
            let build = with(&["build", "--no-cache"], &order.services);
            let words: &[&str] = if whole { &["up", "--detach"] } else { &["up", "--detach", "--no-deps"] };
            Ok(vec![(Some(Phase::Building), build), up(words)])
        }
        ComposeVerb::Update => {
            let scope = scope(containers, order, project);
            let builds = |name: &Arc<str>| {
                let definition = containers.definition(&order.stack);
                definition.and_then(|found| found.services.get(name)).is_none_or(|service| service.builds)
            };
            let (built, pulled): (Vec<_>, Vec<_>) = scope.into_iter().partition(builds);
            let unknown = containers.definition(&order.stack).is_none();
            let mut steps = Vec::new();
            if !pulled.is_empty() {
                steps.push((Some(Phase::Pulling), with(&["pull", "--ignore-pull-failures"], &pulled)));
            }
            if !built.is_empty() || unknown {
                steps.push((Some(Phase::Building), with(&["build"], &built)));
            }
            steps.push(up(&["up", "--detach"]));
            Ok(steps)
        }
        ComposeVerb::GoBack if whole => Err(format!("{}: there is nothing to go back to", order.stack)),
        ComposeVerb::GoBack => Ok(vec![up(&[
            "up",
            "--detach",
            "--no-deps",
            "--no-build",
            "--pull",
            "never",
            "--force-recreate",
        ])]),
        ComposeVerb::Scale(count) => {
            let [service] = &*order.services else { return Err(String::from("scale takes one service")) };
            let scale = format!("{service}={count}");
            let words = ["up", "--detach", "--no-deps", "--no-recreate", "--scale", scale.as_str()];
            Ok(vec![(None, with(&words, &order.services))])
        }
        _ => {
            let mut arguments = arguments(order);
            if must_build(containers, order) {
                arguments.insert(2, String::from("--build"));
            }
            Ok(vec![(None, arguments)])
        }
    }
}

/// Whether bringing services up has to build them first: variants share the names of built images, so the
/// image that is there may be that of the files from before.
pub fn must_build(containers: &Containers, order: &ComposeOrder) -> bool {
    let Some(definition) = containers.definition(&order.stack) else { return false };
    let builds = |name: &str| definition.services.get(name).is_some_and(|service| service.builds);
    let next = containers.files_of(&order.stack);
    if !matches!(order.verb, ComposeVerb::Up | ComposeVerb::Sweep | ComposeVerb::Recreate)
        || next.is_empty()
        || !definition.services.keys().any(|name| builds(name))
    {
        return false;
    }
    let ids = containers.of_target(&Target::Stack(order.stack.clone()));
    let mut made_from = ids
        .iter()
        .filter_map(|id| containers.get(id)?.container.compose.as_ref())
        .filter(|labels| !labels.one_off && !labels.config_files.is_empty() && builds(&labels.service))
        .map(|labels| &labels.config_files)
        .peekable();
    if made_from.peek().is_none() {
        // Nothing tells which variant was built last. A stack without variants is as Compose takes it.
        return containers.has_variants(&order.stack);
    }
    made_from.any(|files| *files != next)
}

/// Says why a service can't have so many containers.
fn can_scale(containers: &Containers, order: &ComposeOrder, count: u32) -> Result<(), String> {
    let [name] = &*order.services else { return Err(String::from("scale takes one service")) };
    let full = format!("{}/{name}", order.stack);
    if count > SCALE_MOST {
        return Err(format!("{full}: {count} containers are more than stackdash asks for ({SCALE_MOST})"));
    }
    let service = containers.definition(&order.stack).and_then(|found| found.services.get(name));
    let Some(service) = service.filter(|_| count > 1) else { return Ok(()) };
    if !service.container_name.is_empty() {
        let fixed = &service.container_name;
        return Err(format!(
            "{full} can't have {count} containers: container_name {fixed:?} is there once; take it out of the compose file"
        ));
    }
    for port in &service.ports {
        let Some((published, _)) = port.rsplit_once(':') else { continue };
        let fits = match published.split_once('-').map(|(low, high)| (low.parse(), high.parse())) {
            Some((Ok(low), Ok(high))) => u32::saturating_sub(high, low) + 1,
            _ if published == "0" => u32::MAX,
            _ => 1,
        };
        if fits < count {
            return Err(format!(
                "{full} can't have {count} containers: host port {published} can be published {}; give a range, or only the container's port",
                if fits == 1 { String::from("once") } else { format!("{fits} times") }
            ));
        }
    }
    Ok(())
}

fn arguments(order: &ComposeOrder) -> Vec<String> {
    let whole = order.services.is_empty();
    let verb: &[&str] = match order.verb {
        ComposeVerb::Up => &["up", "--detach"],
        ComposeVerb::Sweep => &["up", "--detach", "--remove-orphans"],
        ComposeVerb::Recreate if whole => &["up", "--detach", "--force-recreate"],
        ComposeVerb::Recreate => &["up", "--detach", "--force-recreate", "--no-deps"],
        ComposeVerb::Rebuild if whole => &["up", "--detach", "--build"],
        ComposeVerb::Rebuild => &["up", "--detach", "--build", "--no-deps"],
        ComposeVerb::Pull => &["pull"],
        ComposeVerb::Down { volumes: false } if whole => &["down"],
        ComposeVerb::Down { volumes: true } if whole => &["down", "--volumes"],
        // Older versions know no `down SERVICE`.
        ComposeVerb::Down { volumes: false } => &["rm", "--stop", "--force"],
        ComposeVerb::Down { volumes: true } => &["rm", "--stop", "--force", "--volumes"],
        // In steps of their own.
        ComposeVerb::RebuildClean | ComposeVerb::Scale(_) | ComposeVerb::Update | ComposeVerb::GoBack => {
            &["up", "--detach"]
        }
    };
    verb.iter().map(|word| (*word).to_owned()).chain(order.services.iter().map(ToString::to_string)).collect()
}

/// Finds the containers that Compose takes for orphans: those of services that the files know no more, and
/// what is left of one-off runs. None where the files are not known.
pub fn orphans(containers: &Containers, stack: &Arc<str>) -> Vec<ContainerId> {
    let Some(definition) = containers.definition(stack) else { return Vec::new() };
    let mut found = containers.of_target(&Target::Stack(stack.clone()));
    found.retain(|id| {
        let Some(entry) = containers.get(id) else { return false };
        let over = matches!(entry.container.run, RunState::Exited | RunState::Dead);
        match &entry.container.compose {
            Some(labels) if labels.one_off => over,
            Some(labels) => !definition.services.contains_key(&labels.service),
            None => false,
        }
    });
    found
}

/// What goes with a `down`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goes {
    pub containers: Vec<ContainerId>,
    pub networks: Vec<String>,
    /// Named and anonymous ones. An anonymous one that a recreated container took over from the one before
    /// is no longer its own: engines leave it, and nothing tells us which those are.
    pub volumes: Vec<String>,
    /// Containers that Compose leaves alone, because its files do not know their service.
    pub stays: Vec<ContainerId>,
}

/// Finds what goes with a `down`; volumes only where that was asked for.
pub fn goes(containers: &Containers, order: &ComposeOrder) -> Goes {
    let ComposeVerb::Down { volumes } = order.verb else { return Goes::default() };
    let whole = order.services.is_empty();
    let definition = containers.definition(&order.stack);
    let mut goes = Goes::default();
    for id in containers.of_target(&Target::Stack(order.stack.clone())) {
        let Some(entry) = containers.get(&id) else { continue };
        let service = entry.container.service_name();
        let one_off = entry.container.compose.as_ref().is_some_and(|compose| compose.one_off);
        let defined = definition.is_none_or(|definition| definition.services.contains_key(&service));
        if whole && !defined {
            goes.stays.push(id);
        } else if whole || (order.services.contains(&service) && !one_off) {
            let mounts = entry.container.mounts.iter().filter(|mount| mount.kind == "volume");
            let anonymous = mounts.filter(|mount| is_anonymous(&mount.source));
            if volumes {
                goes.volumes.extend(
                    anonymous
                        .map(|mount| format!("{} (anonymous; stays if inherited)", short(&mount.source))),
                );
            }
            goes.containers.push(id);
        }
    }
    if whole {
        let networks = goes.containers.iter().filter_map(|id| containers.get(id));
        let prefix = format!("{}_", order.stack);
        let mut names: Vec<String> = networks
            .flat_map(|entry| &entry.container.networks)
            .map(|network| network.name.clone())
            .filter(|name| name.starts_with(&prefix))
            .collect();
        names.sort();
        names.dedup();
        goes.networks = names;
        if volumes && let Some(definition) = definition {
            goes.volumes.extend(definition.volumes.iter().cloned());
        }
    }
    goes.volumes.sort();
    goes.volumes.dedup();
    goes
}

/// Whether the engine made up the name of a volume.
pub fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn short(name: &str) -> &str {
    name.get(..12).unwrap_or(name)
}

/// Whether a verb is one of Compose's.
pub fn is_compose(verb: Verb) -> bool {
    matches!(verb, Verb::Compose(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::model::compose::{Definition, ServiceDefinition};
    use crate::model::stack_file::{StackFile, Variant};
    use crate::state::State;
    use crate::state::verdict::tests::container;

    fn state() -> State {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut state = State::new(now, String::new(), false);
        let service = |image: &str, builds, profile: &str, ports: &[&str]| ServiceDefinition {
            image: image.to_owned(),
            builds,
            profiles: (!profile.is_empty()).then(|| profile.to_owned()).into_iter().collect(),
            ports: ports.iter().map(|port| (*port).to_owned()).collect(),
            ..ServiceDefinition::default()
        };
        let named =
            ServiceDefinition { container_name: String::from("the-one"), ..service("x", false, "", &[]) };
        let definition = Definition {
            name: "shop".into(),
            services: [
                ("web".into(), service("", true, "", &["8080:80/tcp"])),
                ("api".into(), service("api:1", false, "", &["9000-9002:90/tcp", "91/tcp"])),
                ("tool".into(), service("tool:1", false, "tools", &[])),
                ("one".into(), named),
            ]
            .into(),
            default_profiles: Vec::new(),
            ..Definition::default()
        };
        let project = ComposeProject { folder: "/srv/shop".into(), ..ComposeProject::default() };
        state.apply(now, Event::DefinitionRead { project, result: Ok(definition) });
        state
    }

    fn made(verb: ComposeVerb, services: &[&str], profiles: &[&str]) -> Result<Vec<String>, String> {
        let order = ComposeOrder {
            verb,
            stack: "shop".into(),
            services: services.iter().map(|name| (*name).into()).collect(),
            profiles: profiles.iter().map(|name| (*name).to_owned()).collect(),
        };
        let call = call(&state().containers, &order)?;
        Ok(call.steps.iter().map(|step| step.arguments.join(" ")).collect())
    }

    #[test]
    fn an_update_pulls_what_is_not_built_and_builds_the_rest() {
        assert_eq!(
            made(ComposeVerb::Update, &[], &[]).unwrap(),
            ["pull --ignore-pull-failures api one", "build web", "up --detach"]
        );
        assert_eq!(
            made(ComposeVerb::Update, &["web"], &[]).unwrap(),
            ["build web", "up --detach web"],
            "nothing to pull, no step"
        );
        let with_tools = made(ComposeVerb::Update, &[], &["tools"]).unwrap();
        assert_eq!(with_tools[0], "pull --ignore-pull-failures api one tool");
    }

    #[test]
    fn without_cache_the_build_is_a_step_of_its_own() {
        assert_eq!(
            made(ComposeVerb::RebuildClean, &["web"], &[]).unwrap(),
            ["build --no-cache web", "up --detach --no-deps web"]
        );
    }

    #[test]
    fn only_what_can_be_there_several_times_is_scaled() {
        let scale = |service, count| made(ComposeVerb::Scale(count), &[service], &[]);
        assert_eq!(scale("tool", 3).unwrap(), ["up --detach --no-deps --no-recreate --scale tool=3 tool"]);
        assert!(scale("web", 1).is_ok() && scale("api", 3).is_ok());
        assert!(scale("web", 2).unwrap_err().contains("host port 8080 can be published once"));
        assert!(scale("api", 4).unwrap_err().contains("host port 9000-9002 can be published 3 times"));
        assert!(scale("one", 2).unwrap_err().contains("container_name \"the-one\" is there once"));
        assert!(scale("tool", 101).unwrap_err().contains("more than stackdash asks for"));
    }

    #[test]
    fn orphans_are_what_the_files_do_not_know_and_what_is_left_of_one_off_runs() {
        let mut state = state();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut made: Vec<_> =
            [("web", RunState::Running), ("tool", RunState::Exited), ("gone", RunState::Running)]
                .map(|(service, run)| container(service, run))
                .into();
        for (id, run) in [("left", RunState::Exited), ("busy", RunState::Running)] {
            let mut one_off = container("web", run);
            one_off.id = ContainerId::new(id);
            one_off.compose.as_mut().unwrap().one_off = true;
            made.push(one_off);
        }
        state.apply(now, Event::ContainersListed(vec![made[0].clone()]));
        assert!(order(&state.containers, ComposeVerb::Sweep, &Target::Stack("shop".into())).is_err());
        let (gone, left) = (made[2].id.clone(), made[3].id.clone());
        state.apply(now, Event::ContainersListed(made));
        let mut found = orphans(&state.containers, &"shop".into());
        let mut wanted = vec![gone, left];
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
        let order = order(&state.containers, ComposeVerb::Sweep, &Target::Stack("shop".into())).unwrap();
        let call = call(&state.containers, &order).unwrap();
        assert_eq!(call.steps[0].arguments.join(" "), "up --detach --remove-orphans");
    }

    #[test]
    fn files_that_are_not_those_that_run_build_first() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let (dev, prod) = ("/srv/shop/compose.yml", "/srv/shop/prod.yml");
        let ups = |files: &[&str], runs: Option<&str>, service: &str, varied: bool| {
            let mut state = state();
            let variants = [("dev", dev), ("prod", prod)]
                .map(|(name, file)| Variant { name: name.to_owned(), files: vec![file.into()] });
            let file = StackFile {
                variants: if varied { variants.into() } else { Vec::new() },
                ..StackFile::default()
            };
            state.apply(
                now,
                Event::StackFileRead { stack: "shop".into(), folder: "/srv/shop".into(), result: Ok(file) },
            );
            let mut definition = state.containers.definition("shop").unwrap().clone();
            definition.files = vec!["/srv/shop/compose.yml".into()];
            let project = ComposeProject {
                folder: "/srv/shop".into(),
                files: files.iter().map(Into::into).collect(),
                ..ComposeProject::default()
            };
            state.apply(now, Event::DefinitionRead { project, result: Ok(definition) });
            let made = runs.map(|file| {
                let mut container = container(service, RunState::Running);
                if let Some(labels) = &mut container.compose {
                    labels.config_files = vec![file.to_owned()];
                }
                container
            });
            state.apply(now, Event::ContainersListed(made.into_iter().collect()));
            let order = ComposeOrder {
                verb: ComposeVerb::Up,
                stack: "shop".into(),
                services: Vec::new(),
                profiles: Vec::new(),
            };
            call(&state.containers, &order).unwrap().steps[0].arguments.join(" ")
        };
        assert_eq!(ups(&[prod], Some(dev), "web", false), "up --detach --build");
        assert_eq!(ups(&[prod], Some(prod), "web", true), "up --detach");
        assert_eq!(ups(&[], Some(dev), "web", true), "up --detach");
        for files in [&[prod][..], &[]] {
            assert_eq!(ups(files, None, "", true), "up --detach --build", "nothing says what was built last");
            assert_eq!(ups(files, None, "", false), "up --detach", "there is but one set of files");
        }
    }

    #[test]
    fn profiles_that_compose_has_on_by_itself_are_found() {
        let mut definition = state().containers.definition("shop").unwrap().clone();
        definition.set_default_profiles(&[String::from("web"), String::from("api")]);
        assert!(definition.default_profiles.is_empty());
        definition.set_default_profiles(&[String::from("web"), String::from("tool")]);
        assert_eq!(definition.default_profiles, ["tools"]);
    }

    #[test]
    fn there_is_nothing_to_go_back_to_without_an_update() {
        assert!(made(ComposeVerb::GoBack, &[], &[]).unwrap_err().contains("nothing to go back to"));
    }
}
