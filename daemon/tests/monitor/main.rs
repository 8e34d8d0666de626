//! The real monitor with a daemon and executors that are played by the tests.
//!
//! Nothing here sleeps: the end of a process is the end of a connection that it holds.

mod harness;
mod shape;

use grove_core_api::ExecutorId;
use grove_core_api::isolation::{ExecutorLimits, NetworkProfile, Roots};
use grove_core_api::monitor::{
    ExecutorRole, Launch, LiveExecutor, MonitorAnswer, MonitorRequest, Refusal, RunFile,
};
use grove_daemon::privileged::client::{MonitorCallError, MonitorClient};
use grove_ipc::Unobserved;
use harness::{Grove, Outcome, Relay, TOKEN, await_end, install, monitor};
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

const ID: ExecutorId = ExecutorId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_dead_beef));

fn launch(directory: String) -> Launch {
    Launch {
        role: ExecutorRole::Session,
        account: None,
        directory,
        roots: Roots::default(),
        network: NetworkProfile::default(),
        limits: ExecutorLimits::default(),
        isolation: None,
    }
}

fn spawn_request(grove: &Grove, id: ExecutorId) -> MonitorRequest {
    MonitorRequest::Spawn { id, launch: launch(grove.worktree()), token: TOKEN.to_owned() }
}

/// Starts an executor; returns it with the daemon's end of the connection.
fn spawn(grove: &Grove, daemon: &Relay, id: ExecutorId) -> Outcome<(Relay, UnixStream)> {
    let (answer, mut fds) = daemon.ask(&spawn_request(grove, id))?;
    assert!(matches!(answer, MonitorAnswer::Started { .. }), "{answer:?}");
    assert_eq!(fds.len(), 2);
    fds.pop();
    let connection = UnixStream::from(fds.pop().ok_or("no connection")?);
    Ok((grove.relay()?, connection))
}

fn refusal(answer: &MonitorAnswer) -> Option<Refusal> {
    if let MonitorAnswer::Refused { refusal, .. } = answer { Some(*refusal) } else { None }
}

fn ready() -> MonitorRequest {
    MonitorRequest::Ready { url: "http://127.0.0.1:4768".to_owned() }
}

fn speak(mut from: &UnixStream, mut to: &UnixStream) -> Outcome {
    from.write_all(b"hello")?;
    let mut heard = [0; 5];
    to.read_exact(&mut heard)?;
    assert_eq!(&heard, b"hello");
    Ok(())
}

#[test]
fn readiness_is_printed_and_written_and_sigterm_ends_everything() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    assert_eq!(daemon.hello.role, "groved");
    let home = grove.home.display().to_string();
    assert_eq!(
        daemon.hello.arguments,
        ["--home", &home, "--bind", "127.0.0.1:1", "--isolation", "off"]
    );
    assert_eq!(daemon.hello.session, daemon.hello.pid);
    assert_eq!(daemon.ask(&ready())?.0, MonitorAnswer::Done);
    assert_eq!(grove.line()?, "grove ready http://127.0.0.1:4768\n");
    let run_file = grove.home.join("run/grove.json");
    let run: RunFile = serde_json::from_slice(&fs::read(&run_file)?)?;
    assert_eq!((run.pid, run.url.as_str()), (grove.pid.as_raw(), "http://127.0.0.1:4768"));
    let stat = fs::read_to_string(format!("/proc/{}/stat", run.pid))?;
    assert_eq!(stat.split(' ').nth(21), Some(run.start_ticks.to_string().as_str()));
    assert_eq!(fs::metadata(&run_file)?.permissions().mode() & 0o777, 0o600);
    let (executor, _connection) = spawn(&grove, &daemon, ID)?;
    grove.signal(Signal::SIGTERM)?;
    assert_eq!(grove.wait()?.code(), Some(0));
    daemon.wait_end()?;
    executor.wait_end()?;
    assert!(!run_file.exists());
    Ok(())
}

#[test]
fn an_executor_starts_from_nothing_in_its_directory() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    let (executor, daemon_end) = spawn(&grove, &daemon, ID)?;
    let hello = &executor.hello;
    assert_eq!(hello.role, "grove-executor");
    assert_eq!(hello.arguments, [""; 0]);
    assert_eq!(hello.session, hello.pid);
    assert_eq!(hello.directory.display().to_string(), grove.worktree());
    assert_eq!(hello.environment, ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TMPDIR", "USER"]);
    assert_eq!(hello.descriptors, ["0", "1", "2", "3"]);
    assert_eq!(daemon.hello.descriptors, ["0", "1", "2", "3"]);
    let (greeting, executor_end) = executor.greeting()?;
    assert_eq!((greeting.id, greeting.role), (ID, ExecutorRole::Session));
    assert_eq!(greeting.token.expose(), TOKEN);
    speak(&daemon_end, &executor_end)?;
    speak(&executor_end, &daemon_end)
}

