//! The file of the key that signs the cookies, where no setting gives one.

use super::SHORTEST_SECRET;
use crate::crypto::{new_key, sha256};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Reads the secret of a file, which is made when it is missing.
pub fn read_or_make(file: &Path) -> io::Result<String> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    if !file.exists() {
        // Whole when it has its name, whoever looks, and whoever makes one at the same time.
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
                "{} is cut short; without it a new one is made, and everybody signs in anew",
                file.display()
            ),
        ));
    }
    Ok(secret)
}
