//! The program itself in a sealed environment, against an instance that answers once and records
//! what it was asked.

use grove_core_api::Problem;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};
use std::time::Duration;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const USER: &str = r#"{"id":"01920000-0000-7000-8000-0000deadbeef","name":"Ana","emoji":"🦊","slot":1,"role":"member","created_at_ms":0,"updated_at_ms":0,"later_field":true}"#;

#[expect(clippy::disallowed_methods, reason = "the tests start the real program")]
fn grove(home: &Path, arguments: &[&str]) -> Outcome<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grove"));
    command.args(arguments).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
    Ok(command.current_dir(home).output()?)
}

/// Answers one request and returns it as text.
fn answer_once(status: &'static str, body: String) -> Outcome<(String, JoinHandle<String>)> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let url = format!("http://{}", listener.local_addr()?);
    let thread = thread::spawn(move || serve(&listener, status, &body).unwrap_or_default());
    Ok((url, thread))
}

fn serve(listener: &TcpListener, status: &str, body: &str) -> std::io::Result<String> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !is_complete(&request) {
        let count = stream.read(&mut part)?;
        request.extend_from_slice(&part[..count]);
    }
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(String::from_utf8_lossy(&request).into_owned())
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

#[test]
fn without_an_instance_the_exit_code_is_8_and_the_hint_says_how_to_start_one() -> Outcome {
    let home = tempfile::tempdir()?;
    let output = grove(home.path(), &["session", "ls"])?;
    assert_eq!(output.status.code(), Some(8));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr)?;
    assert!(text.contains("is not running") && text.contains("grove up"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    std::fs::create_dir_all(home.path().join(".grove/run"))?;
    let stale = r#"{"pid":1,"start_ticks":999999999999,"url":"http://127.0.0.1:1","version":"0"}"#;
    std::fs::write(home.path().join(".grove/run/grove.json"), stale)?;
    let output = grove(home.path(), &["status"])?;
    assert_eq!(output.status.code(), Some(8));
    assert!(String::from_utf8(output.stderr)?.contains("its process is gone"));
    Ok(())
}

#[test]
fn errors_are_problem_documents_with_json_wherever_they_come_from() -> Outcome {
    let home = tempfile::tempdir()?;
    let cases: [(&[&str], i32, &str); 3] = [
        (&["user", "me", "--json"], 8, "unavailable"),
        (&["sesion", "--json"], 2, "invalid_request"),
        (&["user", "me", "--json", "--url", "ftp://x"], 2, "invalid_request"),
    ];
    for (arguments, exit, code) in cases {
        let output = grove(home.path(), arguments)?;
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}");
        let problem: Problem = serde_json::from_slice(&output.stderr)?;
        assert_eq!(problem.code.as_str(), code);
        assert!(problem.hint.is_some(), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn json_is_the_answer_of_the_api_as_it_came() -> Outcome {
    let home = tempfile::tempdir()?;
    let (url, server) = answer_once("200 OK", USER.to_owned())?;
    let output = grove(home.path(), &["user", "me", "--json", "--url", &url])?;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout)?, format!("{USER}\n"));
    let request = server.join().unwrap_or_default();
    assert!(request.starts_with("GET /api/v1/users/me HTTP/1.1\r\n"), "{request}");
    Ok(())
}

#[test]
fn a_problem_of_the_api_decides_the_exit_code() -> Outcome {
    let home = tempfile::tempdir()?;
    let problem = r#"{"type":"urn:grove:problem:rate_limited","title":"Too many requests","status":429,"code":"rate_limited","detail":"20 a second at most","request_id":"r7"}"#;
    let (url, _server) = answer_once("429 Too Many Requests", problem.to_owned())?;
    let output = grove(home.path(), &["user", "me", "--url", &url])?;
    assert_eq!(output.status.code(), Some(6));
    let text = String::from_utf8(output.stderr)?;
    assert_eq!(
        text,
        "error: 20 a second at most\nhint: Wait a moment, then try again.\nrequest: r7\n"
    );
    Ok(())
}

#[test]
fn what_makes_something_carries_an_idempotency_key_and_json() -> Outcome {
    let home = tempfile::tempdir()?;
    let problem = Problem::new(grove_core_api::ErrorCode::Conflict, "no");
    let (url, server) = answer_once("409 Conflict", serde_json::to_string(&problem)?)?;
    let output = grove(home.path(), &["board", "new", "Team", "--url", &url])?;
    assert_eq!(output.status.code(), Some(5));
    let request = server.join().unwrap_or_default();
    let (head, body) = request.split_once("\r\n\r\n").ok_or("no body")?;
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /api/v1/boards http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nidempotency-key: 0") && head.contains("application/json"), "{head}");
    assert_eq!(body, r#"{"name":"Team"}"#);
    Ok(())
}
