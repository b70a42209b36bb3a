//! Hits the golden images in every byte, and prints one JSON object about what the
//! engine makes of them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use serde_json::{Map, Value, json};
use tidelog_testkit::corrupt::{self, Broken, Subject, Tally, Verdict};

/// Of the mutations that are listed, a quick run judges one in so many.
const STRIDE_QUICK: u64 = 7;

/// Hits every golden image in every byte, and judges what the engine makes of it.
///
/// Exit code 0: all damage is reported or harmless. 1: a promise was broken. 2: it
/// could not run.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The folder of the golden images, which has one for each version of the format.
    #[arg(long, default_value = "tests/golden")]
    folder: PathBuf,
    /// Mutations that change something to judge at least. All single hits are judged
    /// whatever it says; the rest are pairs of hits.
    #[arg(long, default_value_t = 1_000_000)]
    mutations: u64,
    /// Hit only this image, such as `v1/values`.
    #[arg(long)]
    image: Option<String>,
    /// Judge only this mutation of the image, as a failure names it.
    #[arg(long, requires = "image")]
    mutation: Option<u64>,
    /// Print the object on one line.
    #[arg(long)]
    json: bool,
    /// Judge every seventh mutation.
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let samples = match corrupt::samples(&arguments.folder) {
        Ok(samples) => samples,
        Err(error) => return cannot(&error.to_string()),
    };
    let mut subjects = match Subject::all(&samples) {
        Ok(subjects) => subjects,
        Err(sentence) => return cannot(&sentence),
    };
    if let Some(image) = &arguments.image {
        subjects.retain(|subject| subject.name == *image);
        if subjects.is_empty() {
            return cannot(&format!("there is no image {image}"));
        }
    }
    if let (Some(number), [subject]) = (arguments.mutation, &subjects[..]) {
        return repeat(subject, number);
    }
    let begun = Instant::now();
    let (wanted, stride) = match (arguments.quick, &arguments.image) {
        (true, _) => (0, STRIDE_QUICK),
        (false, Some(_)) => (0, 1),
        (false, None) => (arguments.mutations, 1),
    };
    let tally = corrupt::explore(&subjects, wanted, stride);
    let object = report(&subjects, &tally, begun.elapsed().as_secs_f64());
    if arguments.json {
        println!("{object}");
    } else {
        println!("{object:#}");
    }
    for broken in &tally.failures {
        eprintln!(
            "{}\n    {}: {}",
            broken.command(),
            broken.mutation,
            broken.sentence
        );
    }
    ExitCode::from(u8::from(tally.failed > 0))
}

fn cannot(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::from(2)
}

fn repeat(subject: &Subject, number: u64) -> ExitCode {
    let mutation = subject.mutations().get(number);
    let name = &subject.name;
    match subject.judge(number, &mutation) {
        Ok(verdict) => {
            println!("{name}, {mutation}: {}", verdict.as_str());
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            println!("{name}, {mutation}: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn report(subjects: &[Subject], tally: &Tally, seconds: f64) -> Value {
    let failure = |broken: &Broken| {
        json!({
            "image": broken.image,
            "mutation": broken.mutation,
            "broken": broken.sentence,
            "command": broken.command(),
        })
    };
    let mut kinds: Map<String, Value> = Map::new();
    for ((kind, verdict), count) in &tally.counts {
        kinds.entry(*kind).or_insert_with(|| json!({}))[verdict.as_str()] = json!(count);
    }
    json!({
        "images": subjects.len(),
        "mutations": tally.mutations(),
        "reported": tally.verdicts(Verdict::Reported),
        "harmless": tally.verdicts(Verdict::Harmless),
        "forgotten": tally.verdicts(Verdict::Forgotten),
        "kinds": kinds,
        "failed": tally.failed,
        "failures": tally.failures.iter().map(failure).collect::<Vec<_>>(),
        "seconds": seconds,
    })
}
