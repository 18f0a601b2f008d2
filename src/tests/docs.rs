//! The documents: their links and anchors, the length of the README, and the settings and tests that they name.

use crate::config::Settings;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

/// The highest number of words in the README.
const README_WORDS: usize = 900;
/// The document that describes every setting.
const CONFIGURATION: &str = "docs/configuration.md";
/// The documents that name a test for each claim.
const CLAIMS: [&str; 2] = ["docs/asvs.md", "docs/threat-model.md"];
/// Variables in the documents that are not settings of the program: libraries, the build or the tests read them.
const OTHER_VARIABLES: &[&str] = &[
    "CHROMIUM",
    "HTTPS_PROXY",
    "PGPASSWORD",
    "RUST_LOG",
    "SSL_CERT_FILE",
    "TEST_DATABASE_URL",
    "UPDATE_CONTRACT",
];

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let documents = documents();
    assert!(documents.len() > 5, "documents: {:?}", documents.keys());
    let broken = broken_links(&documents, |path| root().join(path).exists());
    assert!(broken.is_empty(), "broken links: {broken:#?}");
}

#[test]
fn the_readme_is_short() {
    let words = documents()["README.md"].split_whitespace().count();
    assert!(
        words <= README_WORDS,
        "README.md:1: {words} words, {README_WORDS} at most: move some of it into docs/"
    );
}

#[test]
fn documents_name_all_settings_and_no_others() {
    let wrong = wrong_settings(&documents(), &settings());
    assert!(wrong.is_empty(), "settings: {wrong:#?}");
}

#[test]
fn the_env_example_has_every_setting_with_its_default() {
    let example = fs::read_to_string(root().join(".env.example")).unwrap();
    let given: BTreeMap<_, _> = example
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .filter(|(name, _)| is_variable(name))
        .collect();
    for (name, default) in settings() {
        let value = given.get(name.as_str());
        assert!(
            value.is_some_and(|value| default.is_empty() || *value == default),
            ".env.example: {name} is {value:?}, its default is {default:?}"
        );
    }
    assert_eq!(given.len(), settings().len(), ".env.example: {given:?}");
}

#[test]
fn documents_about_security_name_only_tests_that_exist() {
    let mut code = Vec::new();
    for folder in ["src", "end2end/process"] {
        add_code(&root().join(folder), &mut code);
    }
    let functions: BTreeSet<_> = code.iter().flat_map(|text| functions(text)).collect();
    let documents = documents();
    for document in CLAIMS {
        let text = &documents[document];
        let named: Vec<_> = lines(text)
            .flat_map(|line| tests_named(line.text))
            .collect();
        assert!(named.len() > 20, "{document} names {named:?}");
        let missing: Vec<_> = named
            .into_iter()
            .filter(|name| match name.contains('/') {
                true => !root().join(name).exists(),
                false => !functions.contains(name),
            })
            .collect();
        assert!(
            missing.is_empty(),
            "{document}: no such tests: {missing:#?}"
        );
    }
    assert_eq!(
        tests_named("`a_test_of_this` `own_account` `end2end/tests/csp.spec.ts` a_b_c `GET /x`"),
        ["a_test_of_this", "end2end/tests/csp.spec.ts"]
    );
}

