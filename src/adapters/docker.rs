//! The Docker Engine API, Docker's and Podman's, behind [`crate::ports::Engine`].
//!
//! bollard carries the requests and does what changes something (start, stop, remove …); all that is
//! read is decoded by our own lenient readers, because one word that bollard does not know costs a
//! whole answer (see `wire`). Requests name no API version, so every engine answers in its own.
//! Connecting is lazy: an engine that is not there yet is an error to retry, never a reason to end.
//!
//! Knows no state and no policy: what to list again, when to retry and what to follow is decided by
//! its callers. Nothing leaves this room that was not cleaned and masked.

mod access;
mod context;
mod convert;
mod copy;
mod disk;
mod endpoint;
mod events;
mod facts;
mod images;
mod info;
mod json;
#[cfg(target_os = "linux")]
mod json_file;
#[cfg(not(target_os = "linux"))]
#[path = "docker/json_file/elsewhere.rs"]
mod json_file;
mod labels;
mod list;
mod log_files;
mod logs;
mod place;
mod runs;
mod secrets;
mod shell;
mod streams;
mod sync;
mod tar;
mod tunnel;
mod wire;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{
    KillContainerOptions, RemoveContainerOptions, RemoveImageOptions, RemoveVolumeOptions,
    RenameContainerOptions, RestartContainerOptions, StartContainerOptions, StopContainerOptions,
    TagImageOptions,
};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::adapters::docker::endpoint::{Endpoint, Machine};
use crate::adapters::docker::json::Json;
use crate::adapters::docker::json_file::InPlace;
use crate::adapters::docker::tunnel::Tunnel;
use crate::config::{EndpointChoice, LogWay};
use crate::event::{EngineEvent, EngineEventKind, EngineInfo, ProcessTable};
use crate::model::containers::{Container, ContainerId};
use crate::model::findings::ImageFacts;
use crate::model::host::EngineDiskUsage;
use crate::model::jobs::{CopyOrder, Signal};
use crate::model::logs::file::FileNews;
use crate::model::logs::{LogLine, LogSource};
use crate::model::runs::ExecOrder;
use crate::model::secret::{Captured, Secret, SecretFile};
use crate::model::shells::ShellWish;
use crate::model::watch::run::SyncItem;
use crate::ports::{
    BoxFuture, BoxStream, Clock, Engine, EngineError, ExecSession, FileRequest, LogRequest, Opening,
};

/// How long a stop may take beyond the container's own stop timeout.
const STOP_SLACK: Duration = Duration::from_secs(30);
/// For a stop of a container whose stop timeout is not known.
const STOP_AT_MOST: Duration = Duration::from_mins(2);

/// One engine behind one endpoint.
#[derive(Debug)]
pub struct DockerEngine {
    endpoint: Endpoint,
    /// `None` before the first attempt to connect.
    client: Mutex<Option<Docker>>,
    tunnel: tokio::sync::Mutex<Option<Tunnel>>,
    /// Seconds, as last inspected: they bound how long a stop may take.
    stop_timeouts: Arc<Mutex<HashMap<ContainerId, u32>>>,
    programs: images::Known,
    /// For logs that are read from the engine's own files; `None`: none are.
    in_place: Option<Arc<InPlace>>,
    /// Requests so far: each takes the client anew.
    calls: AtomicU64,
}

impl DockerEngine {
    /// Finds the endpoint that is meant. Only nonsense fails here; whether anybody answers is found by
    /// connecting.
    pub fn new(choice: &EndpointChoice) -> Result<Self, EngineError> {
        Ok(Self::at(endpoint::resolve(choice, &Machine)?))
    }

    /// Says which way logs are read.
    pub fn with_logs(mut self, way: LogWay) -> Self {
        if way == LogWay::Api {
            self.in_place = None;
        }
        self
    }

    fn at(endpoint: Endpoint) -> Self {
        Self {
            // A container of another machine has no files here.
            in_place: matches!(endpoint, Endpoint::Unix(_)).then(Arc::default),
            endpoint,
            client: Mutex::default(),
            tunnel: tokio::sync::Mutex::default(),
            stop_timeouts: Arc::default(),
            programs: images::Known::default(),
            calls: AtomicU64::new(0),
        }
    }

