//! Images: none at all, no version, no Dockerfile, root inside.

use std::path::{Path, PathBuf};

use crate::lint::dockerfile::{Stage, stage};
use crate::lint::document::{Build, Document, Service};
use crate::lint::facts::{AtPath, Questions};
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::{Error, Warning};

pub const MISSING: Rule =
    Rule { name: "image-missing", why: "There is nothing to run: Compose refuses the whole stack" };
pub const LATEST: Rule = Rule {
    name: "image-latest",
    why: "The next pull may bring another version, and nobody can tell which one ran before",
};
pub const NO_DOCKERFILE: Rule =
    Rule { name: "dockerfile-missing", why: "The image cannot be built: up ends with an error" };
pub const ROOT: Rule = Rule {
    name: "user-root",
    why: "Whoever breaks into the service is root in the container, and owns every file that is mounted into it",
};

/// Images that begin as root and give it up by themselves.
const DROPS_ROOT: [&str; 12] = [
    "postgres",
    "mongo",
    "mysql",
    "mariadb",
    "redis",
    "valkey",
    "nginx",
    "httpd",
    "rabbitmq",
    "memcached",
    "questdb",
    "timescaledb",
];

pub fn ask(document: &Document, questions: &mut Questions) {
    for (name, service) in &document.services {
        questions.images.entry(service.image_name(&document.name, name)).or_default();
        if let Some(build) = &service.build
            && let Some(file) = dockerfile_of(build)
        {
            questions.paths.insert(PathBuf::from(&build.context));
            questions.paths.insert(file.clone());
            questions.dockerfiles.insert(file);
        }
    }
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (name, service) in &subject.document.services {
        let image = service.image.as_deref().unwrap_or_default();
        match &service.build {
            None if image.is_empty() => {
                findings.add(
                    MISSING,
                    Error,
                    Some(name),
                    subject.places.service(name),
                    (
                        String::from("It has neither an image nor a build"),
                        String::from("Add image: NAME or build: FOLDER"),
                    ),
                );
            }
            None => latest(subject, name, image, findings),
            Some(build) => buildable(subject, name, build, findings),
        }
        root(subject, name, service, findings);
    }
}

fn latest(subject: &Subject<'_>, name: &str, image: &str, findings: &mut Findings) {
    // A digest says exactly which one is meant; a colon before the last slash belongs to a registry.
    if image.contains('@') {
        return;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    let what = match last.split_once(':') {
        Some((_, "latest")) => "has the tag latest",
        Some(_) => return,
        None => "has no tag, which means latest",
    };
    findings.add(
        LATEST,
        Warning,
        Some(name),
        subject.places.of(name, &["image"]),
        (format!("Image {image} {what}"), String::from("Name the version that is meant, or a digest")),
    );
}

fn buildable(subject: &Subject<'_>, name: &str, build: &Build, findings: &mut Findings) {
    let Some(file) = dockerfile_of(build) else { return };
    let at = |path: &Path| subject.facts.paths.get(path).copied();
    let what = if at(Path::new(&build.context)) == Some(AtPath::Missing) {
        format!("The build context {} does not exist", build.context)
    } else if matches!(at(&file), Some(AtPath::Missing | AtPath::Folder)) {
        format!("There is no Dockerfile at {}", file.display())
    } else {
        return;
    };
    findings.add(
        NO_DOCKERFILE,
        Error,
        Some(name),
        subject.places.of(name, &["build"]),
        (
            what,
            String::from("Correct build.context and build.dockerfile; both are relative to the compose file"),
        ),
    );
}

fn root(subject: &Subject<'_>, name: &str, service: &Service, findings: &mut Findings) {
    let is_root = |user: &str| matches!(user.split(':').next(), Some("" | "0" | "root"));
    let (what, key) = if let Some(user) = service.user.as_deref().filter(|user| !user.is_empty()) {
        if !is_root(user) {
            return;
        }
        ("user: says root", "user")
    } else if let Some((stage, _)) = stage_of(subject, service) {
        match stage.user.as_deref() {
            Some(user) if user.starts_with('$') || !is_root(user) => return,
            Some(_) => ("Its Dockerfile ends as root", "build"),
            None => ("Its Dockerfile names no user, so it runs as root", "build"),
        }
    } else {
        if DROPS_ROOT.iter().any(|image| service.is_image(image)) {
            return;
        }
        let image = service.image_name(&subject.document.name, name);
        match subject.facts.images.get(&image) {
            Some(facts) if is_root(&facts.user) => ("Its image names no user, so it runs as root", "image"),
            _ => return,
        }
    };
    findings.add(
        ROOT,
        Warning,
        Some(name),
        subject.places.of(name, &[key]),
        (what.to_owned(), String::from("Add USER to the Dockerfile, or user: \"1000:1000\" to the service")),
    );
}

/// Returns where a build's Dockerfile should be; none for one that is elsewhere or written in the file.
fn dockerfile_of(build: &Build) -> Option<PathBuf> {
    if build.dockerfile_inline.is_some() || !build.context.starts_with('/') {
        return None;
    }
    let name = build.dockerfile.as_deref().unwrap_or("Dockerfile");
    Some(Path::new(&build.context).join(name))
}

/// Returns the stage that a service's image is built from, and its file.
pub fn stage_of(subject: &Subject<'_>, service: &Service) -> Option<(Stage, String)> {
    let build = service.build.as_ref()?;
    let file = dockerfile_of(build)?;
    let text = subject.facts.dockerfiles.get(&file)?;
    Some((stage(text, build.target.as_deref())?, file.display().to_string()))
}
