//! The rules for builds: every build uses the versions in `Cargo.lock`, and every tool has a version.

use std::{fs, path::Path};

/// The subcommands of Cargo that choose versions of libraries.
const CHOOSING: [&str; 9] = [
    "bench", "build", "check", "clippy", "doc", "install", "metadata", "run", "test",
];
/// Builds the standard library in an empty crate, which has no libraries and no `Cargo.lock`.
const WITHOUT_LOCK_FILE: &str = "scripts/wasm-target";

#[test]
fn every_cargo_command_is_locked() {
    let mut files = vec![
        ".ci/run".to_owned(),
        "CONTRIBUTING.md".to_owned(),
        "Makefile".to_owned(),
        "README.md".to_owned(),
    ];
    files.extend(names("scripts"));
    files.extend(
        names("docs")
            .into_iter()
            .filter(|name| name.ends_with(".md")),
    );
    let mut unlocked = Vec::new();
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        count += commands(&text).len();
        if file != WITHOUT_LOCK_FILE {
            let lines = unlocked_commands(&text);
            unlocked.extend(lines.iter().map(|line| format!("{file}: {line}")));
        }
    }
    assert!(count > 10, "{count} commands found");
    assert!(unlocked.is_empty(), "without --locked: {unlocked:#?}");
}

#[test]
fn a_command_without_locked_is_found() {
    let text = "# cargo build is what the next line does\n\
        cargo build --release\n\
        env A=b cargo test \\\n    --locked --lib\n\
        | a test | `scripts/with-postgres cargo test --lib` |\n\
        cargo fmt --check\n\
        cargo install --locked tool && cargo  clippy --lib";
    assert_eq!(
        unlocked_commands(text),
        [
            "cargo build --release",
            "cargo test --lib` |",
            "cargo clippy --lib"
        ]
    );
}

#[test]
fn tools_are_installed_in_one_version() {
    for file in [
        "scripts/deny-requirements.txt",
        "end2end/fuzz/requirements.txt",
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let packages: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
            .collect();
        assert!(!packages.is_empty(), "{file} has no packages");
        for package in packages {
            assert!(
                package.contains("==") && package.ends_with('\\'),
                "{file}: {package}"
            );
        }
    }
    for file in names("scripts") {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        for command in commands(&text) {
            let is_install = command.starts_with("cargo install");
            assert!(
                !is_install || command.contains("--version") || command.contains("--path"),
                "{file}: {command}"
            );
        }
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
        {
            let is_free = line.contains("pip install") || line.contains("pip\" install");
            assert!(
                !is_free || line.contains("--require-hashes"),
                "{file}: {line}"
            );
            assert!(!line.contains("npx "), "{file}: {line}");
            assert!(
                !line.contains("npm install") || line.contains("_version\""),
                "{file}: {line}"
            );
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the paths of the files in a folder.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let names = paths.filter(|path| path.is_file());
    names
        .map(|path| format!("{folder}/{}", path.file_name().unwrap().display()))
        .collect()
}

/// Returns the commands in a text that choose versions of libraries, each up to the next command or the end of its
/// line. Comments are left out.
fn commands(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let mut commands = Vec::new();
    for line in lines {
        let words: Vec<_> = line.split_whitespace().collect();
        let starts = words.iter().enumerate().filter(|(index, word)| {
            let next = words.get(index + 1);
            word.trim_start_matches(['`', '@', '(', '"'])
                .ends_with("cargo")
                && next.is_some_and(|next| CHOOSING.contains(next))
        });
        let starts: Vec<_> = starts.map(|(index, _)| index).collect();
        for (number, start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).map_or(words.len(), |next| *next);
            let mut command = words[*start..end].to_vec();
            command[0] = "cargo";
            if let Some(next) = command
                .iter()
                .position(|word| ["&&", ";", "||"].contains(word))
            {
                command.truncate(next);
            }
            commands.push(command.join(" "));
        }
    }
    commands
}

fn unlocked_commands(text: &str) -> Vec<String> {
    let mut commands = commands(text);
    commands.retain(|command| !command.contains("--locked"));
    commands
}
