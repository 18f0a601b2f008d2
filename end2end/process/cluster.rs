//! A separate PostgreSQL server, which a test can stop and start. Unlike the server that all tests share, it syncs to
//! disk, as PostgreSQL does by default.

use crate::{database::Database, server::free_port};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A cluster with one server, which is stopped and deleted when this is dropped.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// Creates a cluster and starts it.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            let owned = Command::new("chown")
                .arg("postgres")
                .arg(folder.path())
                .status();
            assert!(owned.unwrap().success());
        }
        let cluster = Self {
            folder,
            programs: programs(),
            port: free_port(),
        };
        cluster.runs(
            "initdb",
            &[
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ],
        );
        cluster.start_again();
        cluster
    }

    /// Stops the server: `fast` ends all sessions, `immediate` is like a power cut.
    pub fn stop(&self, mode: &str) {
        self.runs("pg_ctl", &["stop", "--silent", "--wait", "--mode", mode]);
    }

    pub fn start_again(&self) {
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories='{}'",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        self.runs(
            "pg_ctl",
            &[
                "start",
                "--silent",
                "--wait",
                "--options",
                &settings,
                "--log",
                log.to_str().unwrap(),
            ],
        );
    }

    /// Sends SIGSTOP to all its processes, so that every query hangs.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Resumes it after [`Self::freeze`].
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let known = fs::read_to_string(self.folder.path().join("data/postmaster.pid"));
        let Some(first) = known
            .ok()
            .and_then(|text| Some(text.lines().next()?.to_owned()))
        else {
            return;
        };
        let children = Command::new("ps")
            .args(["-o", "pid=", "--ppid", &first])
            .output()
            .unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let _ = Command::new("kill")
            .arg(signal)
            .arg(&first)
            .args(children.split_whitespace())
            .status();
    }

    /// Returns its database.
    pub fn database(&self) -> Database {
        Database::at(format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            self.port
        ))
    }

    /// Prepares a PostgreSQL program. Root runs it as the user `postgres`, because the server refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command
            .arg("--pgdata")
            .arg(self.folder.path().join("data"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a PostgreSQL program. Its output goes to a file, because the server inherits it and would never close a
    /// pipe.
    fn runs(&self, program: &str, arguments: &[&str]) {
        let said = self.folder.path().join("said");
        let to = fs::File::create(&said).unwrap();
        let ran = tokio::task::block_in_place(|| {
            self.command(program)
                .args(arguments)
                .stdout(to.try_clone().unwrap())
                .stderr(to)
                .status()
                .unwrap()
        });
        assert!(
            ran.success(),
            "{program}: {}",
            fs::read_to_string(said).unwrap_or_default()
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        let _ = self
            .command("pg_ctl")
            .args(["stop", "--silent", "--mode=immediate"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// Returns the folder of PostgreSQL's programs. Debian installs them outside `PATH`, in a folder for each version.
fn programs() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path);
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<_> = installed
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    versions.sort_by_key(|path| {
        let version = path
            .file_name()
            .and_then(|name| name.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    let has_both = |folder: &Path| folder.join("initdb").exists() && folder.join("pg_ctl").exists();
    in_path
        .chain(versions.into_iter().map(|version| version.join("bin")))
        .find(|folder| has_both(folder))
        .expect("PostgreSQL is missing: apt-get install postgresql")
}
