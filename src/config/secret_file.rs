//! The file with the key that signs the cookies, used if `SECRET_KEY` is not set.

use super::settings::SHORTEST_SECRET;
use crate::crypto::{new_key, sha256};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Reads the secret from a file, and creates the file if it is missing.
pub fn read_or_make(file: &Path) -> io::Result<String> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    if !file.exists() {
        // The file gets its name when it is complete. If several processes create one, the first one wins.
        let partial = file.with_extension(format!("secret.{}", new_key()));
        let mut new = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)?;
        let made = new
            .write_all(sha256(&format!("{:?}", rand::random::<[u64; 8]>())).as_bytes())
            .and_then(|()| new.sync_all())
            .and_then(|()| fs::hard_link(&partial, file));
        fs::remove_file(&partial)?;
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let secret = fs::read_to_string(file)?;
    if secret.trim().len() < SHORTEST_SECRET {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "{} is truncated; if you delete it, a new one is created, and everybody has to sign in again",
                file.display()
            ),
        ));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_secret_is_read_again_and_only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data/sirius.secret");
        let created = read_or_make(&file).unwrap();
        assert_eq!(read_or_make(&file).unwrap(), created);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_truncated_secret_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sirius.secret");
        for truncated in ["", "0123456789"] {
            fs::write(&file, truncated).unwrap();
            assert!(
                read_or_make(&file)
                    .unwrap_err()
                    .to_string()
                    .contains("is truncated")
            );
        }
    }
}