    /// Returns the client for other requests; `None` before the first attempt to connect.
    pub fn client(&self) -> Option<Docker> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the engine is reached through a socket of this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.endpoint, Endpoint::Unix(_))
    }

    /// Returns the socket that requests go through, a tunnel's included; `None` over TCP.
    async fn socket(&self) -> Option<PathBuf> {
        match &self.endpoint {
            Endpoint::Unix(path) => Some(path.clone()),
            Endpoint::Tcp { .. } => None,
            Endpoint::Ssh(_) => self.tunnel.lock().await.as_ref().map(Tunnel::socket),
        }
    }

    fn connected(&self, what: &str) -> Result<Docker, EngineError> {
        self.client().ok_or_else(|| {
            EngineError::Unreachable(format!("cannot {what}: not connected to {} yet", self.endpoint))
        })
    }

    /// Makes a client for the endpoint, with whatever stands before it (a tunnel) in order.
    async fn dial(&self) -> Result<Docker, EngineError> {
        match &self.endpoint {
            Endpoint::Unix(path) => access::unix(path).await,
            Endpoint::Tcp { url, tls: Some(folder) } => access::tls(url, folder),
            Endpoint::Tcp { url, tls: None } => access::plain(url),
            Endpoint::Ssh(target) => {
                let mut tunnel = self.tunnel.lock().await;
                if tunnel.as_mut().is_none_or(|open| !open.is_open()) {
                    *tunnel = None;
                    *tunnel = Some(Tunnel::open(target).await?);
                }
                match tunnel.as_ref() {
                    Some(open) => access::unix(&open.socket()).await,
                    None => Err(EngineError::Unreachable(format!("cannot reach {}", self.endpoint))),
                }
            }
        }
    }

    async fn introduce(&self) -> Result<EngineInfo, EngineError> {
        let what = format!("reach {}", self.endpoint);
        let docker = self.dial().await?;
        let sent = Clock::Wall.now();
        self.calls.fetch_add(2, Ordering::Relaxed);
        self.client.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| docker.clone());
        let (version, info) = tokio::join!(
            wire::get_json(&docker, "/version", &what, wire::CALL),
            wire::get_json(&docker, "/info", &what, wire::CALL),
        );
        let (version, info) = (version?, info?);
        let came = Clock::Wall.now();
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(docker);
        let own = place::of(&self.endpoint, &place::Surroundings::of_this_process());
        let about = info::of(self.host(), self.is_local(), Json(&version), Json(&info));
        let clock_ahead = about.time.map(|time| info::ahead(time, sent, came));
        Ok(EngineInfo { clock_ahead, own, ..about })
    }

    async fn inspection(&self, id: &ContainerId, what: &str) -> Result<Value, EngineError> {
        let docker = self.connected(what)?;
        wire::get_json(&docker, &container_path(id, "json")?, what, wire::CALL).await
    }

    /// Returns how long a call that stops a container may take.
    fn stop_limit(&self, id: &ContainerId) -> Duration {
        let timeouts = self.stop_timeouts.lock().unwrap_or_else(PoisonError::into_inner);
        timeouts.get(id).map_or(STOP_AT_MOST, |seconds| Duration::from_secs((*seconds).into()) + STOP_SLACK)
    }

    async fn act(
        &self,
        what: &str,
        limit: Duration,
        call: impl AsyncFnOnce(Docker) -> Result<(), bollard::errors::Error>,
    ) -> Result<(), EngineError> {
        // bollard has a limit of its own, which must not be the shorter one.
        let docker = self.connected(what)?.with_timeout(limit + STOP_SLACK);
        wire::bounded(what, limit, async { call(docker).await.map_err(|error| wire::explain(what, &error)) })
            .await
    }
}

/// Writes a request path; ids come from the engine and from users, so nothing but an id passes.
fn container_path(id: &ContainerId, rest: &str) -> Result<String, EngineError> {
    if convert::is_id(id.as_str()) {
        Ok(format!("/containers/{id}/{rest}"))
    } else {
        Err(EngineError::NotFound(format!("\"{}\" is no container id", json::shown(id.as_str()))))
    }
}

