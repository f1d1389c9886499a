//! A shell beside a container that has none: a container of its own, of a local image that has a shell,
//! in the namespaces of the other and with its volumes. It goes when it ends.

use std::collections::{BTreeSet, HashMap};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, RemoveContainerOptionsBuilder, StartContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt;
use serde_json::Value;

use crate::adapters::docker::json::Json;
use crate::adapters::docker::shell::stream::Source;
use crate::adapters::docker::shell::{container_sizes, resize_container, runs, session, term};
use crate::adapters::docker::wire::{bounded, explain};
use crate::adapters::docker::{DockerEngine, container_path, wire};
use crate::model::containers::ContainerId;
use crate::model::shells::ShellEnd;
use crate::ports::{EngineError, ShellSession};

/// Says whose it is, for whoever finds it.
const LABEL: &str = "stackdash.debug";
const SCRIPT: &str = "command -v bash >/dev/null 2>&1 && exec bash || exec sh";
/// Images looked at, and offered, at most.
const LOOKED_AT: usize = 60;
const OFFERED: usize = 8;
/// Containers of an image that are looked into.
const CONTAINERS: usize = 3;

impl DockerEngine {
    pub(super) async fn shell_beside(
        &self,
        id: &ContainerId,
        image: &str,
        size: (u16, u16),
    ) -> Result<ShellSession, EngineError> {
        let what = format!("open a shell beside {}", id.short());
        let docker = self.connected(&what)?;
        let with = format!("container:{id}");
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            entrypoint: Some(["sh", "-c", SCRIPT].map(str::to_owned).to_vec()),
            cmd: Some(Vec::new()),
            env: Some(vec![format!("TERM={}", term())]),
            // What the other may not read is why one is here.
            user: Some(String::from("0")),
            tty: Some(true),
            open_stdin: Some(true),
            stdin_once: Some(true),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            labels: Some(HashMap::from([(String::from(LABEL), id.to_string())])),
            host_config: Some(HostConfig {
                network_mode: Some(with.clone()),
                pid_mode: Some(with),
                volumes_from: Some(vec![id.to_string()]),
                auto_remove: Some(true),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let created = bounded(&what, wire::LONG_CALL, async {
            docker
                .create_container(None::<CreateContainerOptions>, body)
                .await
                .map_err(|error| explain(&what, &error))
        });
        let beside = ContainerId::new(created.await?.id);
        let opened = async {
            let wires = self.take_over(&docker, &Source::Container(beside.as_str()), &what).await?;
            bounded(&what, wire::LONG_CALL, async {
                docker
                    .start_container(beside.as_str(), None::<StartContainerOptions>)
                    .await
                    .map_err(|error| explain(&what, &error))
            })
            .await?;
            Ok(wires)
        };
        let wires = match opened.await {
            Ok(wires) => wires,
            Err(error) => {
                remove(&docker, &beside).await;
                return Err(error);
            }
        };
        // Asked for at once: afterwards there is nothing left to ask.
        let (code_in, code) = tokio::sync::oneshot::channel();
        let (for_wait, waited) = (docker.clone(), beside.clone());
        tokio::spawn(async move {
            let answer = for_wait.wait_container(waited.as_str(), None::<WaitContainerOptions>).next().await;
            let _ = code_in.send(match answer {
                Some(Ok(ended)) => Some(ended.status_code),
                Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Some(code),
                _ => None,
            });
        });
        resize_container(&docker, &beside, size).await;
        let resize = container_sizes(&docker, &beside);
        let end = {
            let (docker, id, beside) = (docker.clone(), id.clone(), beside.clone());
            Box::pin(async move {
                let exit_code = tokio::time::timeout(super::LAST_WORDS, code).await;
                remove(&docker, &beside).await;
                ShellEnd {
                    exit_code: exit_code.ok().and_then(Result::ok).flatten(),
                    container_runs: runs(&docker, &id, false).await,
                }
            })
        };
        let hang_up = Box::pin(async move {
            let _ = tokio::time::timeout(super::HANG_UP, remove(&docker, &beside)).await;
        });
        Ok(session(wires, Vec::new(), resize, end, hang_up))
    }

    /// Lists local images that have a shell: their command is one, or one of their containers has it.
    pub(super) async fn images_with_a_shell(&self, docker: &Docker) -> Result<Vec<String>, EngineError> {
        const WHAT: &str = "list the images";
        let images = wire::get_json(docker, "/images/json", WHAT, wire::LONG_CALL).await?;
        let containers =
            wire::get_json(docker, "/containers/json?all=1", WHAT, wire::LONG_CALL).await.unwrap_or_default();
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        // What builds left behind without a name is no image to offer, nor a reason to look at fewer.
        let named = Json(&images).items_here().filter_map(|image| {
            Some((image.texts("RepoTags").find(|tag| !tag.contains("<none>"))?.to_owned(), image.raw("Id")))
        });
        for (tag, id) in named.take(LOOKED_AT) {
            if found.len() == OFFERED || !seen.insert(id) {
                continue;
            }
            let path = format!("/images/{id}/json");
            let config = wire::get_json(docker, &path, WHAT, wire::CALL).await.unwrap_or_default();
            if runs_a_shell(&config) || has_shell(docker, &containers, id).await {
                found.push((Json(&config).count("Size").unwrap_or(u64::MAX), tag));
            }
        }
        // The smallest is most likely made for this.
        found.sort();
        Ok(found.into_iter().map(|(_, tag)| tag).collect())
    }
}

/// Whether the first word of an image's entry point or command is a shell.
fn runs_a_shell(image: &Value) -> bool {
    let image = Json(image);
    let entry = image.texts("Config/Entrypoint").next();
    let first = entry.or_else(|| image.texts("Config/Cmd").next()).unwrap_or_default();
    matches!(first.rsplit('/').next(), Some("sh" | "bash" | "ash" | "zsh" | "dash" | "busybox"))
}

/// Whether a container of this image has a shell where one is looked for.
async fn has_shell(docker: &Docker, containers: &Value, image: &str) -> bool {
    let its = Json(containers).items_here().filter(|container| container.raw("ImageID") == image);
    // One may have gone since the list was made.
    for container in its.take(CONTAINERS) {
        let id = ContainerId::new(container.raw("Id"));
        let Ok(path) = container_path(&id, "archive?path=/bin/sh") else { continue };
        if wire::get(docker, &path, "look for a shell", wire::CALL).await.is_ok() {
            return true;
        }
    }
    false
}

async fn remove(docker: &Docker, id: &ContainerId) {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    // Mostly it has removed itself.
    if let Err(error) = docker.remove_container(id.as_str(), Some(options)).await {
        log::debug!("removing a debug container: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_whose_command_is_a_shell_has_one() {
        for (image, has) in [
            (serde_json::json!({"Config": {"Cmd": ["bash"]}}), true),
            (serde_json::json!({"Config": {"Cmd": ["/bin/sh"], "Entrypoint": null}}), true),
            (serde_json::json!({"Config": {"Entrypoint": ["/app"], "Cmd": ["sh"]}}), false),
            (serde_json::json!({"Config": {"Cmd": null}}), false),
            (serde_json::json!(null), false),
        ] {
            assert_eq!(runs_a_shell(&image), has, "{image}");
        }
    }
}
