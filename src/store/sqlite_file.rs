//! Which file the database is. A process that has it open goes on writing to it after somebody deleted or replaced it,
//! and all that it answers then is gone with its end.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::StoreError;

pub(super) struct SqliteFile {
    path: PathBuf,
    /// Device and number: what a path cannot tell.
    identity: (u64, u64),
}

impl SqliteFile {
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let identity =
            identity(path).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            identity,
        })
    }

    /// Refuses to write to what is not there any more.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            Ok(())
        } else {
            Err(StoreError::Unavailable(
                "its file was deleted or replaced; put it back, or restart the service".to_owned(),
            ))
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_deleted_or_replaced_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let (path, aside) = (
            directory.path().join("data.db"),
            directory.path().join("aside"),
        );
        fs::write(&path, "one").unwrap();
        let file = SqliteFile::of(&path).unwrap();
        assert!(file.check().is_ok());
        fs::rename(&path, &aside).unwrap();
        assert!(file.check().is_err());
        fs::write(&path, "another").unwrap();
        assert!(file.check().is_err());
        fs::rename(&aside, &path).unwrap();
        assert!(file.check().is_ok());
    }
}
