//! `wasm-bindgen WASM OUT_DIR NAME`: generates the JavaScript module NAME for a compiled client.

use anyhow::{Result, bail};
use std::env;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--version"] => println!("wasm-bindgen {}", env!("CARGO_PKG_VERSION")),
        [wasm, out_dir, name] => Bindgen::new()
            .input_path(wasm)
            .out_name(name)
            .web(true)?
            .omit_default_module_path(false)
            .typescript(false)
            .generate(out_dir)?,
        _ => bail!("usage: wasm-bindgen WASM OUT_DIR NAME"),
    }
    Ok(())
}
