//! What an image says of itself, and whether it has a program. Only looks: nothing is created for it.
//!
//! A container of the image, running or not, is asked for the path. Without one the image itself is
//! streamed past us, headers only, if it is small; what was found is kept by the image's id.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::ContainerArchiveInfoOptions;
use futures_util::StreamExt;

use crate::adapters::docker::json::Json;
use crate::adapters::docker::{DockerEngine, convert, json, tar, wire};
use crate::model::findings::ImageFacts;
use crate::ports::EngineError;

/// Larger images are not read for a program.
const LARGEST: u64 = 400 << 20;
const READING: Duration = Duration::from_secs(20);
/// Where a program is looked for when the image does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs that were looked for, by image id.
#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<String, BTreeMap<String, bool>>>);

impl Known {
    fn of(&self, image: &str) -> BTreeMap<String, bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(image).cloned().unwrap_or_default()
    }

    fn keep(&self, image: &str, found: &BTreeMap<String, bool>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(image.to_owned()).or_default().extend(found.clone());
    }
}

impl DockerEngine {
    pub(super) async fn read_image_facts(
        &self,
        name: &str,
        programs: &BTreeSet<String>,
    ) -> Result<ImageFacts, EngineError> {
        let what = format!("inspect image {}", json::shown(name));
        let docker = self.connected(&what)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || ":._-/@".contains(c);
        if name.is_empty() || !name.chars().all(plain) || name.contains("..") {
            return Err(EngineError::NotFound(format!("cannot {what}: that is no name of an image")));
        }
        let answer = wire::get_json(&docker, &format!("/images/{name}/json"), &what, wire::CALL).await?;
        let answer = Json(&answer);
        let check: Vec<&str> = answer.texts("Config/Healthcheck/Test").collect();
        let path = answer.texts("Config/Env").find_map(|text| text.strip_prefix("PATH=")).unwrap_or(PATH);
        let mut facts = ImageFacts {
            id: answer.line("Id"),
            user: answer.line("Config/User"),
            has_health_check: check.first().is_some_and(|word| *word != "NONE"),
            size: answer.count("Size").unwrap_or(u64::MAX),
            programs: self.programs.of(answer.raw("Id")),
        };
        let wanted: BTreeMap<String, Vec<String>> = programs
            .iter()
            .filter(|program| !facts.programs.contains_key(*program))
            .map(|program| (program.clone(), places(program, path)))
            .filter(|(_, places)| !places.is_empty())
            .collect();
        if !wanted.is_empty() {
            let found = match container_of(&docker, &facts.id).await {
                Some(container) => in_container(&docker, &container, &wanted).await,
                None if facts.size <= LARGEST => in_image(&docker, &facts.id, &wanted).await,
                None => BTreeMap::new(),
            };
            self.programs.keep(&facts.id, &found);
            facts.programs.extend(found);
        }
        Ok(facts)
    }
}

/// Returns the paths that a program may have; none for one that depends on a working folder.
fn places(program: &str, path: &str) -> Vec<String> {
    if program.starts_with('/') {
        vec![program.to_owned()]
    } else if program.contains('/') {
        Vec::new()
    } else {
        path.split(':').filter(|folder| folder.starts_with('/')).map(|f| format!("{f}/{program}")).collect()
    }
}

/// Finds any container of an image.
async fn container_of(docker: &Docker, image: &str) -> Option<String> {
    let digits = image.strip_prefix("sha256:").unwrap_or(image);
    if !convert::is_id(digits) {
        return None;
    }
    let filters = format!("%7B%22ancestor%22%3A%5B%22sha256%3A{digits}%22%5D%7D");
    let path = format!("/containers/json?all=1&limit=8&filters={filters}");
    let answer = wire::get_json(docker, &path, "list containers of an image", wire::CALL).await.ok()?;
    // Containers of images that were made of this one count as its own to some engines.
    Json(&answer)
        .items_here()
        .find(|container| container.raw("ImageID") == image)
        .map(|container| container.raw("Id").to_owned())
        .filter(|id| convert::is_id(id))
}

async fn in_container(
    docker: &Docker,
    container: &str,
    wanted: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    'programs: for (program, places) in wanted {
        let mut there = false;
        for place in places {
            let options = ContainerArchiveInfoOptions { path: place.clone() };
            let ask = async {
                docker
                    .get_container_archive_info(container, Some(options))
                    .await
                    .map_err(|error| wire::explain("look for a program", &error))
            };
            match wire::bounded("look for a program", wire::CALL, ask).await {
                Ok(_) => there = true,
                Err(EngineError::NotFound(_)) => {}
                // Not known is not the same as not there.
                Err(_) => continue 'programs,
            }
        }
        found.insert(program.clone(), there);
    }
    found
}

