//! Owns a folder of its own for one test, and running the program on the logs in
//! it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder; its `data` is the directory of logs.
pub struct Sandbox {
    home: TempDir,
    data: PathBuf,
}

/// What the program said before it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        Self { home, data }
    }

    /// The same folder, with the logs elsewhere.
    pub fn with_data(self, data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            ..self
        }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.home.path().join(name.as_ref())
    }

    /// Writes a file beside the logs.
    pub fn file(&self, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A command on the logs that answers in JSON.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = program();
        command
            .args(["--json".as_ref(), "--dir".as_ref(), self.data.as_os_str()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a verb to its end, without input.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        let output = self.command(arguments).output().unwrap();
        Said::of(output)
    }

    /// Runs a verb to its end, with this on its standard input.
    pub fn feed<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: impl AsRef<[u8]>,
    ) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that refuses early does not read on.
        let _ = stdin.write_all(input.as_ref());
        drop(stdin);
        Said::of(child.wait_with_output().unwrap())
    }

    /// The values of all records of `log`, oldest first.
    pub fn values(&self, log: &str) -> Vec<Value> {
        let said = self.run(["cat", log]).succeeded();
        said.objects()
            .into_iter()
            .map(|mut record| record["value"].take())
            .collect()
    }
}

/// The program.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidelog"));
    command.env_remove("TIDELOG_DIR");
    command
}

/// Waits for `child`, which must end by itself.
pub fn end_of(child: Child) -> Said {
    Said::of(child.wait_with_output().unwrap())
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Demands success.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Demands this exit code and an error of this kind that mentions all of
    /// `words`. Returns its message.
    #[track_caller]
    pub fn refused(self, code: i32, kind: &str, words: &[&str]) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        let last = self.stderr.lines().last().unwrap_or_default();
        let object: Value = serde_json::from_str(last).unwrap_or_default();
        assert_eq!(object["error"]["kind"], kind, "{self:?}");
        let message = object["error"]["message"].as_str().unwrap_or_default();
        for word in words {
            assert!(message.contains(word), "{word:?} is not in {message:?}");
        }
        message.to_owned()
    }

    /// The standard output, one JSON value a line.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{self:?}")))
            .collect()
    }

    /// The standard output, which must be one JSON value.
    #[track_caller]
    pub fn object(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{self:?}"))
    }
}
