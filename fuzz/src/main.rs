//! What libFuzzer drives, in a build of its own; in any other build, a program that
//! feeds files to a target, or writes down the inputs it starts from.
#![cfg_attr(fuzzing, no_main)]

// libFuzzer has arguments of its own, so the target is named beside them.
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    static TARGET: std::sync::LazyLock<&tidelog_fuzz::Target> = std::sync::LazyLock::new(|| {
        let name = std::env::var("TIDELOG_FUZZ_TARGET").unwrap_or_default();
        tidelog_fuzz::Target::named(&name)
            .unwrap_or_else(|| panic!("TIDELOG_FUZZ_TARGET names no target: {name:?}"))
    });
    let _ = TARGET.feed(bytes);
});

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    program::main()
}

#[cfg(not(fuzzing))]
mod program {
    use std::ffi::OsString;
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;
    use std::{env, fs, io};

    use tidelog_fuzz::seeds::of;
    use tidelog_fuzz::{ALL, Target};

    const USAGE: &str = "tidelog-fuzz list | feed TARGET FILE... | seeds TARGET FOLDER";

    pub fn main() -> ExitCode {
        let arguments: Vec<OsString> = env::args_os().skip(1).collect();
        match run(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run(arguments: &[OsString]) -> io::Result<()> {
        let words: Vec<_> = arguments.iter().map(|word| word.to_str()).collect();
        match words.as_slice() {
            [Some("list")] => {
                for target in ALL {
                    println!("{} {}", target.name, target.longest);
                }
                Ok(())
            }
            [Some("feed"), Some(target), _, ..] => feed(named(target)?, &arguments[2..]),
            [Some("seeds"), Some(target), _] => seeds(named(target)?, Path::new(&arguments[2])),
            _ => Err(io::Error::other(USAGE)),
        }
    }

    fn named(name: &str) -> io::Result<&'static Target> {
        Target::named(name).ok_or_else(|| io::Error::other(format!("there is no target {name}")))
    }

    fn feed(target: &Target, files: &[OsString]) -> io::Result<()> {
        for file in files.iter().map(PathBuf::from) {
            let bytes = fs::read(&file)?;
            // Said first, so that a panic has a name.
            print!("{}: {} bytes ", file.display(), bytes.len());
            io::stdout().flush()?;
            let said = if target.feed(&bytes) {
                "taken"
            } else {
                "refused"
            };
            println!("{said}");
        }
        Ok(())
    }

    fn seeds(target: &Target, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for (index, seed) in of(target).iter().enumerate() {
            fs::write(folder.join(format!("seed-{index:03}")), seed)?;
        }
        Ok(())
    }
}
