//! The instance itself: version, agents, health, readiness.

use grove_core_api::rest::instance::{AuthMode, Health, Instance as Facts, Readiness};
use grove_tests::{Instance, Outcome, Setup};
use reqwest::Method;

#[tokio::test]
async fn an_instance_says_what_it_is_and_which_agents_it_has() -> Outcome {
    Instance::on_each(async |grove| {
        let facts: Facts = grove.client()?.get("/instance").await?;
        assert_eq!(facts.auth, AuthMode::Anonymous);
        assert_eq!(facts.version, env!("CARGO_PKG_VERSION"));
        let rehearsal = facts.agents.first().filter(|it| it.name == "rehearsal");
        let models: Vec<_> = rehearsal.iter().flat_map(|it| &it.models).collect();
        assert_eq!(models.first().map(|it| it.name.as_str()), Some("auto"));
        for shipped in ["tour", "fix-tests", "ask-first"] {
            assert!(models.iter().any(|it| it.name == shipped), "{shipped}: {models:?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn health_and_readiness_tell_what_they_found() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let health: Health = client.send(client.request_at(Method::GET, "/healthz")).await?;
        assert_eq!(health.status, "ok");
        let ready: Readiness = client.send(client.request_at(Method::GET, "/readyz")).await?;
        let names: Vec<_> = ready.checks.iter().map(|check| check.name.as_str()).collect();
        assert!(ready.is_ready, "{ready:?}");
        assert_eq!(names, ["database", "monitor", "git", "isolation"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn providers_of_the_configuration_become_models_of_the_native_agent() -> Outcome {
    let config = "default_agent = 'native'\n[providers.home]\ndialect = 'ollama'\n\
                  models = ['small', 'large']\n";
    let grove = Setup::default().config(config).start().await?;
    let facts: Facts = grove.client()?.get("/instance").await?;
    let native = &facts.agents[0];
    let models: Vec<_> = native.models.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((native.name.as_str(), models), ("native", vec!["home/small", "home/large"]));
    grove.end().await
}

#[tokio::test]
async fn port_zero_takes_a_free_one_and_says_which() -> Outcome {
    let grove = Setup::default().bind("127.0.0.1:0").start().await?;
    assert!(!grove.url().ends_with(":0"), "{}", grove.url());
    assert!(grove.client()?.is_healthy().await);
    let run = std::fs::read_to_string(grove.home.join("run/grove.json"))?;
    let run: grove_core_api::monitor::RunFile = serde_json::from_str(&run)?;
    assert_eq!(run.url.trim_end_matches('/'), grove.url());
    grove.end().await
}

#[tokio::test]
async fn answers_carry_headers_that_keep_browsers_safe() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let response = client.request(Method::GET, "/instance").send().await?;
    let kind = response.headers().get("x-content-type-options");
    assert!(kind.is_some_and(|it| it == "nosniff"), "{response:?}");
    assert!(response.headers().contains_key("content-security-policy"), "{response:?}");
    grove.end().await
}
