//! Writes the seeds that are recorded from the lab into `fuzz/corpus`:
//! `cargo run -p stayput-fuzz --example seeds`.

use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut bytes = 0;
    for seed in stayput_fuzz::recorded() {
        let folder = corpus.join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(&seed.name), &seed.bytes)?;
        bytes += seed.bytes.len();
    }
    println!("{bytes} bytes in {}", corpus.display());
    Ok(())
}
