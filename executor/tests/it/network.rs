//! An executor whose sandbox leaves it no network: what it and its tools reach, and how.

use crate::harness::{Daemon, Executor, Hosts, Place, command, soon, streamed};
use crate::provider::{self, Script};
use crate::turns::{mcp, serve};
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Uri};
use axum::routing::{get, post};
use grove_core_api::Secret;
use grove_core_api::agent::{AgentEvent, ErrorClass, Outcome};
use grove_core_api::ipc::method::{Dialect, McpEndpoint};
use grove_core_api::isolation::{Layer, LayerState, NetworkProfile, SandboxReport};
use grove_core_api::rehearsal::Block;
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn report(network: NetworkProfile) -> SandboxReport {
    let layer = LayerState { layer: Layer::Network, is_on: true, detail: "own".into() };
    SandboxReport { network, layers: vec![layer], ..SandboxReport::default() }
}

fn session(place: &Place, network: NetworkProfile, hosts: Hosts) -> Executor {
    let mut session = place.session();
    session.report = report(network);
    session.hosts = hosts;
    session
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").expect("a URL").parse().expect("an address")
}

/// What a command in the session says.
async fn said(place: &Place, daemon: &mut Daemon, text: &str) -> String {
    daemon.prompt(&place.prompt("x", command(text))).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Completed);
    let output = events.iter().find_map(|it| match it {
        AgentEvent::ToolEnded { output, .. } => Some(output.clone()),
        _ => None,
    });
    output.expect("the tool ended")
}

async fn proxy_of(place: &Place, daemon: &mut Daemon) -> String {
    let said = said(place, daemon, "echo \"$HTTP_PROXY\"").await;
    said.lines().next().expect("a line").to_owned()
}

fn client(proxy: &str) -> reqwest::Client {
    let proxy = reqwest::Proxy::all(proxy).expect("a proxy");
    reqwest::Client::builder().proxy(proxy).build().expect("a client")
}

#[tokio::test]
async fn tools_are_told_of_the_proxy_only_when_there_is_one() {
    let place = Place::new().await;
    let names = "echo \"$HTTP_PROXY|$HTTPS_PROXY|$http_proxy|$https_proxy|$NO_PROXY|$no_proxy\"";
    for (profile, has_proxy) in [
        (NetworkProfile::Proxy, true),
        (NetworkProfile::None, false),
        (NetworkProfile::Shared, false),
    ] {
        let session = session(&place, profile, Hosts::new());
        let (mut daemon, answer) = session.attach(0).await;
        assert_eq!(answer.sandbox.network, profile);
        let said = said(&place, &mut daemon, names).await;
        let line = said.lines().next().expect("a line");
        if has_proxy {
            let url = line.split('|').next().expect("a URL");
            assert!(url.starts_with("http://127.0.0.1:"), "{line}");
            let direct = "127.0.0.1,localhost";
            assert_eq!(line, format!("{url}|{url}|{url}|{url}|{direct}|{direct}"));
        } else {
            assert_eq!(line, "|||||", "{profile:?}");
        }
    }
}

#[tokio::test]
async fn plain_requests_go_through_the_proxy_and_come_back_whole() {
    let place = Place::new().await;
    let echo = async |uri: Uri, headers: HeaderMap, body: Bytes| {
        let names: Vec<String> = headers.keys().map(ToString::to_string).collect();
        let host = headers.get("host").and_then(|it| it.to_str().ok()).unwrap_or_default();
        (
            [("x-uri", uri.to_string()), ("x-host", host.to_owned()), ("x-names", names.join(","))],
            body,
        )
    };
    let router =
        axum::Router::new().route("/echo", post(echo).get(echo)).layer(DefaultBodyLimit::disable());
    let server = address(&serve(router).await);
    let hosts = Hosts::from([("good.test:80".to_owned(), server)]);
    let session = session(&place, NetworkProfile::Proxy, hosts);
    let (mut daemon, _) = session.attach(0).await;
    let client = client(&proxy_of(&place, &mut daemon).await);
    let body: Vec<u8> =
        (0..10_000_000_u32).map(|it| it.to_le_bytes()[1] ^ it.to_le_bytes()[0]).collect();
    let sent = client
        .post("http://good.test/echo?a=b")
        .header("proxy-authorization", "Basic private")
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .body(body.clone())
        .send();
    let answer = soon("an answer", sent).await.expect("answered");
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    assert_eq!((header("x-uri"), header("x-host")), ("/echo?a=b".into(), "good.test".into()));
    let names = header("x-names");
    assert!(!names.contains("proxy-") && !names.contains("x-hop"), "{names}");
    let back = soon("the body", answer.bytes()).await.expect("read");
    assert!(back == body, "{} bytes", back.len());
    let many = (0..100).map(|_| client.get("http://good.test/echo").send());
    for answer in futures_util::future::join_all(many).await {
        assert_eq!(answer.expect("answered").status(), 200);
    }
}