/// Lets the image pass and notes names.
async fn in_image(
    docker: &Docker,
    image: &str,
    wanted: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, bool> {
    let digits = image.strip_prefix("sha256:").unwrap_or(image);
    if !convert::is_id(digits) {
        return BTreeMap::new();
    }
    let wished: BTreeSet<String> = wanted.values().flatten().map(|path| plain_path(path)).collect();
    let mut layers = Layers::new(wished);
    let read = async {
        let mut chunks = std::pin::pin!(wire::stream(docker, &format!("/images/sha256:{digits}/get")));
        while let Some(chunk) = chunks.next().await {
            layers.push(&chunk.ok()?);
        }
        Some(())
    };
    let read_all = tokio::time::timeout(READING, read).await.is_ok_and(|done| done.is_some());
    let is_whole = read_all && layers.is_clear();
    wanted
        .iter()
        .filter_map(|(program, places)| {
            let there = places.iter().any(|place| layers.found.contains(&plain_path(place)));
            (there || is_whole).then(|| (program.clone(), there))
        })
        .collect()
}

/// Writes a path as layers do, with `/usr` and `/` taken as one: most systems link them.
fn plain_path(path: &str) -> String {
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let merged =
        path.strip_prefix("usr/").filter(|rest| rest.starts_with("bin/") || rest.starts_with("sbin/"));
    merged.unwrap_or(path).to_owned()
}

/// Reads an archive of archives and notes which of the wished names its layers have.
#[derive(Debug, Default)]
struct Layers {
    wished: BTreeSet<String>,
    found: BTreeSet<String>,
    outer: Names,
    inner: Names,
    /// Layers that were read, and whether one was in a form we do not read.
    seen: bool,
    opaque: bool,
}

impl Layers {
    fn new(wished: BTreeSet<String>) -> Self {
        Self { wished, ..Self::default() }
    }

    /// Whether every layer could be read.
    fn is_clear(&self) -> bool {
        self.seen && !self.opaque
    }

    fn push(&mut self, piece: &[u8]) {
        let Self { wished, found, outer, inner, seen, opaque } = self;
        outer.push(piece, &mut |part| match part {
            Part::Name(name) => {
                *inner = Names::default();
                inner.idle = !(name.ends_with("layer.tar") || name.starts_with("blobs/"));
            }
            Part::Content(bytes) => {
                if inner.idle {
                    return;
                }
                // Compressed layers; other blobs are JSON.
                if inner.is_fresh() && (bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5]))
                {
                    *opaque = true;
                }
                inner.push(bytes, &mut |part| {
                    if let Part::Name(name) = part {
                        *seen = true;
                        let name = plain_path(name);
                        if name.contains(".wh.") && wished.iter().any(|wish| name.contains(base(wish))) {
                            *opaque = true;
                        }
                        if wished.contains(&name) {
                            found.insert(name);
                        }
                    }
                });
            }
        });
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

enum Part<'a> {
    Name(&'a str),
    Content(&'a [u8]),
}

/// Goes through one archive in pieces of any size.
#[derive(Debug, Default)]
struct Names {
    open: Vec<u8>,
    left: u64,
    padding: u64,
    /// Not an archive, or not one of interest.
    idle: bool,
    begun: bool,
}

impl Names {
    fn is_fresh(&self) -> bool {
        !self.begun
    }

    fn push(&mut self, mut piece: &[u8], tell: &mut dyn FnMut(Part<'_>)) {
        while !piece.is_empty() && !self.idle {
            self.begun = true;
            if self.left > 0 {
                let count = self.left.min(piece.len() as u64) as usize;
                tell(Part::Content(&piece[..count]));
                self.left -= count as u64;
                piece = &piece[count..];
            } else if self.padding > 0 {
                let count = self.padding.min(piece.len() as u64) as usize;
                self.padding -= count as u64;
                piece = &piece[count..];
            } else {
                let count = (tar::BLOCK - self.open.len()).min(piece.len());
                self.open.extend_from_slice(&piece[..count]);
                piece = &piece[count..];
                if self.open.len() == tar::BLOCK {
                    let block = std::mem::take(&mut self.open);
                    let Some(header) = tar::read(&block) else {
                        self.idle = true;
                        return;
                    };
                    tell(Part::Name(&name_of(&block)));
                    self.left = if matches!(header.kind, tar::Kind::Link) { 0 } else { header.size };
                    self.padding = tar::padding(self.left) as u64;
                }
            }
        }
    }
}

fn name_of(block: &[u8]) -> String {
    let text = |field: &[u8]| {
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let (name, prefix) = (text(&block[..100]), text(&block[345..500]));
    let is_ustar = &block[257..263] == b"ustar\0";
    if is_ustar && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut all = Vec::new();
        for (name, content) in files {
            // `tar::header` takes short names only, as these are.
            all.extend(tar::header(name, content.len() as u64, 0o755, 0));
            all.extend_from_slice(content);
            all.extend(std::iter::repeat_n(0, tar::padding(content.len() as u64)));
        }
        all.extend([0; 2 * tar::BLOCK]);
        all
    }

    fn read(all: &[u8], size: usize, wished: &[&str]) -> Layers {
        let mut layers = Layers::new(wished.iter().map(|path| plain_path(path)).collect());
        for piece in all.chunks(size) {
            layers.push(piece);
        }
        layers
    }

    #[test]
    fn names_in_layers_are_found_in_pieces_of_any_size() {
        let first = archive(&[("usr/bin/wget", b"x"), ("etc/passwd", b"root")]);
        let second = archive(&[("bin/sh", &[7; 1500])]);
        let all = archive(&[
            ("a/layer.tar", &first),
            ("a/json", b"{}"),
            ("blobs/sha256/b", &second),
            ("blobs/sha256/c", b"{\"config\": 1}"),
        ]);
        for size in [1, 511, 512, 700, 100_000] {
            let layers = read(&all, size, &["/bin/wget", "/usr/bin/sh", "/usr/bin/curl"]);
            assert_eq!(layers.found.iter().map(String::as_str).collect::<Vec<_>>(), ["bin/sh", "bin/wget"]);
            assert!(layers.is_clear(), "pieces of {size}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        let all = archive(&[("blobs/sha256/a", &[0x1f, 0x8b, 8, 0])]);
        assert!(!read(&all, 512, &["/bin/sh"]).is_clear());
        let gone = archive(&[("usr/bin/.wh.curl", b"")]);
        let all = archive(&[("a/layer.tar", &gone)]);
        assert!(!read(&all, 512, &["/usr/bin/curl"]).is_clear());
    }
}
