use std::path::{Path, PathBuf};

use super::{FOLDER, bind, built, rule, ruled};
use crate::model::compose::{Definition, MountDefinition, ServiceDefinition};
use crate::model::stack_file::StackFile;
use crate::model::watch::WatchAction;
use crate::model::watch::ignore::Patterns;
use crate::model::watch::run::RunAction;
use crate::model::watch::tree::{FileChange, Ignore};
use crate::state::watch::matching::work;
use crate::state::watch::plan::{plan, trees};
use crate::state::watch::{PlanOrigin, ServicePlan};

fn planned(service: &ServiceDefinition) -> ServicePlan {
    let files = vec![PathBuf::from(format!("{FOLDER}/docker-compose.yml"))];
    plan("app", service, &Definition { files, ..Definition::default() }, None)
}

/// Says what a save of a file leads to.
fn action(plan: &ServicePlan, path: &str) -> Option<RunAction> {
    let change = FileChange { path: format!("{FOLDER}/{path}").into(), before: None, after: super::hash(1) };
    work(&plan.rules, Path::new(FOLDER), None, &[&change]).action
}

#[test]
fn without_rules_whatever_goes_into_the_build_rebuilds() {
    let mut service = built("app");
    let build = service.build.as_mut().unwrap();
    build.dockerfile = String::from("../docker/App.Dockerfile");
    build.additional_contexts = vec![
        (String::from("shared"), format!("{FOLDER}/shared")),
        (String::from("base"), String::from("docker-image://alpine")),
    ];
    let plan = planned(&service);
    assert_eq!(plan.origin, PlanOrigin::Build);
    for (path, wanted) in [
        ("app/src/main.rs", Some(RunAction::Rebuild)),
        ("docker/App.Dockerfile", Some(RunAction::Rebuild)),
        ("shared/lib.rs", Some(RunAction::Rebuild)),
        ("other/x", None),
    ] {
        assert_eq!(action(&plan, path), wanted, "{path}");
    }
    let all = trees(&"shop".into(), &"app".into(), &service, &plan);
    let of = |root: &str| all.iter().find(|tree| tree.root == Path::new(FOLDER).join(root)).unwrap();
    assert!(matches!(&of("app").ignores[..], [Ignore::DockerIgnore { dockerfile, .. }]
        if dockerfile.ends_with("docker/App.Dockerfile")));
    assert!(of("docker/App.Dockerfile").ignores.is_empty(), "it is built from, whatever is left out");
    let elsewhere = ServiceDefinition {
        build: Some(crate::model::compose::BuildSection {
            context: String::from("https://example.com/app.git"),
            ..Default::default()
        }),
        ..service
    };
    let plan = planned(&elsewhere);
    assert_eq!(plan.origin, PlanOrigin::Nothing);
    assert!(plan.notes[0].contains("https://example.com/app.git"), "{:?}", plan.notes);
    assert_eq!(planned(&ServiceDefinition::default()), ServicePlan::default());
}

#[test]
fn mounted_sources_reload_themselves_but_what_is_installed_from_them_does_not() {
    let anonymous = MountDefinition {
        kind: String::from("volume"),
        target: String::from("/app/node_modules"),
        ..MountDefinition::default()
    };
    let mounts = vec![bind("web", "/app/web"), bind("data", "/app/data"), anonymous];
    let plan = planned(&ServiceDefinition { mounts, ..built("") });
    assert_eq!(plan.origin, PlanOrigin::BindMount);
    assert_eq!(
        plan.notes,
        ["bind mount, the service reloads itself", "volumes without a name are made anew with each rebuild"]
    );
    for (path, wanted) in [
        ("web/api/routes/root.js", None),
        ("web/frontend/src/main.jsx", None),
        ("data/settings.json", None),
        ("package.json", Some(RunAction::Rebuild)),
        ("web/api/package.json", Some(RunAction::Rebuild)),
        ("web/api/node_modules/left-pad/package.json", None),
        ("Dockerfile", Some(RunAction::Rebuild)),
        ("watt.json", Some(RunAction::Rebuild)),
        ("docker-compose.yml", None),
        ("stackdash.toml", None),
    ] {
        assert_eq!(action(&plan, path), wanted, "{path}");
    }
    // Where all of it is mounted, only what is installed and how is left.
    let plan = planned(&ServiceDefinition { mounts: vec![bind("", "/app")], ..built("app") });
    assert_eq!(action(&plan, "app/main.py"), None);
    assert_eq!(action(&plan, "app/requirements-dev.txt"), Some(RunAction::Rebuild));
    assert_eq!(action(&plan, "app/Dockerfile"), Some(RunAction::Rebuild));
    // A single file that lies over one of the image is no source of the build.
    let plan = planned(&ServiceDefinition {
        mounts: vec![bind("app/nginx [1].conf", "/etc/n.conf")],
        ..built("app")
    });
    assert_eq!(action(&plan, "app/nginx [1].conf"), None);
    assert_eq!(action(&plan, "app/nginx 1.conf"), Some(RunAction::Rebuild));
}

#[test]
fn rules_that_cannot_be_followed_are_left_out_with_a_word() {
    let rules = vec![
        rule("app/src", WatchAction::Sync, "/app/src"),
        rule("app/live", WatchAction::SyncRestart, "/app/live"),
        rule("app/x", WatchAction::Sync, ""),
        rule("app/y", WatchAction::Other(String::from("sync+dance")), "/y"),
        rule("app/z", WatchAction::Rebuild, ""),
    ];
    let service =
        ServiceDefinition { mounts: vec![bind("app/live", "/app/live")], build: None, ..ruled(rules) };
    let plan = planned(&service);
    assert_eq!(plan.origin, PlanOrigin::Develop);
    assert_eq!(plan.rules.len(), 1);
    let notes = plan.notes.join("\n");
    for word in ["bind-mounted already", "names no target", "sync+dance", "nothing to rebuild"] {
        assert!(notes.contains(word), "{word} in {notes}");
    }
}

#[test]
fn rules_of_the_stack_file_stand_beside_those_of_compose() {
    let own = rule("app/conf", WatchAction::SyncExec, "/etc/app");
    let file =
        StackFile { watch: vec![("app".into(), own.clone()), ("db".into(), own)], ..StackFile::default() };
    let plan = |service: &ServiceDefinition| plan("app", service, &Definition::default(), Some(&file));
    assert_eq!(plan(&built("app")).origin, PlanOrigin::StackFile);
    let both = plan(&ruled(vec![rule("app", WatchAction::Rebuild, "")]));
    assert_eq!((both.origin, both.rules.len()), (PlanOrigin::Develop, 2));
}

#[test]
fn names_are_no_patterns() {
    let ignore = |name: &str| {
        let plan =
            planned(&ServiceDefinition { mounts: vec![bind(&format!("app/{name}"), "/x")], ..built("app") });
        plan.rules.iter().find(|rule| rule.path.ends_with("app")).unwrap().ignore.clone()
    };
    for name in ["a*b", "a?b", "[ab]", "!a", "#a", "a b"] {
        let patterns = Patterns::new(ignore(name));
        assert!(patterns.is_ignored(Path::new(name)), "{name}");
        assert!(!patterns.is_ignored(Path::new("axb")), "{name}");
    }
}