#[tokio::test]
async fn what_is_refused_or_unreachable_is_said_in_http() {
    let place = Place::new().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let nobody = closed.local_addr().expect("an address");
    drop(closed);
    let hosts = Hosts::from([("dead.test:80".to_owned(), nobody)]);
    let session = session(&place, NetworkProfile::Proxy, hosts);
    let (mut daemon, _) = session.attach(0).await;
    let proxy = proxy_of(&place, &mut daemon).await;
    let client = client(&proxy);
    for (url, status, text) in [
        ("http://evil.test/", 403, "Grove: evil.test:80 is not permitted\n"),
        ("http://[::1]:22/", 403, "Grove: ::1:22 is not permitted\n"),
        ("http://dead.test/", 502, "dead.test:80 does not accept"),
    ] {
        let answer = soon("an answer", client.get(url).send()).await.expect("answered");
        assert_eq!(answer.status(), status, "{url}");
        let said = answer.text().await.expect("text");
        assert!(said.contains(text), "{said}");
    }
    // A client that does not use it as a proxy learns what it is.
    let direct = reqwest::get(format!("{proxy}/")).await.expect("answered");
    assert_eq!(direct.status(), 400);
    // CONNECT is refused with a status too, which this client makes an error of.
    let refused = soon("an answer", client.get("https://evil.test/").send()).await;
    assert!(refused.is_err_and(|it| it.is_connect()), "CONNECT to a host that is not permitted");
    let said = connect(&proxy, "evil.test:443").await.expect_err("refused");
    assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("not permitted"), "{said}");
    let said = connect(&proxy, "no-port.test").await.expect_err("refused");
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
}

/// Says CONNECT; the stream behind it, or the refusal.
async fn connect(proxy: &str, to: &str) -> Result<TcpStream, String> {
    let mut stream = TcpStream::connect(address(proxy)).await.expect("connects");
    let head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut said = Vec::new();
    while !said.ends_with(b"\r\n\r\n") {
        said.push(soon("an answer", stream.read_u8()).await.expect("a byte"));
    }
    let mut said = String::from_utf8(said).expect("text");
    if said.starts_with("HTTP/1.1 200 ") {
        return Ok(stream);
    }
    stream.read_to_string(&mut said).await.expect("text");
    Err(said)
}

#[tokio::test]
async fn connect_carries_anything_both_ways() {
    let place = Place::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let server = listener.local_addr().expect("an address");
    let hosts = Hosts::from([("good.test:443".to_owned(), server)]);
    let session = session(&place, NetworkProfile::Proxy, hosts);
    let (mut daemon, _) = session.attach(0).await;
    let proxy = proxy_of(&place, &mut daemon).await;
    // A real client: what arrives is its TLS greeting, with the name that it asked for.
    let client = client(&proxy);
    let asking = client.get("https://good.test/").send();
    let greeting = async {
        let (mut stream, _) = listener.accept().await.expect("accepts");
        let mut head = [0; 5];
        stream.read_exact(&mut head).await.expect("a record");
        let mut rest = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut rest).await.expect("a greeting");
        (head, rest)
    };
    let (asked, (head, rest)) = soon("a greeting", async { tokio::join!(asking, greeting) }).await;
    assert!(asked.is_err(), "the server hung up");
    assert_eq!(head[0], 22, "a handshake");
    assert!(rest.windows(9).any(|it| it == b"good.test"), "the name");
    // And bytes of any kind, there and back, until the server ends it.
    let mut stream = connect(&proxy, "good.test:443").await.expect("connected");
    let (mut there, _) = listener.accept().await.expect("accepts");
    let (mut sent, mut back) = (vec![7_u8; 3_000_000], Vec::new());
    sent[1_000_000] = 8;
    let echo = async {
        let mut got = vec![0; sent.len()];
        there.read_exact(&mut got).await.expect("reads");
        there.write_all(&got).await.expect("writes");
        there.shutdown().await.expect("shut down");
    };
    let (mut reading, mut writing) = stream.split();
    let talk = async {
        let write = async { writing.write_all(&sent).await.expect("writes") };
        let ((), read) = tokio::join!(write, reading.read_to_end(&mut back));
        read.expect("reads");
    };
    soon("the echo", async { tokio::join!(echo, talk) }).await;
    assert!(back == sent);
}

