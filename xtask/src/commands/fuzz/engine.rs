//! Owns the program that libFuzzer drives: building and calling it.
//!
//! It is built by the pinned stable toolchain: the pass that counts coverage belongs to
//! LLVM. Only code of the target platform is instrumented, not what compiling runs.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::PACKAGE;
use super::session::Session;
use crate::call::Call;
use crate::workspace::{PROFILE, Workspace};

/// What instruments the code, and tells it that it is.
const FLAGS: &[&str] = &[
    "--cfg",
    "fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Between flags, so that they need no quoting.
const SEPARATOR: &str = "\u{1f}";

/// Bytes of an input at most; each target looks at fewer.
const LONGEST: &str = "-max_len=16384";

/// Seconds after which an input counts as one that never ends.
const TIMEOUT: &str = "-timeout=10";

/// Memory of the whole process, in MiB; each target bounds its own more narrowly.
const MEMORY: &str = "-rss_limit_mb=1024";

/// Inputs of a corpus, and bytes in all of them, at most: the largest are left out.
const FILES_MAX: usize = 100;
const BYTES_MAX: u64 = 100 << 10;

/// How the names of seeds begin.
const SEED: &str = "seed-";

/// The instrumented program, and the ordinary one beside it.
pub struct Engine<'a> {
    workspace: &'a Workspace,
    program: PathBuf,
    /// The same program as any other build has it.
    ordinary: PathBuf,
    /// Where inputs that were found are kept, outside the repository.
    folder: PathBuf,
}

impl<'a> Engine<'a> {
    /// Builds it.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(workspace: &'a Workspace) -> Result<Self> {
        let ordinary = workspace.build(PACKAGE, PACKAGE, PROFILE)?;
        let host = host(workspace)?;
        workspace
            .cargo(&["build", "--locked", "--profile", PROFILE])
            .args(["--package", PACKAGE, "--target", &host])
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join(SEPARATOR))
            .run()?;
        Ok(Self {
            workspace,
            program: workspace.target.join(host).join(PROFILE).join(PACKAGE),
            ordinary,
            folder: workspace.target.join("fuzz"),
        })
    }

    /// Fuzzes one target: what comes up follows from `seed`, as far as time allows.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn fuzz(&self, target: &str, seconds: u64, seed: Option<u32>) -> Result<Session> {
        let found = self.folder(&["found", target])?;
        let artifacts = self.folder(&["artifacts"])?.join(format!("{target}-"));
        let (done, said) = self
            .call(target)
            .arg(format!("-max_total_time={seconds}"))
            .args(seed.map(|seed| format!("-seed={seed}")))
            .args([TIMEOUT, MEMORY, "-print_final_stats=1"])
            .arg(format!("-artifact_prefix={}", artifacts.display()))
            .args([found, self.seeds(target)?])
            .args(self.kept(target))
            .probe()?;
        let session = Session::read(&said);
        if !done && session.crash.is_none() {
            bail!("libFuzzer failed: {}", said.lines().last().unwrap_or(""));
        }
        Ok(session)
    }

    /// Replaces the corpus by the fewest inputs that reach what the seeds do not.
    ///
    /// # Errors
    /// When a target breaks, or a file cannot be written.
    pub fn minimise(&self, target: &str) -> Result<()> {
        // What is added to the seeds is what is missing from them.
        let seeds = self.seeds(target)?;
        let (done, said) = self
            .call(target)
            // How often an edge is taken is not worth a file.
            .args(["-set_cover_merge=1", "-use_counters=0", TIMEOUT, MEMORY])
            .args([&seeds, &self.folder(&["found", target])?])
            .args(self.kept(target))
            .probe()?;
        if !done {
            bail!("libFuzzer failed: {}", said.lines().last().unwrap_or(""));
        }
        let mut inputs = Vec::new();
        for file in fs::read_dir(&seeds)? {
            let file = file?;
            if !file.file_name().to_string_lossy().starts_with(SEED) {
                inputs.push((file.metadata()?.len(), file.path()));
            }
        }
        inputs.sort();
        let corpus = self.corpus(target);
        fs::remove_dir_all(&corpus)?;
        fs::create_dir_all(&corpus)?;
        let (mut kept, mut bytes) = (0, 0);
        for (length, path) in &inputs {
            bytes += length;
            if kept == FILES_MAX || bytes > BYTES_MAX {
                break;
            }
            kept += 1;
            fs::copy(
                path,
                corpus.join(path.file_name().context("a file has a name")?),
            )?;
        }
        eprintln!("  {target}: {kept} of {} inputs", inputs.len());
        Ok(())
    }

    /// The inputs that a target starts from, made anew.
    fn seeds(&self, target: &str) -> Result<PathBuf> {
        let seeds = self.folder(&["seeds", target])?;
        fs::remove_dir_all(&seeds)?;
        let (done, said) = Call::new(&self.ordinary)
            .args(["seeds", target])
            .arg(&seeds)
            .probe()?;
        if !done {
            bail!("no seeds for {target}: {}", said.trim());
        }
        Ok(seeds)
    }

    fn call(&self, target: &str) -> Call {
        Call::new(&self.program)
            .dir(&self.workspace.root)
            .env("TIDELOG_FUZZ_TARGET", target)
            .arg(LONGEST)
    }

    /// The folders of the repository that hold inputs of a target.
    fn kept(&self, target: &str) -> Vec<PathBuf> {
        let regressions = self.workspace.root.join("fuzz/regressions").join(target);
        let mut kept = vec![self.corpus(target)];
        kept.extend(Some(regressions).filter(|folder| folder.is_dir()));
        kept
    }

    fn corpus(&self, target: &str) -> PathBuf {
        self.workspace.root.join("fuzz/corpus").join(target)
    }

    fn folder(&self, parts: &[&str]) -> Result<PathBuf> {
        let folder = parts
            .iter()
            .fold(self.folder.clone(), |at, part| at.join(part));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }
}

/// The platform that rustc compiles for unless told otherwise.
fn host(workspace: &Workspace) -> Result<String> {
    let text = Call::new("rustc")
        .args(["--version", "--verbose"])
        .dir(&workspace.root)
        .capture()?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .with_context(|| format!("rustc names no host in {text:?}"))
}