/// Splits `registry:5000/shop/web:1.2` at the tag; a port is none.
fn split_tag(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((repo, tag)) if !tag.contains('/') => (repo, tag),
        _ => (name, "latest"),
    }
}

impl Engine for DockerEngine {
    fn host(&self) -> String {
        self.endpoint.to_string()
    }

    fn calls(&self) -> Option<u64> {
        Some(self.calls.load(Ordering::Relaxed))
    }

    fn connect(&self) -> BoxFuture<'_, Result<EngineInfo, EngineError>> {
        Box::pin(self.introduce())
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(async {
            const WHAT: &str = "get a sign of life";
            let docker = self.connected(WHAT)?;
            wire::get(&docker, "/_ping", WHAT, wire::CALL).await.map(drop)
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Container>, EngineError>> {
        Box::pin(wire::bounded("list the containers", wire::LONG_CALL, self.list_all(None)))
    }

    fn list_with_sketch(
        &self,
        sketch: oneshot::Sender<Vec<Container>>,
    ) -> BoxFuture<'_, Result<Vec<Container>, EngineError>> {
        Box::pin(wire::bounded("list the containers", wire::LONG_CALL, self.list_all(Some(sketch))))
    }

    fn inspect<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<Container, EngineError>> {
        Box::pin(self.inspect_one(id))
    }

    fn events(&self, since: Option<Timestamp>) -> BoxStream<'static, Result<EngineEvent, EngineError>> {
        match self.connected("read the events") {
            Ok(docker) => {
                let timeouts = self.stop_timeouts.clone();
                let forget = move |event: &Result<EngineEvent, EngineError>| {
                    if let Ok(EngineEvent { container, kind: EngineEventKind::Removed, .. }) = event {
                        timeouts.lock().unwrap_or_else(PoisonError::into_inner).remove(container);
                    }
                };
                Box::pin(streams::events(&docker, since).inspect(forget))
            }
            Err(error) => Box::pin(futures_util::stream::iter([Err(error)])),
        }
    }

    fn logs(
        &self,
        id: &ContainerId,
        request: LogRequest,
    ) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>> {
        let path = container_path(id, "logs");
        match self.connected("read the log").and_then(|docker| Ok((docker, path?))) {
            Ok((docker, path)) => match &self.in_place {
                Some(shared) => json_file::logs(docker, shared.clone(), id.clone(), path, request),
                None => streams::logs(docker, id.clone(), &path, &request),
            },
            Err(error) => Box::pin(futures_util::stream::iter([Err(error)])),
        }
    }

