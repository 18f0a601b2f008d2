//! The layers of `ARCHITECTURE.md`: a file imports from its own layer or from lower ones, and import cycles are small.

use proc_macro2::{TokenStream, TokenTree};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use syn::visit::{self, Visit};

/// The maximum number of files in one import cycle.
const MAX_CYCLE_FILES: usize = 3;
/// The maximum number of back imports. In a cycle of n files, each import beyond n - 1 counts as one.
const MAX_BACK_IMPORTS: usize = 12;

/// The imports of a crate: files by their path in `src/`, and the files that each of them imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_file_imports_from_an_upper_layer() {
    let layers = layers(include_str!("../../ARCHITECTURE.md"));
    assert!(layers.len() > 8, "could not read the layers: {layers:?}");
    let imports = imports(&sources());
    let errors = layer_errors(&layers, &imports);
    assert!(errors.is_empty(), "layer errors: {errors:#?}");
}

#[test]
fn import_cycles_are_small_and_few() {
    let imports = imports(&sources());
    let cycles = cycles(&imports);
    for cycle in &cycles {
        assert!(
            cycle.len() <= MAX_CYCLE_FILES,
            "the import cycle is too large: {cycle:#?}"
        );
    }
    let internal_imports = |cycle: &BTreeSet<String>| {
        cycle
            .iter()
            .map(|file| imports[file].intersection(cycle).count())
            .sum::<usize>()
    };
    let back_imports: usize = cycles
        .iter()
        .map(|cycle| internal_imports(cycle) + 1 - cycle.len())
        .sum();
    assert!(
        back_imports <= MAX_BACK_IMPORTS,
        "{back_imports} back imports: {cycles:#?}"
    );
}

#[test]
fn upward_imports_files_without_a_layer_and_cycles_are_detected() {
    let layers = layers("## Layers\n1. **Low**: `low.rs` `deep/mod.rs`\n2. **High**: `deep/`\n");
    let sources = BTreeMap::from([
        ("low.rs".to_owned(), "use crate::deep::top::Top;".to_owned()),
        ("deep/mod.rs".to_owned(), "pub mod top;".to_owned()),
        (
            "deep/top.rs".to_owned(),
            "fn f() { view! { crate::low::g() } } #[cfg(test)] mod tests { use crate::nowhere; }"
                .to_owned(),
        ),
        ("nowhere.rs".to_owned(), String::new()),
    ]);
    let imports = imports(&sources);
    assert_eq!(
        layer_errors(&layers, &imports),
        ["low.rs imports deep/top.rs", "nowhere.rs has no layer"]
    );
    let cycle = BTreeSet::from(["deep/top.rs".to_owned(), "low.rs".to_owned()]);
    assert_eq!(cycles(&imports), [cycle]);
}

/// Reads the layers, lowest first: the files and folders (with a trailing slash) that each numbered line names.
fn layers(document: &str) -> Vec<Vec<String>> {
    let section = document.split("## Layers").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let is_numbered =
        |line: &&str| line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(". ");
    let places = |line: &str| {
        let quoted = line.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    };
    section.lines().filter(is_numbered).map(places).collect()
}

/// Returns an error for each upward import and each file without a layer.
fn layer_errors(layers: &[Vec<String>], imports: &Imports) -> Vec<String> {
    // The longest matching path decides.
    let layer = |file: &str| {
        let places = layers
            .iter()
            .enumerate()
            .flat_map(|(layer, places)| places.iter().map(move |place| (place, layer)));
        places
            .filter(|(place, _)| *place == file || place.ends_with('/') && file.starts_with(*place))
            .max_by_key(|(place, _)| place.len())
            .map(|(_, layer)| layer)
    };
    let mut errors = Vec::new();
    for (file, imported) in imports {
        let Some(own) = layer(file) else {
            errors.push(format!("{file} has no layer"));
            continue;
        };
        let above = imported
            .iter()
            .filter(|other| layer(other).is_some_and(|other| other > own));
        errors.extend(above.map(|other| format!("{file} imports {other}")));
    }
    errors
}

