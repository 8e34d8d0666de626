//! Progress on standard error: only on a terminal, gone when the work is done.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A line that shows that something goes on. Draws nothing when standard error is no terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn spinner(what: String) -> Self {
        Self::new(ProgressBar::new_spinner(), "{spinner} {prefix} {wide_msg}", what)
    }

    pub(crate) fn percent(what: String) -> Self {
        Self::new(ProgressBar::new(100), "{spinner} {prefix} [{bar:30}] {percent}%", what)
    }

    fn new(bar: ProgressBar, template: &str, what: String) -> Self {
        // A template that cannot be read leaves the default style, which does as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━╌"));
        }
        bar.set_prefix(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    pub(crate) fn set(&self, percent: Option<i32>) {
        if let Some(percent) = percent.and_then(|percent| u64::try_from(percent).ok()) {
            self.0.set_position(percent);
        }
    }

    pub(crate) fn say(&self, line: &str) {
        self.0.set_message(line.to_owned());
    }

    /// Takes the line away while something else is written.
    pub(crate) fn pause(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
