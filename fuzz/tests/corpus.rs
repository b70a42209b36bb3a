//! Replays what libFuzzer has kept, and everything that it or anybody else once broke
//! a target with.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidelog_fuzz::{ALL, Target, seeds};

/// Files of one target's corpus, and bytes in all of them, at most.
const FILES_MAX: usize = 100;
const BYTES_MAX: usize = 100 << 10;

/// Memory is counted for the whole process, so that one thing is fed at a time.
fn alone() -> MutexGuard<'static, ()> {
    static FEEDING: Mutex<()> = Mutex::new(());
    FEEDING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a target below `folder`, in a stable order.
fn inputs(folder: &str, target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(root().join(folder).join(target.name)) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Feeds them all. A panic is preceded by its input.
fn feed(target: &Target, inputs: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in inputs {
        println!("{} {}", target.name, path.display());
        target.feed(bytes);
    }
}

#[test]
fn every_input_of_the_corpus_holds() {
    let _alone = alone();
    for target in ALL {
        let inputs = inputs("corpus", target);
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        feed(target, &inputs);
    }
}

#[test]
fn nothing_that_was_mended_is_broken_again() {
    let _alone = alone();
    for target in ALL {
        feed(target, &inputs("regressions", target));
    }
}

#[test]
fn what_a_target_starts_from_is_taken() {
    let _alone = alone();
    for target in ALL {
        let seeds = seeds::of(target);
        let taken = seeds.iter().filter(|seed| target.feed(seed)).count();
        let (name, all) = (target.name, seeds.len());
        assert!(
            taken * 2 >= all && all > 0,
            "{name} refuses all but {taken} of {all} seeds"
        );
    }
}

#[test]
fn the_corpus_stays_small_and_every_folder_is_a_target() {
    let _alone = alone();
    for target in ALL {
        let inputs = inputs("corpus", target);
        let bytes: usize = inputs.iter().map(|(_, bytes)| bytes.len()).sum();
        let (name, files) = (target.name, inputs.len());
        assert!(
            files <= FILES_MAX,
            "{name} has {files} files, above {FILES_MAX}"
        );
        assert!(
            bytes <= BYTES_MAX,
            "{name} has {bytes} bytes, above {BYTES_MAX}"
        );
        let longest = inputs.iter().map(|(_, bytes)| bytes.len()).max();
        assert!(longest.is_none_or(|longest| longest <= target.longest));
    }
    for folder in ["corpus", "regressions"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name();
            let known = Target::named(&name.to_string_lossy());
            assert!(known.is_some(), "{folder}/{} is no target", name.display());
        }
    }
}