#[test]
fn what_is_not_allowed_is_refused_and_the_monitor_goes_on() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    symlink("/etc", grove.home.join("wt/link"))?;
    let home = grove.home.display();
    for directory in [
        format!("{home}/wt/ana/../ana/shop"),
        format!("{home}/wt/link"),
        "/etc".to_owned(),
        format!("{home}/wt/none"),
        "wt/ana/shop".to_owned(),
        format!("{home}x"),
    ] {
        let token = TOKEN.to_owned();
        let request = MonitorRequest::Spawn { id: ID, launch: launch(directory), token };
        assert_eq!(refusal(&daemon.ask(&request)?.0), Some(Refusal::Invalid), "{request:?}");
    }
    for token in ["", "0123", "zz23456789abcdef0123456789abcdef"] {
        let token = token.to_owned();
        let request = MonitorRequest::Spawn { id: ID, launch: launch(grove.worktree()), token };
        assert_eq!(refusal(&daemon.ask(&request)?.0), Some(Refusal::Invalid));
    }
    for request in [
        MonitorRequest::Kill { id: ID },
        MonitorRequest::Attach { id: ID, token: TOKEN.to_owned() },
    ] {
        assert_eq!(refusal(&daemon.ask(&request)?.0), Some(Refusal::Unknown));
    }
    let (_executor, _connection) = spawn(&grove, &daemon, ID)?;
    assert_eq!(refusal(&daemon.ask(&spawn_request(&grove, ID))?.0), Some(Refusal::Busy));
    for bytes in [
        &b"{"[..],
        b"null",
        br#"{"request":"exec","program":"/bin/sh"}"#,
        &[0xff; 70_000],
        br#"{"request":"spawn","id":"../../x","launch":{"role":"session","directory":"/"},"token":""}"#,
    ] {
        assert_eq!(refusal(&daemon.ask_raw(bytes)?.0), Some(Refusal::Malformed));
    }
    assert_eq!(daemon.ask(&ready())?.0, MonitorAnswer::Done);
    assert_eq!(refusal(&daemon.ask(&ready())?.0), Some(Refusal::NotPermitted));
    let log = grove.log()?;
    assert!(log.contains("malformed (5 so far)"), "{log}");
    assert!(!log.contains(TOKEN) && !log.contains("/bin/sh"), "{log}");
    assert!(log.contains(r#""kind":"spawn","executor.id":"01920000-0000-7000-8000-0000deadbeef""#));
    Ok(())
}

#[test]
fn a_killed_daemon_comes_back_and_finds_its_executors() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    let (executor, _lost) = spawn(&grove, &daemon, ID)?;
    executor.greeting()?;
    executor.tell("say before")?;
    daemon.signal(Signal::SIGKILL)?;
    daemon.wait_end()?;
    let daemon = grove.relay()?;
    let pid = executor.hello.pid;
    let executors = vec![LiveExecutor { id: ID, role: ExecutorRole::Session, pid }];
    let list = daemon.ask(&MonitorRequest::List)?.0;
    assert_eq!(list, MonitorAnswer::Executors { executors });
    let token = "f".repeat(32);
    let (answer, mut fds) = daemon.ask(&MonitorRequest::Attach { id: ID, token: token.clone() })?;
    assert!(matches!(answer, MonitorAnswer::Started { pid: it, .. } if it == pid), "{answer:?}");
    let (greeting, executor_end) = executor.greeting()?;
    assert_eq!(greeting.token.expose(), token);
    executor.tell("say after")?;
    let said = fds.pop().ok_or("nothing to hear it by")?;
    let mut words = [0; 64];
    let length = nix::unistd::read(&said, &mut words)?;
    assert_eq!(&words[..length], b"before\nafter\n", "nothing of it is lost with a daemon");
    let daemon_end = UnixStream::from(fds.pop().ok_or("no connection")?);
    speak(&daemon_end, &executor_end)?;
    assert_eq!(daemon.ask(&ready())?.0, MonitorAnswer::Done);
    Ok(())
}

#[test]
fn an_executor_that_nobody_listens_to_does_not_wait_and_reaches_no_log_of_the_monitors() -> Outcome
{
    let (grove, daemon) = Grove::start()?;
    let (executor, daemon_end) = spawn(&grove, &daemon, ID)?;
    let (_, executor_end) = executor.greeting()?;
    let errors = fs::read_link(format!("/proc/{}/fd/2", executor.hello.pid))?;
    assert!(errors.to_string_lossy().starts_with("pipe:"), "{errors:?}");
    executor.tell("flood")?;
    executor.tell("say unheard")?;
    speak(&daemon_end, &executor_end)?;
    executor.exit(0)?;
    let log = grove.log()?;
    assert!(!log.contains("xxx") && !log.contains("unheard"), "{log}");
    Ok(())
}

#[test]
fn the_death_of_the_monitor_is_the_death_of_all() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    let (executor, _connection) = spawn(&grove, &daemon, ID)?;
    executor.greeting()?;
    grove.signal(Signal::SIGKILL)?;
    grove.wait()?;
    executor.wait_end()?;
    daemon.wait_end()?;
    assert!(executor.is_abandoned()?);
    Ok(())
}

