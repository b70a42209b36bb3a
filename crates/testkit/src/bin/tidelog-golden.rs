//! Writes the golden images of the format anew, or compares them with what is
//! written today.
//!
//! Exit code 1: they differ.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tidelog_testkit::golden;

/// Writes golden images.
#[derive(Parser)]
struct Cli {
    /// Where they are.
    #[arg(long, default_value = golden::FOLDER)]
    folder: PathBuf,
    /// Compare instead of writing.
    #[arg(long)]
    check: bool,
}

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    if !cli.check {
        golden::write(&cli.folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    let differences = golden::differences(&cli.folder)?;
    for difference in &differences {
        eprintln!("{difference}");
    }
    Ok(match differences.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
