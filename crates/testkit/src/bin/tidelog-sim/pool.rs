//! Owns the use of every core, and how an answer is printed.

use std::thread;

use serde_json::Value;

/// What `work` comes to, once on every core. A panic in it goes on here.
pub fn on_every_core<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        let results = workers.into_iter().map(|worker| worker.join());
        results
            .map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// One object on stdout: for people, or on one line.
pub fn print(object: &Value, pretty: bool) {
    if pretty {
        println!("{object:#}");
    } else {
        println!("{object}");
    }
}
