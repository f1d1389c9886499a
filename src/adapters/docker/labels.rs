//! What Compose writes on the containers it makes, version 1 and 2.
//!
//! Pure. Knows nothing of compose files; it only says where they were.

use std::path::Path;
use std::sync::Arc;

use crate::adapters::docker::json::Json;
use crate::config::stack_file;
use crate::config::stack_file::labels::PREFIX;
use crate::model::containers::{ComposeLabels, Dependency, DependsCondition};
use crate::model::stack_file::LabelRules;
use crate::model::text;

/// Reads the labels of a container; none where Compose did not make it.
pub fn read(container: &str, labels: Json<'_>) -> Option<ComposeLabels> {
    // Label names hold dots, never slashes, so a path of one step reaches them.
    let label = |name: &str| labels.raw(&format!("com.docker.compose.{name}"));
    let (project, service) = (text::clean(label("project")), text::clean(label("service")));
    if project.is_empty() || service.is_empty() {
        return None;
    }
    let working_dir = label("project.working_dir");
    let rules = rules(container, &service, working_dir, labels);
    Some(ComposeLabels {
        project: Arc::from(project),
        service: Arc::from(service),
        number: label("container-number").parse().unwrap_or_default(),
        one_off: label("oneoff").eq_ignore_ascii_case("true"),
        config_files: config_files(label("project.config_files"), working_dir),
        working_dir: text::clean(working_dir),
        env_files: config_files(label("project.environment_file"), working_dir),
        config_hash: text::clean(label("config-hash")),
        version: text::clean(label("version")),
        depends_on: depends_on(label("depends_on")),
        rules,
    })
}

/// Reads the labels that are ours.
fn rules(container: &str, service: &str, working_dir: &str, labels: Json<'_>) -> Option<Arc<LabelRules>> {
    let all = labels.0.as_object()?;
    let own = all.iter().filter(|(label, _)| label.starts_with(PREFIX));
    let own: Vec<(&str, &str)> =
        own.filter_map(|(label, value)| Some((label.as_str(), value.as_str()?))).collect();
    if own.is_empty() {
        return None;
    }
    let rules = stack_file::labels::rules(container, service, Path::new(working_dir), own.into_iter());
    (rules != LabelRules::default()).then(|| Arc::new(rules))
}

/// Version 1 wrote the files relative to the working folder.
fn config_files(list: &str, working_dir: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|file| !file.is_empty())
        .map(|file| text::clean(&Path::new(working_dir).join(file).to_string_lossy()))
        .collect()
}

/// Reads `db:service_healthy:false,migrations:service_completed_successfully:false`.
fn depends_on(list: &str) -> Vec<Dependency> {
    list.split(',')
        .filter_map(|entry| {
            let mut parts = entry.trim().split(':');
            let service = parts.next().map(text::clean).filter(|name| !name.is_empty())?;
            let condition = DependsCondition::parse(parts.next().unwrap_or_default());
            Some(Dependency { service: Arc::from(service), condition, required: true })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_read_from_the_label() {
        let labels = json!({
            "com.docker.compose.project": "shop",
            "com.docker.compose.service": "api",
            "com.docker.compose.container-number": "2",
            "com.docker.compose.oneoff": "False",
            "com.docker.compose.project.working_dir": "/srv/shop",
            "com.docker.compose.project.config_files": "/srv/shop/a.yml,/srv/b.yml",
            "com.docker.compose.depends_on":
                "db:service_healthy:false,migrations:service_completed_successfully:false,cache:service_started:true",
        });
        let compose = read("web-1", Json(&labels)).unwrap();
        let conditions: Vec<_> = compose.depends_on.iter().map(|d| (&*d.service, d.condition)).collect();
        assert_eq!(
            conditions,
            [
                ("db", DependsCondition::Healthy),
                ("migrations", DependsCondition::CompletedSuccessfully),
                ("cache", DependsCondition::Started),
            ]
        );
        assert_eq!((compose.number, compose.one_off), (2, false));
        assert_eq!(compose.config_files, ["/srv/shop/a.yml", "/srv/b.yml"]);
    }

    #[test]
    fn version_1_files_are_joined_with_the_working_folder() {
        let labels = json!({
            "com.docker.compose.project": "old",
            "com.docker.compose.service": "web",
            "com.docker.compose.version": "1.29.2",
            "com.docker.compose.oneoff": "True",
            "com.docker.compose.project.working_dir": "/srv/old",
            "com.docker.compose.project.config_files": "docker-compose.yml,extra/more.yml",
        });
        let compose = read("web-1", Json(&labels)).unwrap();
        assert_eq!(compose.config_files, ["/srv/old/docker-compose.yml", "/srv/old/extra/more.yml"]);
        assert!(compose.one_off && compose.depends_on.is_empty() && compose.number == 0);
    }

    #[test]
    fn half_of_the_labels_make_no_service() {
        assert_eq!(read("web-1", Json(&json!({"com.docker.compose.project": "shop"}))), None);
        assert_eq!(read("web-1", Json(&json!(null))), None);
    }
}
