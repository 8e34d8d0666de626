//! Makes sure that there is a web interface to embed, so that `cargo build` works without Node.

use std::fs;
use std::path::Path;

const PLACEHOLDER: &str = "<!doctype html><meta charset=utf-8><title>Grove</title>\
    <p>The web interface was not built. Run <code>npm ci && npm run build</code> in <code>web/</code>, \
    then build Grove again.";

fn main() -> std::io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let index = dist.join("index.html");
    if !index.exists() {
        fs::create_dir_all(&dist)?;
        fs::write(index, PLACEHOLDER)?;
    }
    Ok(())
}