#[test]
fn broken_links_and_wrong_settings_are_found() {
    let document = "# The shop\n## `sirius check`: what, why\n## The shop\n\
        [a](#the-shop-1) [b](#sirius-check-what-why) [c](docs/b.md#там) [d](https://x.example/#y)\n\
        ```sh\n# no heading\n[e](nowhere)\nNO_SETTING=1 sirius\n```\n`[f](nowhere)` ![g](gone.png)\n\
        [h](#no-heading) [i](docs/b.md#here) [j](../docs/gone.md \"title\")\n`GET` `NO_SUCH=1` `A_FORM`";
    let documents = BTreeMap::from([
        ("README.md".to_owned(), document.to_owned()),
        (
            "docs/b.md".to_owned(),
            "# Там\n[k](../README.md#the-shop)\n`code\nspan`".to_owned(),
        ),
        (
            CONFIGURATION.to_owned(),
            "| `PORT` | `80` | Port |\n| `GONE` | | |\n| `MODE` | `a` | |".to_owned(),
        ),
    ]);
    assert_eq!(
        broken_links(&documents, |path| path == Path::new("docs/b.md")),
        [
            "README.md:10: gone.png does not exist",
            "README.md:11: #no-heading: README.md has no such heading",
            "README.md:11: docs/b.md#here: docs/b.md has no such heading",
            "README.md:11: ../docs/gone.md leads out of the repository",
            "docs/b.md:2: ../README.md does not exist",
            "docs/b.md:3: a code span continues in the next line",
            "docs/b.md:4: a code span continues in the next line",
        ]
    );
    let settings = ["HOST", "MODE", "PORT"].map(|name| (name.to_owned(), "80".to_owned()));
    assert_eq!(
        wrong_settings(&documents, &settings.into()),
        [
            "README.md:8: NO_SETTING is not a setting",
            "README.md:12: NO_SUCH is not a setting",
            "README.md:12: A_FORM is not a setting",
            "docs/configuration.md:2: GONE is not a setting",
            "docs/configuration.md:1: HOST is missing",
            "docs/configuration.md:3: the default of MODE is `80`",
        ]
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the text of every document by its path.
fn documents() -> BTreeMap<String, String> {
    fn add(path: &Path, documents: &mut BTreeMap<String, String>) {
        let whole = root().join(path);
        if whole.is_dir() {
            for entry in fs::read_dir(whole).unwrap() {
                add(&path.join(entry.unwrap().file_name()), documents);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(whole).unwrap();
            documents.insert(path.display().to_string(), text);
        }
    }
    let mut documents = BTreeMap::new();
    for path in [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "README.md",
        "SECURITY.md",
        "docs",
    ] {
        add(Path::new(path), &mut documents);
    }
    documents
}

/// Adds the texts of the files of code in a folder and in the folders below it.
fn add_code(folder: &Path, code: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_code(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// Returns the names of the functions in a file of code.
fn functions(code: &str) -> impl Iterator<Item = &str> {
    code.split("fn ")
        .skip(1)
        .filter_map(|rest| rest.split(['(', '<']).next())
}

/// Returns the tests that a line names in backticks: functions, which have three words or more, and paths.
fn tests_named(line: &str) -> Vec<&str> {
    let is_function = |span: &str| {
        span.matches('_').count() >= 2
            && span
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let is_path = |span: &str| span.starts_with("end2end/") || span.starts_with("scripts/");
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|span| is_function(span) || is_path(span))
        .collect()
}

/// Returns the variables of the settings with their defaults.
fn settings() -> BTreeMap<String, String> {
    let options = <Settings as clap::Args>::augment_args(clap::Command::new("sirius"));
    let settings: BTreeMap<String, String> = options
        .get_arguments()
        .filter_map(|option| {
            let name = option.get_env()?.to_str()?.to_owned();
            let defaults = option.get_default_values().iter();
            let default = defaults.filter_map(|default| default.to_str()).collect();
            Some((name, default))
        })
        .collect();
    assert!(settings.len() > 20, "settings: {settings:?}");
    settings
}

/// A line of a document.
struct Line<'a> {
    /// Starts at 1.
    number: usize,
    text: &'a str,
    /// Whether it is in a block of code.
    is_code: bool,
}

fn lines(document: &str) -> impl Iterator<Item = Line<'_>> {
    let mut is_code = false;
    document.lines().enumerate().map(move |(index, text)| {
        let is_fence = text.trim_start().starts_with("```");
        is_code ^= is_fence;
        Line {
            number: index + 1,
            text,
            is_code: is_code || is_fence,
        }
    })
}

/// Returns the links and images whose target does not exist. `exists` checks for a file in the repository.
fn broken_links(
    documents: &BTreeMap<String, String>,
    exists: impl Fn(&Path) -> bool,
) -> Vec<String> {
    let mut broken = Vec::new();
    for (document, text) in documents {
        for line in lines(text).filter(|line| !line.is_code) {
            let wrong = targets(line.text)
                .into_iter()
                .filter_map(|target| broken_link(documents, &exists, document, &target));
            broken.extend(wrong.map(|wrong| format!("{document}:{}: {wrong}", line.number)));
            // Code spans are recognized within single lines only.
            if line.text.matches('`').count() % 2 == 1 {
                let number = line.number;
                broken.push(format!(
                    "{document}:{number}: a code span continues in the next line"
                ));
            }
        }
    }
    broken
}

/// Returns what is wrong with a link in a document, if anything.
fn broken_link(
    documents: &BTreeMap<String, String>,
    exists: impl Fn(&Path) -> bool,
    document: &str,
    target: &str,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() {
        document.to_owned()
    } else {
        let folder = Path::new(document).parent()?;
        let Some(file) = normalize(&folder.join(path)) else {
            return Some(format!("{path} leads out of the repository"));
        };
        if !exists(&file) {
            return Some(format!("{path} does not exist"));
        }
        file.display().to_string()
    };
    let headings = documents.get(&file).map(|text| headings(text));
    let is_there = anchor.is_empty() || headings.is_some_and(|all| all.contains(anchor));
    (!is_there).then(|| format!("{target}: {file} has no such heading"))
}

/// Removes `.` and `..` from a path. Returns `None` if it leads out of the repository.
fn normalize(path: &Path) -> Option<PathBuf> {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => whole.push(name),
            Component::ParentDir => whole.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(whole)
}

/// Returns the targets of the links and images in a line: `[text](target "title")`.
fn targets(line: &str) -> Vec<String> {
    let prose: String = line.split('`').step_by(2).collect();
    let target = |rest: &str| {
        let target = rest.split(')').next().unwrap_or_default();
        target.split_whitespace().next().map(str::to_owned)
    };
    prose.split("](").skip(1).filter_map(target).collect()
}

/// Returns the anchors of a document's headings, as GitHub generates them.
fn headings(document: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in lines(document).filter(|line| !line.is_code) {
        let heading = line.text.trim_start_matches('#');
        let level = line.text.len() - heading.len();
        if !(1..=6).contains(&level) || !heading.starts_with(' ') {
            continue;
        }
        let anchor = anchor(heading.trim());
        let again = |count: usize| match count {
            0 => anchor.clone(),
            count => format!("{anchor}-{count}"),
        };
        let free = (0..).map(again).find(|anchor| !anchors.contains(anchor));
        anchors.extend(free);
    }
    anchors
}

/// Returns the anchor of a heading: lower case, hyphens for spaces, and only letters, digits, hyphens and underscores.
/// Only the text of a link counts.
fn anchor(heading: &str) -> String {
    let text: String = heading
        .split("](")
        .enumerate()
        .map(|(index, part)| match (index, part.split_once(')')) {
            (1.., Some((_, rest))) => rest,
            _ => part,
        })
        .collect();
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    text.to_lowercase()
        .chars()
        .filter(|c| kept(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Returns the settings in the documents that the program does not have, and the settings of the program that
/// `docs/configuration.md` lacks or lists with another default.
fn wrong_settings(
    documents: &BTreeMap<String, String>,
    settings: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (document, text) in documents {
        for line in lines(text) {
            let named = if line.is_code {
                assigned(line.text)
            } else {
                let is_row = document == CONFIGURATION && line.text.starts_with("| `");
                named(line.text, is_row)
            };
            let unknown = named
                .into_iter()
                .filter(|name| !settings.contains_key(*name) && !OTHER_VARIABLES.contains(name));
            let number = line.number;
            wrong.extend(
                unknown.map(|name| format!("{document}:{number}: {name} is not a setting")),
            );
        }
    }
    let described = documents.get(CONFIGURATION).map_or("", String::as_str);
    for (name, default) in settings {
        let row = lines(described).find(|line| line.text.starts_with(&format!("| `{name}` |")));
        match row {
            None => wrong.push(format!("{CONFIGURATION}:1: {name} is missing")),
            Some(row) if default.is_empty() || row.text.contains(&format!("| `{default}` |")) => {}
            Some(Line { number, .. }) => wrong.push(format!(
                "{CONFIGURATION}:{number}: the default of {name} is `{default}`"
            )),
        }
    }
    wrong
}

/// Returns the variables that a line names in backticks. SQL and HTTP also have words in capitals, so only names with
/// an underscore or a value count, and the first name in a row of the list of settings.
fn named(line: &str, is_row: bool) -> Vec<&str> {
    let spans = line.split('`').skip(1).step_by(2);
    spans
        .enumerate()
        .filter_map(|(index, span)| {
            let (name, is_assigned) = match span.split_once('=') {
                Some((name, _)) => (name, true),
                None => (span, false),
            };
            let is_meant = is_assigned || name.contains('_') || is_row && index == 0;
            Some(name).filter(|name| is_meant && is_variable(name))
        })
        .collect()
}

/// Returns the variables that a line of code sets. Scripts have variables of their own, so only names with an
/// underscore count.
fn assigned(line: &str) -> Vec<&str> {
    let words = line.split_whitespace();
    words
        .filter_map(|word| word.split_once('='))
        .map(|(name, _)| name)
        .filter(|name| is_variable(name) && name.contains('_'))
        .collect()
}

/// Returns whether a text has the form of a variable: `MAX_CONNECTIONS`.
fn is_variable(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(is_of_name)
}
