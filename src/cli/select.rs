//! Which services are meant: by `service`, `stack/service` or the name of a container, inside the stack
//! that was named, if one was.

use std::sync::Arc;

use crate::cli::exit::Failure;
use crate::cli::json::in_order;
use crate::cli::output::say;
use crate::config::Config;
use crate::config::nearest::did_you_mean;
use crate::model::containers::{ContainerId, NO_STACK};
use crate::model::stacks::{Stack, Target};
use crate::state::State;

/// Names listed in an error at most.
const LISTED: usize = 20;

/// Returns the stacks that are spoken of; naming one that is not there is an error.
pub fn stacks<'a>(state: &'a State, config: &Config) -> Result<Vec<&'a Stack>, Failure> {
    let all = in_order(state.containers.stacks());
    let Some(name) = &config.project else { return Ok(all) };
    if let Some(stack) = state.containers.stack(name) {
        return Ok(vec![stack]);
    }
    let names: Vec<&str> = all.iter().map(|stack| &*stack.name).collect();
    let hint = did_you_mean(name, names.iter().copied());
    Err(Failure::usage(format!("there is no stack {name:?} on {}{hint}", state.connection.host)).next_step(
        format!("Known stacks: {}; one that was never created is known by its file: -f FILE", list(&names)),
    ))
}

/// Says on standard error which rules of stacks cannot be used: what they watch over is missing in every list.
pub fn tell_faults(state: &State, stacks: &[&Stack]) {
    for fault in stacks.iter().flat_map(|stack| faults(state, &stack.name)) {
        say(fault);
    }
}

/// Returns what is wrong with a stack's own file and with labels of its containers.
pub fn faults<'a>(state: &'a State, stack: &'a str) -> impl Iterator<Item = &'a str> {
    let of_file = state.stack_files.fault(stack).into_iter().flat_map(str::lines);
    of_file.chain(state.stack_files.label_faults(stack))
}

/// Finds what each word means. No word at all: nothing is found, and the caller says what that means.
pub fn services(state: &State, config: &Config, words: &[String]) -> Result<Vec<Target>, Failure> {
    let stacks = stacks(state, config)?;
    let mut found = Vec::new();
    for word in words {
        let target = one(state, &stacks, word)?;
        if !found.contains(&target) {
            found.push(target);
        }
    }
    Ok(found)
}

/// Returns the containers that words mean, or those of everything in view without a word.
pub fn containers(state: &State, config: &Config, words: &[String]) -> Result<Vec<ContainerId>, Failure> {
    let targets = if words.is_empty() {
        stacks(state, config)?.iter().map(|stack| Target::Stack(stack.name.clone())).collect()
    } else {
        services(state, config, words)?
    };
    Ok(targets.iter().flat_map(|target| state.containers.of_target(target)).collect())
}

fn one(state: &State, stacks: &[&Stack], word: &str) -> Result<Target, Failure> {
    let service_of = |stack: &Stack, service: &Arc<str>| Target::Service {
        stack: stack.name.clone(),
        service: service.clone(),
    };
    let (wanted_stack, wanted) =
        word.split_once('/').map_or((None, word), |(stack, service)| (Some(stack), service));
    let matches: Vec<(Target, String)> = stacks
        .iter()
        .filter(|stack| wanted_stack.is_none_or(|name| *stack.name == *name))
        .filter_map(|stack| {
            let service = stack.service(wanted)?;
            let target = service_of(stack, &service.name);
            let name = full_name(&stack.name, &service.name);
            Some((target, name))
        })
        .collect();
    match &*matches {
        [(target, _)] => return Ok(target.clone()),
        [] => {}
        several => {
            let names: Vec<&str> = several.iter().map(|(_, name)| &**name).collect();
            return Err(Failure::usage(format!("{word:?} is ambiguous: {}", names.join(", ")))
                .next_step("Say which: stack/service, or -p NAME for the stack"));
        }
    }
    let in_view = stacks.iter().flat_map(|stack| &stack.services).flat_map(|service| &service.containers);
    let container = in_view.into_iter().filter_map(|id| state.containers.get(id)).find(|entry| {
        let container = &entry.container;
        *container.name == *word || container.id.short() == word || container.id.as_str() == word
    });
    container.map(|entry| Target::Container(entry.container.id.clone())).ok_or_else(|| unknown(stacks, word))
}

