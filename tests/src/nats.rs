//! A NATS server of one test: started, killed, started again.

use crate::{Outcome, process::program, say, settled, variable};
use anyhow::ensure;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::Once;
use std::time::Duration;

const REQUIRE: &str = "GROVE_TEST_REQUIRE_NATS";
/// Longest time for the server to listen.
const START: Duration = Duration::from_secs(10);

/// A server on a port of its own.
#[derive(Debug)]
pub struct NatsServer {
    port: u16,
    child: Option<Child>,
}

impl NatsServer {
    /// Starts a server; `None` where the program is not installed and need not be.
    ///
    /// # Errors
    /// When it is required but missing, or does not listen.
    pub fn start() -> Outcome<Option<Self>> {
        static SAID: Once = Once::new();
        let is_there = program("nats-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|it| it.success());
        if !is_there {
            let is_required = variable(REQUIRE).is_some_and(|it| it == "1");
            ensure!(!is_required, "{REQUIRE}=1, but there is no nats-server");
            SAID.call_once(|| say("NOT TESTED: several daemons, because nats-server is missing"));
            return Ok(None);
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = Self { port, child: None };
        server.restart()?;
        Ok(Some(server))
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills it with SIGKILL.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill(&mut self) -> Outcome {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub fn restart(&mut self) -> Outcome {
        let mut command = program("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &self.port.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn()?);
        let listens = settled(START, || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        ensure!(listens, "nats-server does not listen on port {}", self.port);
        Ok(())
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // Whoever is gone already is gone.
        drop(self.kill());
    }
}
