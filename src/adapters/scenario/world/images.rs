//! Images and their names, as far as an update touches them, and replicas that come and go.

use std::sync::Arc;

use jiff::Timestamp;

use crate::adapters::scenario::member::Member;
use crate::adapters::scenario::random::{hex, mix, seed_of};
use crate::adapters::scenario::script::What;
use crate::adapters::scenario::world::World;
use crate::event::EngineEventKind;
use crate::model::containers::{ContainerId, RunState};

impl World {
    /// Returns the id of the image that a name stands for now.
    pub fn image_id(&self, name: &str) -> Option<String> {
        let first = || self.members.iter().any(|member| member.script.image == name).then(|| first_id(name));
        self.images.get(name).cloned().or_else(first)
    }

    pub fn tag(&mut self, id: &str, name: &str) {
        self.images.insert(name.to_owned(), id.to_owned());
    }

    /// Takes a name away; says whether there was one.
    pub fn untag(&mut self, name: &str) -> bool {
        self.images.remove(name).is_some()
    }

    /// Builds or pulls an image: from then on its name stands for the result.
    pub fn renew_image(&mut self, index: usize) {
        let script = self.members[index].script.clone();
        if script.update || script.update_sick.is_some() {
            self.tag(&format!("sha256:{}", hex(mix(&[seed_of(&script.image), 2]), 64)), &script.image);
        }
    }

    /// Whether a container was made from another image than its name stands for now.
    pub fn is_outdated(&self, index: usize) -> bool {
        let container = &self.members[index].container;
        self.image_id(&container.image).is_some_and(|id| id != container.image_id)
    }

    /// Makes a container from the image that its name stands for now.
    pub fn take_image(&mut self, index: usize) {
        let id = self.image_id(&self.members[index].container.image);
        self.members[index].container.image_id = id.unwrap_or_default();
    }

    /// Lets a container that was just started show what its image is like.
    pub fn show_image(&mut self, at: Timestamp, index: usize) {
        let member = &self.members[index];
        let old = member.container.image_id == first_id(&member.script.image);
        if let Some(output) = member.script.update_sick.clone().filter(|_| !old) {
            self.happen(at, index, &What::Fail { output, exit_code: 1 });
        }
    }

    /// Returns the container that is number so much of the same service, made if there was none yet.
    pub fn replica(&mut self, at: Timestamp, first: usize, number: u32) -> Option<usize> {
        let model = &self.members[first];
        let (script, labels) = (model.script.clone(), model.container.compose.clone()?);
        let same = |member: &Member| {
            member.container.compose.as_ref().is_some_and(|other| {
                other.project == labels.project && other.service == labels.service && other.number == number
            })
        };
        if let Some(known) = self.members.iter().position(same) {
            return Some(known);
        }
        let mut container = model.container.clone();
        let seed = mix(&[model.seed, u64::from(number)]);
        container.id = ContainerId::new(hex(seed, 64));
        container.name = Arc::from(format!("{}-{}-{number}", labels.project, labels.service));
        container.compose.as_mut()?.number = number;
        container.run = RunState::Created;
        container.created_at = Some(at);
        (container.started_at, container.pid) = (None, None);
        let index = self.members.len();
        self.by_id.insert(container.id.clone(), index);
        self.members.push(Member::new(container, script, seed));
        self.emit(at, index, EngineEventKind::Created);
        Some(index)
    }
}

fn first_id(name: &str) -> String {
    format!("sha256:{}", hex(seed_of(name), 64))
}
