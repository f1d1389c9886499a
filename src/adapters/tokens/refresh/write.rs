//! The file that new tokens are written back to: in a container or on this machine. Mode and owner stay; the
//! old file is kept until the new one has been read back.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::adapters::tokens::TokenReader;
use crate::adapters::tokens::document::Format;
use crate::adapters::tokens::read::{host_file, inside};
use crate::adapters::tokens::refresh::failed;
use crate::model::secret::{Secret, SecretFile};
use crate::model::text::clean;
use crate::model::tokens::{RefreshFailure, TokenRead, TokenRequest};
use crate::ports::Clock;

pub enum Place {
    Inside { file: SecretFile, name: String },
    Host { path: PathBuf, content: Secret },
}

/// Returns a name that stands for a format.
pub fn ending(format: Format) -> &'static str {
    match format {
        Format::Json => "x.json",
        Format::Toml => "x.toml",
        Format::Yaml => "x.yaml",
    }
}

impl Place {
    /// Finds the file; where the source is none, nothing can be written back.
    pub async fn of(reader: &TokenReader, request: &TokenRequest) -> Result<Self, String> {
        match &request.rule.read {
            TokenRead::File(path) => {
                let (file, _) = inside::file(reader, request, path)
                    .await
                    .map_err(|problem| problem.words().to_owned())?;
                Ok(Self::Inside { file, name: path.clone() })
            }
            TokenRead::HostFile(path) => {
                let found =
                    host_file::get(path.clone()).await.map_err(|problem| problem.words().to_owned())?;
                Ok(Self::Host { path: path.clone(), content: found.secret })
            }
            _ => Err(String::from(
                "new tokens can be written back to a file only; let the service refresh: refresh = { http = \"POST …\" }",
            )),
        }
    }

    pub fn content(&self) -> Result<Secret, RefreshFailure> {
        let content = match self {
            Self::Inside { file, .. } => &file.content,
            Self::Host { content, .. } => content,
        };
        if content.is_empty() { Err(failed(String::from("the file is empty"))) } else { Ok(content.clone()) }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Inside { name, .. } => name,
            Self::Host { path, .. } => path.to_str().unwrap_or_default(),
        }
    }

    /// Writes the new content.
    pub async fn put(
        self,
        reader: &TokenReader,
        request: &TokenRequest,
        content: Secret,
    ) -> Result<(), String> {
        match self {
            Self::Inside { file, .. } => {
                let id = inside::container(request).map_err(|problem| problem.words().to_owned())?;
                let modified = Clock::Wall.now().as_second().unsigned_abs();
                let file = SecretFile { content, modified, ..file };
                reader.engine.write_file(id, &file).await.map_err(|error| error.to_string())
            }
            Self::Host { path, .. } => {
                let shown = clean(&path.display().to_string());
                let work = tokio::task::spawn_blocking(move || replace(&path, &content));
                let done = work.await.map_err(|error| error.to_string())?;
                done.map_err(|error| format!("cannot write {shown}: {error}"))
            }
        }
    }
}

/// A new file beside its target; it goes unless it took the target's place.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn replace(path: &Path, content: &Secret) -> std::io::Result<()> {
    // A link stays a link.
    let path = path.canonicalize()?;
    let about = std::fs::metadata(&path)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let part = Part(path.with_file_name(format!(".{name}.{}.part", std::process::id())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part.0)?;
    if about.uid() != file.metadata()?.uid() || about.gid() != file.metadata()?.gid() {
        fchown(&file, Some(about.uid()), Some(about.gid()))?;
    }
    file.set_permissions(std::fs::Permissions::from_mode(about.permissions().mode() & 0o7777))?;
    file.write_all(content.bytes())?;
    file.sync_all()?;
    let (back, _) = host_file::read(&part.0)?;
    if back.bytes() != content.bytes() {
        return Err(std::io::Error::other("it came back different; the old one was left"));
    }
    std::fs::rename(&part.0, &path)?;
    if let Some(folder) = path.parent() {
        // The name has to reach the disk, too; not every file system can do that.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}
