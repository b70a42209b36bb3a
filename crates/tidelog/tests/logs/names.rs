//! Names of logs.

use std::thread;

use tidelog::blocking::Logs;
use tidelog::{AppendOptions, At, ErrorKind, NewRecord};

#[test]
fn any_text_is_a_name_and_none_is_a_path() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let logs = Logs::create(&dir).unwrap();
    let longest = "\u{e9}".repeat(127) + "x";
    let names = [
        "..",
        ".",
        "/etc/passwd",
        "a/b",
        "C:\\x",
        "log",
        "Log",
        "LOG",
        "con",
        " ",
        &longest,
    ];
    for name in names {
        let log = logs.log(name).create(true).open().unwrap();
        log.append(&[NewRecord::new(name.as_bytes())], AppendOptions::default())
            .unwrap();
    }
    for name in names {
        let log = logs.log(name).read_only(true).open().unwrap();
        assert_eq!(
            log.get(At::Oldest).unwrap().record().value,
            Some(name.as_bytes())
        );
    }
    let mut sorted = names.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(logs.names().unwrap(), sorted);
    let beside: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
}

#[test]
fn names_that_cannot_be_are_refused() {
    let logs = Logs::memory();
    let too_long = "n".repeat(256);
    for name in [
        "",
        "nul\0",
        "line\n",
        "\u{7f}",
        "\u{85}",
        &too_long,
        &"n".repeat(300),
    ] {
        let refused = logs.log(name).create(true).open().err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{name:?}: {refused}");
        assert!(
            !refused.to_string().contains(|c: char| c.is_control()),
            "{refused}"
        );
    }
    assert!(logs.names().unwrap().is_empty());
}

#[test]
fn a_name_that_is_not_there_is_told() {
    let logs = Logs::memory();
    for read_only in [false, true] {
        let refused = logs
            .log("orders")
            .read_only(read_only)
            .open()
            .err()
            .unwrap();
        assert_eq!(refused.kind(), ErrorKind::NotFound);
        assert!(refused.to_string().contains("\"orders\""), "{refused}");
    }
    assert_eq!(
        logs.recover("orders").err().unwrap().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn many_threads_may_add_names_at_once() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            // Half of them look like other processes.
            let logs = match thread % 2 {
                0 => logs.clone(),
                _ => Logs::open(home.path()).unwrap(),
            };
            scope.spawn(move || {
                for number in 0..10 {
                    let name = format!("log {thread} {number}");
                    let log = logs.log(&name).create(true).open().unwrap();
                    log.append(&[NewRecord::new(name.as_bytes())], AppendOptions::default())
                        .unwrap();
                }
            });
        }
    });
    let names = logs.names().unwrap();
    assert_eq!(names.len(), 40);
    for name in names {
        let log = logs.log(&name).read_only(true).open().unwrap();
        assert_eq!(
            log.get(At::Last).unwrap().record().value,
            Some(name.as_bytes())
        );
    }
}
