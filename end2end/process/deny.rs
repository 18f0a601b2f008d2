//! The check of the dependencies for known vulnerabilities (`scripts/deny`), with databases of our own in place of
//! `RustSec`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A database of vulnerabilities with one entry, and the folder of its copies.
struct Advisories {
    folder: tempfile::TempDir,
}

impl Advisories {
    /// Makes a database with a vulnerability in a crate.
    fn about(package: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entries = folder.path().join("database/crates").join(package);
        fs::create_dir_all(&entries).unwrap();
        let text = format!(
            "```toml\n[advisory]\nid = \"RUSTSEC-2026-9999\"\npackage = \"{package}\"\ndate = \"2026-11-01\"\n\n\
             [versions]\npatched = []\n```\n\n# A vulnerability for this test\n"
        );
        fs::write(entries.join("RUSTSEC-2026-9999.md"), text).unwrap();
        let database = Self { folder };
        database.git(&["init", "--quiet", "--initial-branch=main"]);
        database.git(&["add", "."]);
        database.git(&["commit", "--quiet", "--message=One"]);
        database
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("database")
    }

    fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=test", "-c", "user.email=test@example.org"])
            .args(arguments)
            .current_dir(self.path())
            .status();
        assert!(status.unwrap().success(), "git {arguments:?}");
    }

    /// Makes the database unreachable. Copies of it stay.
    fn disappear(&self) {
        fs::remove_dir_all(self.path()).unwrap();
    }

    /// Lets a command use this database in place of `RustSec`.
    fn used_by(&self, mut command: Command) -> Command {
        command
            .current_dir(ROOT)
            .env("ADVISORY_DBS", self.folder.path().join("copies"))
            .env("GIT_CONFIG_COUNT", "1")
            .env(
                "GIT_CONFIG_KEY_0",
                format!("url.file://{}.insteadOf", self.path().display()),
            )
            .env(
                "GIT_CONFIG_VALUE_0",
                "https://github.com/RustSec/advisory-db",
            );
        command
    }

    /// Checks the crates of Sirius. Returns the output, and what was reported as not checked.
    fn check_crates(&self) -> (Output, String) {
        let report = self.folder.path().join("report");
        let mut command = self.used_by(Command::new(Path::new(ROOT).join("scripts/deny")));
        let command = command.arg("--report").arg(&report).arg("crates");
        let output = command.output().unwrap();
        (output, fs::read_to_string(report).unwrap_or_default())
    }
}

#[test]
fn a_known_vulnerability_fails_the_check() {
    let advisories = Advisories::about("leptos");
    let (output, _) = advisories.check_crates();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("RUSTSEC-2026-9999"),
        "{said}"
    );

    advisories.disappear();
    let (output, _) = advisories.check_crates();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("RUSTSEC-2026-9999"),
        "from the copy: {said}"
    );
}

#[test]
fn a_check_without_the_database_says_so() {
    let advisories = Advisories::about("a-crate-that-sirius-does-not-use");
    let (output, report) = advisories.check_crates();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(report, "");

    advisories.disappear();
    let (output, report) = advisories.check_crates();
    assert!(output.status.success(), "{output:?}");
    assert!(
        report.starts_with("deny: NOT CHECKED: vulnerabilities of crates since 20"),
        "{report}"
    );

    fs::remove_dir_all(advisories.folder.path().join("copies")).unwrap();
    let (output, report) = advisories.check_crates();
    assert!(output.status.success(), "{output:?}");
    assert!(
        report.ends_with(
            "(cannot reach https://github.com/RustSec/advisory-db, and there is no copy)\n"
        ),
        "{report}"
    );
}

/// In place of the real checks, a program stands for `make lint`, `make deny` and so on.
#[test]
fn make_test_repeats_at_its_end_what_was_not_checked() {
    let advisories = Advisories::about("leptos");
    advisories.disappear();
    let folder = advisories.folder.path();
    let make = folder.join("make");
    let report = folder.join("report");
    fs::write(
        &make,
        format!(
            "#!/bin/sh\necho \"make $1\"\n[ \"$1\" != deny ] || exec scripts/deny --report {} crates\n",
            report.display()
        ),
    )
    .unwrap();
    let mut command = advisories.used_by(Command::new("make"));
    let command = command
        .args(["--old-file=setup-test", "test"])
        .arg(format!("NOT_CHECKED={}", report.display()))
        .arg(format!("MAKE=sh {}", make.display()))
        .env_remove("MAKEFLAGS")
        .env_remove("MFLAGS")
        .env_remove("MAKELEVEL");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = said.lines().collect();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        lines[..5],
        [
            "make lint",
            "make deny",
            "make unit",
            "make e2e",
            "make fuzz"
        ]
    );
    assert!(
        lines[5].starts_with("deny: NOT CHECKED: vulnerabilities of crates") && lines.len() == 6,
        "{said}"
    );
}