/// Returns the import cycles: sets of files that reach each other.
fn cycles(imports: &Imports) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|file| (file, reachable_from(imports, file)))
        .collect();
    let cycle_of = |file: &String| {
        let others = reached[file].iter();
        let back = others.filter(|other| reached[*other].contains(file));
        back.cloned().collect::<BTreeSet<_>>()
    };
    let cycles: BTreeSet<_> = imports.keys().map(cycle_of).collect();
    cycles.into_iter().filter(|cycle| cycle.len() > 1).collect()
}

/// Returns the files that a file imports directly or indirectly.
fn reachable_from(imports: &Imports, file: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<_> = imports[file].iter().collect();
    while let Some(file) = next.pop() {
        if reached.insert(file.clone()) {
            next.extend(&imports[file]);
        }
    }
    reached
}

/// Returns the text of each source file except the tests, by path.
fn sources() -> BTreeMap<String, String> {
    fn add(folder: &Path, root: &Path, sources: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if path.is_dir() && name != "tests" {
                add(&path, root, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    add(&root, &root, &mut sources);
    // The binary is another crate on top of this one.
    sources
        .retain(|file, _| file != "lib.rs" && file != "main.rs" && !file.starts_with("command/"));
    sources
}

fn imports(sources: &BTreeMap<String, String>) -> Imports {
    let modules: BTreeMap<_, _> = sources.keys().map(|file| (module(file), file)).collect();
    let read = |(file, text): (&String, &String)| {
        let mut paths = Paths::default();
        paths.visit_file(&syn::parse_file(text).unwrap());
        let own = module(file);
        let imported = paths
            .found
            .iter()
            .filter_map(|path| file_of(&modules, &own, path))
            .filter(|other| other != file);
        (file.clone(), imported.collect())
    };
    sources.iter().map(read).collect()
}

/// Returns the module path of a file.
fn module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// Returns the file that defines the item to which a path in the module `own` refers.
fn file_of(
    modules: &BTreeMap<Vec<String>, &String>,
    own: &[String],
    path: &[String],
) -> Option<String> {
    let mut whole = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => own.to_vec(),
        child => {
            let child = [own, &[child.to_owned()]].concat();
            return modules
                .contains_key(&child)
                .then(|| file_of(modules, own, &[&["self".to_owned()], path].concat()))?;
        }
    };
    for name in path {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => drop(whole.pop()),
            name => whole.push(name.to_owned()),
        }
    }
    (1..=whole.len())
        .rev()
        .find_map(|length| modules.get(&whole[..length]))
        .map(|file| (*file).clone())
}

/// The paths in a file, without its tests.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl Paths {
    fn add_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.found.push(with(&name.ident)),
            syn::UseTree::Rename(name) => self.found.push(with(&name.ident)),
            syn::UseTree::Glob(_) => self.found.push(before.to_vec()),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(before, tree);
                }
            }
        }
    }

    /// Adds the paths in the tokens of a macro, which have no syntax tree. They begin with `crate` or `super`.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.found
                        .extend(Some(std::mem::take(&mut path)).filter(|path| path.len() > 1));
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) if name == "crate" || name == "super" => {
                            path.push(name.to_string());
                        }
                        TokenTree::Group(group) => self.add_tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.found.extend(Some(path).filter(|path| path.len() > 1));
    }
}

impl<'ast> Visit<'ast> for Paths {
    /// `pub(super)` imports nothing.
    fn visit_visibility(&mut self, _: &syn::Visibility) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_test = |attribute: &syn::Attribute| {
            let list = attribute.meta.require_list();
            list.is_ok_and(|list| list.path.is_ident("cfg") && list.tokens.to_string() == "test")
        };
        if !item.attrs.iter().any(is_test) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path
            .segments
            .iter()
            .map(|name| name.ident.to_string())
            .collect();
        if names
            .first()
            .is_some_and(|name| name == "crate" || name == "super")
        {
            self.found.push(names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}
