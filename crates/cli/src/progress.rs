//! Owns how long work is shown: on the standard error output, and only if that
//! is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `total` bytes of input, or a count of bytes if nobody knows the total.
pub fn bytes(total: Option<u64>) -> ProgressBar {
    match total {
        Some(total) => styled(
            ProgressBar::new(total),
            "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        ),
        None => spinner("{spinner} {bytes} read, {bytes_per_sec}"),
    }
}

/// A bar over `total` records.
pub fn records(total: u64) -> ProgressBar {
    styled(
        ProgressBar::new(total),
        "{bar:40} {human_pos} of {human_len} records, {eta} left",
    )
}

/// A sign of life beside `doing`, for work of unknown length.
pub fn working(doing: &'static str) -> ProgressBar {
    spinner("{spinner} {msg}, {elapsed}").with_message(doing)
}

fn spinner(template: &str) -> ProgressBar {
    let bar = styled(ProgressBar::new_spinner(), template);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    // A template that does not parse costs the style, never the work.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
