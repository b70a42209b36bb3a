//! Prints `SEED HASH` for `COUNT` seeds from `FIRST` on, as `run.mjs` does; for one
//! that broke a promise, what it broke. Usage: `tidelog-seed-hashes FIRST COUNT`.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};

use tidelog_testkit::seeds;

fn main() -> Result<(), Box<dyn Error>> {
    let numbers = env::args().skip(1).map(|text| text.parse());
    let numbers: Vec<u64> = numbers.collect::<Result<_, _>>()?;
    let &[first, count] = numbers.as_slice() else {
        return Err("usage: tidelog-seed-hashes FIRST COUNT".into());
    };
    let mut out = io::stdout().lock();
    for seed in (0..count).map(|at| first.wrapping_add(at)) {
        match seeds::run(seed) {
            Ok(hash) => writeln!(out, "{seed} {hash:016x}")?,
            Err(broken) => writeln!(out, "{seed} broke a promise: {}", broken.replace('\n', " "))?,
        }
    }
    Ok(())
}
