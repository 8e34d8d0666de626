//! Any bytes as a line between daemon and executor: read, written, read again, parameters redacted.
//! Not here: what moves lines; `core-api/ipc/tests/hostile.rs` tests that.
#![no_main]

use grove_core_api::ipc::{Frame, method};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let Ok(frame) = Frame::parse(line) else { return };
    let printed = frame.print().expect("a frame that was read can be written");
    let again = Frame::parse(&printed).expect("what was written can be read");
    assert_eq!(again.print().expect("written again"), printed);
    if let Frame::Request { method, params: Some(params), .. } = &frame
        && let Some(redacted) = method::redacted_params(method, params.get())
    {
        assert!(method::redacted_params(method, &redacted).is_some(), "it fits the method still");
    }
});