#[tokio::test]
async fn groves_own_tools_are_reached_through_the_tunnel() {
    let place = Place::new().await;
    let grove = address(&serve(axum::Router::new().route("/mcp", post(mcp))).await);
    for profile in [NetworkProfile::None, NetworkProfile::Proxy] {
        let session = session(&place, profile, Hosts::from([("grove".to_owned(), grove)]));
        let (mut daemon, _) = session.attach(0).await;
        let mut scenario = command("unused");
        scenario.turns[0].blocks =
            vec![Block::Tool { tool: "grove_sessions_list".into(), args: json!({}) }];
        let mut prompt = place.prompt("x", scenario);
        // An address where nobody listens from here: only the tunnel leads to Grove.
        let url = "http://127.0.0.1:1/mcp".to_owned();
        prompt.mcp = Some(McpEndpoint { url, token: Secret::new("session-token") });
        daemon.prompt(&prompt).await.expect("accepted");
        let (events, outcome) = daemon.read_task().await;
        assert_eq!(outcome, Outcome::Completed, "{events:?}");
        let is_called = |it: &AgentEvent| matches!(it, AgentEvent::ToolEnded { is_ok: true, output, .. } if output.starts_with("called"));
        assert!(events.iter().any(is_called), "{profile:?}: {events:?}");
    }
}

#[tokio::test]
async fn a_daemon_that_comes_back_carries_the_tunnels_again() {
    let place = Place::new().await;
    let server = address(&serve(axum::Router::new().route("/", get(async || "fine"))).await);
    let hosts = Hosts::from([("good.test:80".to_owned(), server)]);
    let session = session(&place, NetworkProfile::Proxy, hosts);
    let (mut daemon, _) = session.attach(0).await;
    let client = client(&proxy_of(&place, &mut daemon).await);
    daemon.peer.close();
    daemon.peer.closed().await;
    // Asked while there is no daemon: it waits for the next one.
    let asking = client.get("http://good.test/").send();
    let (answer, _daemon) = tokio::join!(asking, session.attach(1_000));
    assert_eq!(answer.expect("answered").text().await.expect("text"), "fine");
}

#[tokio::test]
async fn the_agents_own_model_is_reached_through_the_proxy() {
    let place = Place::new().await;
    let script = Script::new(&[(200, provider::openai(&[json!({ "content": "hello" })], "stop"))]);
    let server = address(&script.serve().await);
    let hosts = Hosts::from([("model.test:80".to_owned(), server)]);
    let base_url = "http://model.test/v1/".to_owned();
    let prompt = provider::prompt(&place, Dialect::Openai, base_url);
    let through = session(&place, NetworkProfile::Proxy, hosts);
    let (mut daemon, _) = through.attach(0).await;
    daemon.prompt(&prompt).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Completed, "{events:?}");
    assert_eq!((streamed(&events, 0).as_str(), script.asked().len()), ("hello", 1));
    // Without any network that is said at once.
    let cut_off = session(&place, NetworkProfile::None, Hosts::new());
    let (mut daemon, _) = cut_off.attach(0).await;
    daemon.prompt(&prompt).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Failed);
    let problem = events.iter().find_map(|it| match it {
        AgentEvent::Error { class, message } => Some((*class, message.contains("profile `none`"))),
        _ => None,
    });
    assert_eq!(problem, Some((ErrorClass::Network, true)));
}
