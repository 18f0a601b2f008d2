//! A PostgreSQL server of one's own, to be stopped and started. Unlike the one that all tests share, it is
//! as safe as PostgreSQL is by default.

use crate::{database::Database, server::free_port};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A cluster with one server; gone with this.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes a cluster and starts it.
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

    /// Stops the server: `fast` ends all sessions, `immediate` is what a power cut is.
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

    /// SIGSTOP to all its processes: whoever asks waits for ever.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
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

    /// Its database.
    pub fn database(&self) -> Database {
        Database::at(format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            self.port
        ))
    }

    /// The server refuses to run as root: then it is the user `postgres`.
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

    /// Into a file: the server keeps what its starter wrote to, and a pipe would never end.
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

/// Where PostgreSQL's own programs are: Debian keeps them out of `PATH`, one folder for each version.
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
