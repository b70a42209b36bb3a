//! Runs vectors: prints one JSON object, and exits with 0 if everything came out as the
//! vectors say.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::{Map, Value, json};

use tidelog_vectors::{files, report, rows, schema, skips, surfaces};

/// Runs vectors on surfaces.
#[derive(Parser)]
struct Arguments {
    /// The surface; all of them unless given.
    #[arg(long)]
    surface: Option<String>,
    /// Print the schema of vector files instead.
    #[arg(long)]
    schema: bool,
    /// Vector files; the repository's own unless given.
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    if arguments.schema {
        println!("{:#}", schema::schema());
        return Ok(true);
    }
    let whole = arguments.files.is_empty();
    let chosen = match whole {
        true => files::own()?,
        false => arguments.files.clone(),
    };
    let (scripts, mut faults) = files::load(&chosen);
    let mut found = Map::new();
    if whole {
        let (coverage, uncovered) = rows::coverage(&scripts, files::home())?;
        faults.extend(uncovered);
        found.insert("rows".into(), json!(coverage.rows));
        found.insert("rows_explained".into(), json!(coverage.explained));
        found.insert("error_kinds".into(), json!(coverage.kinds));
    }
    let names = match &arguments.surface {
        Some(name) => vec![name.as_str()],
        None => surfaces::NAMES.to_vec(),
    };
    let mut results = Map::new();
    let mut held = faults.is_empty();
    for name in names {
        let known = || {
            format!(
                "there is no surface {name}: there are {:?}",
                surfaces::NAMES
            )
        };
        let mut surface = surfaces::named(name).with_context(known)?;
        let listed = skips::of(name, files::home())?;
        let start = Instant::now();
        let report = report::run(&mut *surface, &scripts, &listed, whole);
        let seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "{name}: {} passed, {} failed, {} skipped in {seconds:.1} s",
            report.passed,
            report.failures.len() + report.unneeded.len(),
            report.skips.len()
        );
        held &= report.held();
        let mut result = serde_json::to_value(report)?;
        result["seconds"] = json!(seconds);
        results.insert(name.to_owned(), result);
    }
    found.insert("vectors".into(), json!(scripts.len()));
    found.insert("faults".into(), json!(faults));
    found.insert("surfaces".into(), Value::Object(results));
    found.insert("ok".into(), json!(held));
    println!("{}", Value::Object(found));
    Ok(held)
}
