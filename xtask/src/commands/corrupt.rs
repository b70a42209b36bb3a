//! `cargo xtask corrupt`: hits the golden images in every byte and judges what the
//! engine makes of them. The work is in `tidelog-testkit`.

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::call::Call;
use crate::outcome::Outcome;
use crate::workspace::{PROFILE, Workspace};

/// Mutations that a whole run judges at least.
const MUTATIONS: u64 = 1_000_000;

/// What to hit, and how often.
#[derive(Args, Default)]
pub struct Options {
    /// Mutations that change something to judge at least; beyond the single hits they
    /// are pairs.
    #[arg(long)]
    pub mutations: Option<u64>,
    /// Hit only this image, such as `v1/values`.
    #[arg(long)]
    pub image: Option<String>,
    /// Judge only this mutation of the image, as a failure names it.
    #[arg(long, requires = "image")]
    pub mutation: Option<u64>,
}

/// Builds and runs it; its object becomes the facts of the outcome.
///
/// # Errors
/// When it does not build, or prints no JSON.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let program = workspace.build("tidelog-testkit", "tidelog-corrupt", PROFILE)?;
    let mut outcome = Outcome::default();
    if let (Some(image), Some(number)) = (&options.image, options.mutation) {
        let (status, text) = Call::new(program)
            .args(["--image", image, "--mutation", &number.to_string()])
            .dir(&workspace.root)
            .answer()?;
        outcome.claim(status.success(), text.trim());
        return Ok(outcome);
    }
    let wanted = options.mutations.unwrap_or(MUTATIONS);
    let mut call = Call::new(program)
        .args(["--mutations", &wanted.to_string(), "--json"])
        .args(if quick { &["--quick"][..] } else { &[] });
    if let Some(image) = &options.image {
        call = call.args(["--image", image]);
    }
    let (status, text) = call.dir(&workspace.root).answer()?;
    let line = text.lines().last().unwrap_or_default();
    let found: Value = serde_json::from_str(line)
        .with_context(|| format!("tidelog-corrupt printed no object but {line:?} ({status})"))?;
    let count = |name: &str| found[name].as_u64().unwrap_or(0);
    let mutations = count("mutations");
    let (reported, harmless) = (count("reported"), count("harmless"));
    let forgotten = count("forgotten");
    outcome.claim(
        status.success() && mutations == reported + harmless + forgotten,
        format!(
            "{mutations} mutations of {} images: {reported} reported, {harmless} harmless, \
             {forgotten} that look like what was never written",
            count("images")
        ),
    );
    if !quick && options.image.is_none() {
        outcome.claim(
            mutations >= wanted,
            format!("they are the {wanted} asked for, or more"),
        );
    }
    outcome.fact("corruption", found);
    Ok(outcome)
}
