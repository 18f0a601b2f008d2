//! `wasm-bindgen WASM OUT_DIR NAME`: splits a compiled client into its parts, and generates the JavaScript module NAME.
//!
//! `NAME.json` lists the files of each part: `{"admin": ["chunk_0.wasm", "split_admin.wasm"]}`.

use anyhow::{Result, anyhow, bail};
use std::{env, fs, path::Path};
use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::Options;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--version"] => println!("wasm-bindgen {} with wasm-split", env!("CARGO_PKG_VERSION")),
        [wasm, out_dir, name] => build(wasm, Path::new(out_dir), name)?,
        _ => bail!("usage: wasm-bindgen WASM OUT_DIR NAME"),
    }
    Ok(())
}

fn build(wasm: &str, out_dir: &Path, name: &str) -> Result<()> {
    let wasm = fs::read(wasm)?;
    let main_part = out_dir.join("main.wasm");
    let main_module = format!("./{name}.js");
    let mut options = Options::new(&wasm);
    options.output_dir = out_dir;
    options.main_out_path = &main_part;
    options.main_module = &main_module;
    let split = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("{error:?}"))?;
    Bindgen::new()
        .input_path(&main_part)
        .out_name(name)
        .web(true)?
        .omit_default_module_path(false)
        .typescript(false)
        // The parts import what the linker exports
        .keep_lld_exports(true)
        .demangle(false)
        .generate(out_dir)?;
    fs::remove_file(&main_part)?;
    let parts = split.prefetch_map.into_iter().map(|(part, files)| {
        let files = files.into_iter().map(|file| format!("{file}.wasm")).collect();
        (part, files)
    });
    fs::write(
        out_dir.join(format!("{name}.json")),
        serde_json::to_string(&parts.collect::<std::collections::BTreeMap<String, Vec<String>>>())?,
    )?;
    Ok(())
}
