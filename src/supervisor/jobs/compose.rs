//! Carries out calls of the Compose CLI, in one step or in several; an update keeps the images from
//! before it until everything is ready.
//!
//! What counts as ready is decided by [`crate::state::jobs::update`]; here somebody waits for it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::event::Event;
use crate::model::containers::Container;
use crate::model::jobs::{ComposeOrder, ComposeVerb, JobId, JobOutcome, KeptImage, Phase};
use crate::ports::Ports;
use crate::state::jobs::compose::{ComposeCall, ComposeStep};
use crate::state::jobs::progress::Progress;
use crate::supervisor::inbox::Outbox;

/// Lines that wait for the state at most; Compose waits for them then.
const LINES: usize = 256;
/// Lines that go up together.
const BATCH: usize = 64;

/// Services that are not going to be ready, and why; `None` until that is known.
pub type Decision = Option<Vec<(Arc<str>, String)>>;

/// Everything a call needs while it runs.
pub struct Call {
    pub id: JobId,
    pub order: ComposeOrder,
    pub call: ComposeCall,
    /// The images that may have to be gone back to.
    pub images: Vec<KeptImage>,
    pub decided: watch::Receiver<Decision>,
    pub ports: Ports,
    pub outbox: Outbox,
}

impl Call {
    pub async fn run(mut self) {
        let outcome = match self.order.verb {
            ComposeVerb::Update => self.update().await,
            ComposeVerb::GoBack => self.go_back().await,
            _ => self.all_steps().await,
        };
        let outcome = match outcome {
            Ok(()) => JobOutcome::Succeeded,
            Err(errors) => JobOutcome::Failed(errors),
        };
        self.outbox.fact(Event::JobFinished { job: self.id, outcome }).await;
    }

    async fn all_steps(&self) -> Result<(), Vec<String>> {
        for step in &self.call.steps {
            self.step(step).await.map_err(|error| vec![error])?;
        }
        Ok(())
    }

    async fn update(&mut self) -> Result<(), Vec<String>> {
        // A build or a pull takes the name away; without another the image might be cleaned up.
        for image in &self.images {
            if let Err(error) = self.ports.engine.tag(&image.id, &image.kept_as).await {
                let service = &image.service;
                self.remark(format!("{service}: its image is not kept, no way back from here: {error}"))
                    .await;
            }
        }
        let (last, before) = match self.call.steps.split_last() {
            Some((last, before)) => (last.clone(), before.to_vec()),
            None => return Ok(()),
        };
        for step in &before {
            if let Err(error) = self.step(step).await {
                // Nothing was started yet: what runs, runs on. Only a name may have to come back.
                for image in self.changed().await {
                    let _ = self.ports.engine.tag(&image.id, &image.name).await;
                }
                self.forget().await;
                return Err(vec![error]);
            }
        }
        let mut errors = Vec::new();
        match self.step(&last).await {
            Ok(()) => {
                let failed = self.ready().await?;
                errors.extend(failed.into_iter().map(|(service, why)| format!("{service} is {why}")));
            }
            Err(error) => errors.push(error),
        }
        if errors.is_empty() {
            self.forget().await;
            return Ok(());
        }
        let images = self.changed().await;
        if images.is_empty() {
            self.forget().await;
            errors.push(String::from("its image is the one from before: nothing to go back to"));
        } else {
            self.outbox.fact(Event::UpdateFailed { job: self.id, images }).await;
        }
        Err(errors)
    }

    /// Gives the images from before their names back and starts from them.
    async fn go_back(&mut self) -> Result<(), Vec<String>> {
        for image in &self.images {
            self.ports
                .engine
                .tag(&image.id, &image.name)
                .await
                .map_err(|error| vec![format!("{}: {error}", image.service)])?;
        }
        self.all_steps().await?;
        let failed = self.ready().await?;
        self.forget().await;
        if failed.is_empty() {
            return Ok(());
        }
        Err(failed
            .into_iter()
            .map(|(service, why)| format!("{service} is {why} with the old image too"))
            .collect())
    }

    /// Returns the images whose name stands for another one now.
    async fn changed(&self) -> Vec<KeptImage> {
        let mut changed = Vec::new();
        for image in &self.images {
            if self.ports.engine.image_id(&image.name).await.is_ok_and(|now| now == image.id) {
                continue;
            }
            changed.push(image.clone());
        }
        changed
    }

    /// Lets go of what was kept.
    async fn forget(&self) {
        for image in &self.images {
            if let Err(error) = self.ports.engine.untag(&image.kept_as).await {
                log::info!("{}: {error}", image.kept_as);
            }
        }
    }

    /// Waits until everything that the order is about is ready, or is not going to be.
    pub(super) async fn ready(&mut self) -> Result<Vec<(Arc<str>, String)>, Vec<String>> {
        let list = self.ports.engine.list().await.map_err(|error| vec![error.to_string()])?;
        let ours: Vec<Container> = list.into_iter().filter(|container| self.is_meant(container)).collect();
        let containers = ours.iter().map(|container| container.id.clone()).collect();
        // The events of the start may still be on their way; the verdict is about what is there now.
        for container in ours {
            self.outbox.fact(Event::ContainerInspected(Box::new(container))).await;
        }
        self.outbox.fact(Event::JobWaits { job: self.id, containers }).await;
        match self.decided.wait_for(Option::is_some).await {
            Ok(decision) => Ok(decision.clone().unwrap_or_default()),
            Err(_) => Err(vec![String::from("nobody waits for it any more")]),
        }
    }

    fn is_meant(&self, container: &Container) -> bool {
        container.compose.as_ref().is_some_and(|labels| {
            labels.project == self.order.stack
                && !labels.one_off
                && (self.order.services.is_empty() || self.order.services.contains(&labels.service))
        })
    }

    async fn remark(&self, remark: String) {
        self.outbox.fact(Event::JobRemarked { job: self.id, remark }).await;
    }

    /// Runs one process to its end.
    pub(super) async fn step(&self, step: &ComposeStep) -> Result<(), String> {
        if let Some(phase) = step.phase {
            let command = step.command.clone();
            self.outbox.fact(Event::JobPhased { job: self.id, phase, command }).await;
        }
        let (lines, mut printed) = mpsc::channel(LINES);
        let work = self.ports.compose.run(&self.call.project, &step.arguments, lines);
        tokio::pin!(work);
        let mut result = None;
        let mut batch = Vec::new();
        let mut progress = Progress::default();
        loop {
            tokio::select! {
                biased;
                count = printed.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    // Compose tells progress as an error: of its own verbs nothing is told apart.
                    let lines: Vec<String> = batch.drain(..).map(|line| line.text).collect();
                    if step.lenient {
                        for line in &lines {
                            progress.take(line);
                        }
                    }
                    self.outbox.fact(Event::JobOutput { job: self.id, lines, is_error: false }).await;
                }
                ended = &mut work, if result.is_none() => {
                    result = Some(ended);
                    // Whoever still holds the sender has nothing more to say.
                    printed.close();
                }
            }
        }
        let result = match result {
            Some(result) => result,
            None => work.await,
        };
        for remark in progress.not_pulled() {
            self.remark(remark).await;
        }
        match result {
            Err(error) if step.lenient => {
                debug_assert_eq!(step.phase, Some(Phase::Pulling));
                self.remark(format!("not pulled, the present images stay: {error}")).await;
                Ok(())
            }
            result => result.map_err(|error| error.to_string()),
        }
    }
}
