//! Names of logs and of files that programs trip over.

use crate::sandbox::Sandbox;

#[test]
fn names_of_logs_are_never_paths() {
    let sandbox = Sandbox::new();
    let longest = "n".repeat(255);
    let names = [
        "..",
        ".",
        "a/b",
        "../../escape",
        "-dash",
        "Log",
        "log",
        "LOG",
        " ",
        "\u{fc}",
        &longest,
    ];
    for name in names {
        sandbox
            .feed(["append", "--", name], format!("of {name}\n"))
            .succeeded();
    }
    for name in names {
        let value = sandbox.run(["get", "--", name, "0"]).succeeded().object();
        assert_eq!(value["value"], format!("of {name}"));
    }
    let said = sandbox.run(["logs"]).succeeded();
    let listed: Vec<_> = said
        .objects()
        .iter()
        .map(|log| log["name"].as_str().unwrap().to_owned())
        .collect();
    let mut expected: Vec<_> = names.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(listed, expected);
    let outside: Vec<_> = std::fs::read_dir(sandbox.path("")).unwrap().collect();
    assert_eq!(outside.len(), 1, "{outside:?}");
}

#[test]
fn names_that_cannot_be_are_refused() {
    let sandbox = Sandbox::new();
    let too_long = "n".repeat(300);
    for name in ["", "line\nend", "tab\t", "\u{7f}", &too_long] {
        sandbox
            .feed(["append", "--", name], "x\n")
            .refused(2, "invalid", &[]);
    }
    assert_eq!(sandbox.run(["logs"]).succeeded().stdout, "");
}

#[cfg(unix)]
#[test]
fn names_of_files_need_not_be_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let sandbox = Sandbox::new();
    let data = sandbox.path(OsStr::from_bytes(b"d\xe4ta"));
    let sandbox = sandbox.with_data(data);
    let file = sandbox.file(OsStr::from_bytes(b"r\xf6ws.ndjson"), "1\n2\n");
    sandbox
        .run(["import".as_ref(), "log".as_ref(), file.as_os_str()])
        .succeeded();
    assert_eq!(sandbox.values("log"), ["1", "2"]);
    let exported = sandbox.path(OsStr::from_bytes(b"\xff.csv"));
    sandbox
        .run(["export".as_ref(), "log".as_ref(), exported.as_os_str()])
        .succeeded();
    assert!(
        std::fs::read_to_string(exported)
            .unwrap()
            .starts_with("offset,time,")
    );
    let missing = sandbox.path(OsStr::from_bytes(b"\xfe.csv"));
    sandbox
        .run(["import".as_ref(), "log".as_ref(), missing.as_os_str()])
        .refused(3, "not-found", &["cannot open"]);
    sandbox
        .run(["stat".as_ref(), OsStr::from_bytes(b"\xff")])
        .refused(2, "invalid", &["UTF-8"]);
}
