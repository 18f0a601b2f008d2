//! The style of the code, where no formatter or lint checks it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Columns that a line of code may have. `rustfmt` leaves strings, macros and comments as wide as they are.
const WIDEST: usize = 120;

#[test]
fn no_line_of_code_is_wider_than_120_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("build.rs")];
    for folder in ["src", "end2end/process"] {
        let before = files.len();
        add_code(&root.join(folder), &mut files);
        assert!(files.len() > before, "{folder} has no code");
    }
    files.sort();
    let mut wide = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root).unwrap().display();
        for (line, number) in text.lines().zip(1..) {
            if line.chars().count() > WIDEST {
                wide.push(format!("{name}:{number}"));
            }
        }
    }
    assert!(wide.is_empty(), "wider than {WIDEST} columns: {wide:#?}");
}

/// The server drops a page on any of its threads, and a value that is bound to another one panics then: the connection
/// is closed without a response.
#[test]
fn no_value_of_a_page_is_bound_to_a_thread() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    add_code(&root, &mut files);
    for file in files {
        let name = file.strip_prefix(&root).unwrap();
        let code = fs::read_to_string(&file).unwrap();
        for bound in ["new_local", "new_unsync", "SendWrapper", "LocalResource"] {
            let is_used = code.contains(&format!("::{bound}"));
            assert!(!is_used, "{} uses {bound}", name.display());
        }
    }
}

/// Adds the files of code in a folder and in the folders below it.
fn add_code(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_code(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
