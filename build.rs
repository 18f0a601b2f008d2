//! Generates the module `i18n` from `locales/*.json`, so that the compiler checks the keys and their arguments.
//!
//! `leptos_i18n_build` would do the same, but it compiles all of CLDR.

use leptos_i18n_parser::parse_locales::{
    cfg_file::ConfigFile,
    options::{Config, ParseOptions},
    parse_locales,
};
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=locales");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    if env::var_os("CARGO_FEATURE_SSR").is_some()
        && env::var("PROFILE").is_ok_and(|profile| profile == "release")
    {
        // The program embeds the built client.
        println!("cargo::rerun-if-changed=target/site/pkg");
    }
    let mut folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut config: Config = ConfigFile::new(&mut folder)
        .map_err(|error| error.to_string())?
        .into();
    config.options = ParseOptions::default().interpolate_display(true);
    let locales = parse_locales(Some(folder), config).map_err(|error| error.to_string())?;
    let code = leptos_i18n_codegen::gen_code(&locales, None, true, None, false)
        .map_err(|error| error.to_string())?;
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("i18n.rs"),
        code.to_string(),
    )?;
    Ok(())
}
