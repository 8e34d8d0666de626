//! The anchor: the end of the chain, noted outside of the database.

use crate::audit::model::Head;
use crate::paths::Paths;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// The file that holds number and hash of the newest entry.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    path: PathBuf,
}

impl Anchor {
    pub(crate) fn new(paths: &Paths) -> Self {
        Self { path: paths.audit_head() }
    }

    /// What the file names; `None` when it is not there or cannot be read.
    pub(in crate::audit) async fn read(&self) -> Option<Head> {
        let text = match tokio::fs::read_to_string(&self.path).await {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "failed to read the audit's anchor");
                return None;
            }
        };
        match serde_json::from_str(&text) {
            Ok(head) => Some(head),
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "the audit's anchor is damaged");
                None
            }
        }
    }

    /// Replaces the file as a whole; afterwards it is on the disk.
    ///
    /// # Errors
    /// When the file system refuses.
    pub(super) async fn write(&self, head: &Head) -> io::Result<()> {
        let mut text = serde_json::to_string(head)?;
        text.push('\n');
        let path = self.path.clone();
        let replaced = tokio::task::spawn_blocking(move || {
            let fresh = path.with_extension("head.new");
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        });
        replaced.await.map_err(io::Error::other)?
    }
}