#[test]
fn kill_takes_along_what_left_its_parents_and_its_session() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    let (executor, _connection) = spawn(&grove, &daemon, ID)?;
    executor.tell("stray")?;
    let stray = grove.connection()?;
    assert_eq!(daemon.ask(&MonitorRequest::Kill { id: ID })?.0, MonitorAnswer::Done);
    executor.wait_end()?;
    await_end(&stray)?;
    let list = daemon.ask(&MonitorRequest::List)?.0;
    assert_eq!(list, MonitorAnswer::Executors { executors: Vec::new() });
    assert!(matches!(daemon.ask(&spawn_request(&grove, ID))?.0, MonitorAnswer::Started { .. }));
    Ok(())
}

#[test]
fn an_executor_that_ends_by_itself_leaves_nothing_behind() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    let (executor, _connection) = spawn(&grove, &daemon, ID)?;
    executor.tell("stray")?;
    let stray = grove.connection()?;
    executor.signal(Signal::SIGKILL)?;
    await_end(&stray)?;
    let list = daemon.ask(&MonitorRequest::List)?.0;
    assert_eq!(list, MonitorAnswer::Executors { executors: Vec::new() });
    Ok(())
}

#[test]
fn a_daemon_that_cannot_run_is_not_started_again() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    // Closing the channel first is what a daemon does that ends in good order.
    daemon.tell("close")?;
    daemon.exit(78)?;
    assert_eq!(grove.wait()?.code(), Some(78));
    Ok(())
}

#[test]
fn shutdown_ends_everything_and_a_deaf_daemon_is_killed_at_the_second_signal() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    let (executor, _connection) = spawn(&grove, &daemon, ID)?;
    daemon.tell("deaf")?;
    assert_eq!(daemon.ask(&MonitorRequest::Shutdown)?.0, MonitorAnswer::Done);
    let (answer, _) = daemon.ask(&spawn_request(&grove, ID))?;
    assert_eq!(refusal(&answer), Some(Refusal::NotPermitted));
    grove.signal(Signal::SIGINT)?;
    assert_eq!(grove.wait()?.code(), Some(0));
    daemon.wait_end()?;
    executor.wait_end()
}

#[tokio::test]
async fn the_daemons_client_speaks_with_the_real_monitor() -> Outcome {
    let (grove, daemon) = Grove::start()?;
    let client = MonitorClient::over(daemon.channel.try_clone()?, Arc::new(Unobserved))?;
    client.ready("http://127.0.0.1:4768").await?;
    assert_eq!(grove.line()?, "grove ready http://127.0.0.1:4768\n");
    let started = client
        .spawn(ID, Launch { role: ExecutorRole::Keeper, ..launch(grove.worktree()) }, TOKEN)
        .await?;
    let executor = grove.relay()?;
    let (greeting, executor_end) = executor.greeting()?;
    assert_eq!((greeting.role, started.pid), (ExecutorRole::Keeper, executor.hello.pid));
    let mut daemon_end = tokio::net::UnixStream::from_std(started.connection)?;
    (&executor_end).write_all(b"hello")?;
    let mut heard = [0; 5];
    daemon_end.read_exact(&mut heard).await?;
    assert_eq!(&heard, b"hello");
    let again = client.attach(ID, TOKEN).await?;
    assert_eq!(again.pid, started.pid);
    let listed = client.list().await?;
    assert_eq!(listed.iter().map(|it| (it.id, it.pid)).collect::<Vec<_>>(), [(ID, started.pid)]);
    client.kill(ID).await?;
    let error = client.kill(ID).await.err().ok_or("killed twice")?;
    assert!(
        matches!(error, MonitorCallError::Refused { refusal: Refusal::Unknown, .. }),
        "{error}"
    );
    grove.signal(Signal::SIGKILL)?;
    client.closed().await;
    assert!(matches!(client.list().await, Err(MonitorCallError::Gone)));
    Ok(())
}

#[test]
fn a_second_monitor_names_the_first() -> Outcome {
    let (grove, _daemon) = Grove::start()?;
    let output = grove.second_monitor().output()?;
    assert_eq!(output.status.code(), Some(75));
    let text = String::from_utf8(output.stderr)?;
    assert!(text.contains(&format!("(process {})", grove.pid)), "{text}");
    Ok(())
}

#[test]
fn a_home_or_programs_that_cannot_be_used_are_named() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path().canonicalize()?;
    install(&root)?;
    let file = root.join("file");
    fs::write(&file, "")?;
    let output = monitor(&root, &file.join("home")).output()?;
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8(output.stderr)?.contains("file/home"));
    let output = monitor(&root, "relative".as_ref()).output()?;
    assert_eq!(output.status.code(), Some(78));
    fs::remove_file(root.join("grove-executor"))?;
    let output = monitor(&root, &root.join("home")).output()?;
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8(output.stderr)?.contains("grove-executor"));
    Ok(())
}