    fn log_file(
        &self,
        source: &LogSource,
        request: FileRequest,
    ) -> BoxStream<'static, Result<FileNews, EngineError>> {
        let checked = container_path(&source.container, "");
        match self.connected("read the file").and_then(|docker| checked.map(|_| docker)) {
            Ok(docker) => log_files::stream(docker, self.is_local(), source.clone(), request),
            Err(error) => Box::pin(futures_util::stream::iter([Err(error)])),
        }
    }

    fn start<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        // The engine may have to mount volumes and networks first.
        Box::pin(self.act("start", STOP_AT_MOST, async |docker| {
            docker.start_container(id.as_str(), None::<StartContainerOptions>).await
        }))
    }

    fn stop<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        // No time of ours: the container's own stop timeout holds.
        Box::pin(self.act("stop", self.stop_limit(id), async |docker| {
            docker.stop_container(id.as_str(), None::<StopContainerOptions>).await
        }))
    }

    fn restart<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.act("restart", self.stop_limit(id) + STOP_SLACK, async |docker| {
            docker.restart_container(id.as_str(), None::<RestartContainerOptions>).await
        }))
    }

    fn pause<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.act("pause", wire::LONG_CALL, async |docker| docker.pause_container(id.as_str()).await))
    }

    fn unpause<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(
            self.act("unpause", wire::LONG_CALL, async |docker| docker.unpause_container(id.as_str()).await),
        )
    }

    fn kill<'a>(&'a self, id: &'a ContainerId, signal: Signal) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let what = format!("send {}", signal.name());
            let options = KillContainerOptions { signal: signal.name().to_owned() };
            let call = async |docker: Docker| docker.kill_container(id.as_str(), Some(options)).await;
            self.act(&what, wire::LONG_CALL, call).await
        })
    }

    fn remove<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        // Anonymous volumes belong to nobody else; what still runs is refused by the engine itself.
        let options = RemoveContainerOptions { v: true, force: false, link: false };
        Box::pin(self.act("remove", STOP_AT_MOST, async |docker| {
            docker.remove_container(id.as_str(), Some(options)).await
        }))
    }

    fn rename<'a>(&'a self, id: &'a ContainerId, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.act("rename", wire::LONG_CALL, async |docker| {
            let options = RenameContainerOptions { name: name.to_owned() };
            docker.rename_container(id.as_str(), options).await
        }))
    }

    fn sync<'a>(
        &'a self,
        id: &'a ContainerId,
        items: &'a [SyncItem],
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.sync_files(id, items))
    }

    fn copy<'a>(
        &'a self,
        order: &'a CopyOrder,
        progress: mpsc::Sender<(u64, u64)>,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.copy_file(order, progress))
    }

    fn inspect_text<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<Vec<String>, EngineError>> {
        Box::pin(self.read_inspection(id))
    }

    fn shell<'a>(
        &'a self,
        wish: &'a ShellWish,
        size: (u16, u16),
    ) -> BoxFuture<'a, Result<Opening, EngineError>> {
        Box::pin(self.open_shell(wish, size))
    }

    fn exec<'a>(&'a self, order: &'a ExecOrder) -> BoxFuture<'a, Result<ExecSession, EngineError>> {
        Box::pin(self.start_program(order))
    }

    fn processes<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<ProcessTable, EngineError>> {
        Box::pin(self.read_processes(id))
    }

    fn disk_usage(&self) -> BoxFuture<'_, Result<EngineDiskUsage, EngineError>> {
        Box::pin(self.read_disk_usage())
    }

    fn read_file<'a>(
        &'a self,
        id: &'a ContainerId,
        path: &'a str,
    ) -> BoxFuture<'a, Result<SecretFile, EngineError>> {
        Box::pin(self.read_secret_file(id, path))
    }

    fn write_file<'a>(
        &'a self,
        id: &'a ContainerId,
        file: &'a SecretFile,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.write_secret_file(id, file))
    }

    fn capture<'a>(
        &'a self,
        id: &'a ContainerId,
        arguments: &'a [String],
    ) -> BoxFuture<'a, Result<Captured, EngineError>> {
        Box::pin(self.capture_output(id, arguments))
    }

    fn variable<'a>(
        &'a self,
        id: &'a ContainerId,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, EngineError>> {
        Box::pin(self.read_variable(id, name))
    }

    fn image_id<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, EngineError>> {
        Box::pin(async move {
            let answer = self.read_image(name).await?;
            Ok(Json(&answer).line("Id"))
        })
    }

    fn tag<'a>(&'a self, image_id: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        let (repo, tag) = split_tag(name);
        let options = TagImageOptions { repo: Some(repo.to_owned()), tag: Some(tag.to_owned()) };
        Box::pin(self.act("name the image", wire::LONG_CALL, async |docker| {
            docker.tag_image(image_id, Some(options)).await
        }))
    }

    fn untag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.act("take the image's name away", wire::LONG_CALL, async |docker| {
            docker.remove_image(name, None::<RemoveImageOptions>, None).await.map(drop)
        }))
    }

    fn remove_volume<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.act("remove the volume", wire::LONG_CALL, async |docker| {
            docker.remove_volume(name, None::<RemoveVolumeOptions>).await
        }))
    }

    fn image_bytes<'a>(&'a self, image_id: &'a str) -> BoxFuture<'a, Result<u64, EngineError>> {
        Box::pin(self.read_image_bytes(image_id))
    }

    fn image_facts<'a>(
        &'a self,
        image: &'a str,
        programs: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<ImageFacts, EngineError>> {
        Box::pin(self.read_image_facts(image, programs))
    }
}

#[cfg(test)]
mod tests;