fn unknown(stacks: &[&Stack], word: &str) -> Failure {
    if stacks.iter().any(|stack| *stack.name == *word) {
        return Failure::usage(format!("{word:?} is a stack, not a service"))
            .next_step(format!("For the whole stack: -p {word}"));
    }
    let mut names: Vec<String> = Vec::new();
    for stack in stacks {
        for service in &stack.services {
            names.push(if stacks.len() == 1 {
                service.name.to_string()
            } else {
                full_name(&stack.name, &service.name)
            });
        }
    }
    // A slip is looked for among bare names and full ones.
    let bare = stacks.iter().flat_map(|stack| &stack.services).map(|service| &*service.name);
    let hint = did_you_mean(word, bare.chain(names.iter().map(|name| &**name)));
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    Failure::usage(format!("there is no service or container {word:?}{hint}"))
        .next_step(format!("Known services: {}", list(&names)))
}

/// Names a service so that it can be typed again: `energy/app`, or bare without a stack.
pub fn full_name(stack: &str, service: &str) -> String {
    if stack == NO_STACK { service.to_owned() } else { format!("{stack}/{service}") }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return String::from("none");
    }
    let shown = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{container, id, now, state};
    use crate::event::Event;

    fn in_stack(name: &str) -> Config {
        Config { project: Some(name.to_owned()), ..Config::default() }
    }

    fn find(config: &Config, word: &str) -> Result<Target, String> {
        let mut found = services(&state(), config, &[word.to_owned()]).map_err(|error| error.to_string())?;
        Ok(found.remove(0))
    }

    fn target(stack: &str, service: &str) -> Target {
        Target::Service { stack: stack.into(), service: service.into() }
    }

    #[test]
    fn a_service_is_found_by_its_name_alone_or_with_its_stack() {
        assert_eq!(find(&Config::default(), "web"), Ok(target("shop", "web")));
        assert_eq!(find(&Config::default(), "shop/web"), Ok(target("shop", "web")));
        assert_eq!(find(&in_stack("shop"), "web"), Ok(target("shop", "web")));
        assert!(find(&in_stack("blog"), "web").is_err());
        assert_eq!(find(&Config::default(), "adminer"), Ok(target("(no stack)", "adminer")));
    }

    #[test]
    fn a_container_is_found_by_its_name_or_short_id() {
        assert_eq!(find(&Config::default(), "shop-worker-2"), Ok(Target::Container(id(6))));
        assert_eq!(find(&Config::default(), id(6).short()), Ok(Target::Container(id(6))));
        assert!(find(&in_stack("blog"), "shop-worker-2").is_err());
    }

    #[test]
    fn an_ambiguous_name_lists_its_candidates() {
        let mut state = State::new(now(), String::new(), false);
        let both = vec![container(1, "shop", "db"), container(2, "blog", "db")];
        state.apply(now(), Event::ContainersListed(both));
        let error = services(&state, &Config::default(), &[String::from("db")]).unwrap_err().to_string();
        assert!(error.starts_with("\"db\" is ambiguous: blog/db, shop/db\n"), "{error}");
        let found = services(&state, &in_stack("blog"), &[String::from("db")]).unwrap();
        assert_eq!(found, [target("blog", "db")]);
    }

    #[test]
    fn an_unknown_name_is_told_what_is_known() {
        let error = find(&Config::default(), "wbe").unwrap_err();
        assert!(error.contains("\"wbe\"; did you mean \"web\"?"), "{error}");
        assert!(error.contains("Known services: blog/site, shop/api"), "{error}");
        assert!(error.ends_with(", adminer"), "{error}");
        let error = find(&Config::default(), "shop").unwrap_err();
        assert!(error.contains("is a stack") && error.contains("-p shop"), "{error}");
        let error = find(&in_stack("shpo"), "web").unwrap_err();
        assert!(error.contains("no stack \"shpo\"") && error.contains("did you mean \"shop\"?"), "{error}");
    }

    #[test]
    fn the_same_service_named_twice_is_one() {
        let words = [String::from("web"), String::from("shop/web")];
        assert_eq!(services(&state(), &Config::default(), &words).unwrap().len(), 1);
        assert_eq!(containers(&state(), &in_stack("blog"), &[]).unwrap(), [id(7)]);
    }
}
