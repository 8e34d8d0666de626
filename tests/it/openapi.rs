//! The API's document: what is committed is what is served, and every operation has its test.

use anyhow::Context;
use grove_tests::{Instance, Outcome, variable};
use reqwest::Method;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Operations without a test of their own, each with the reason.
const UNTESTED: &[(&str, &str)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

fn operations(document: &Value) -> Outcome<Vec<(String, String)>> {
    let paths = document["paths"].as_object().context("the document has no paths")?;
    let mut all = Vec::new();
    for (path, item) in paths {
        for method in item.as_object().into_iter().flat_map(|it| it.keys()) {
            if ["get", "post", "patch", "put", "delete"].contains(&method.as_str()) {
                all.push((method.clone(), path.clone()));
            }
        }
    }
    Ok(all)
}

#[test]
fn the_committed_document_is_what_the_code_says() -> Outcome {
    let path = root().join("docs/openapi.json");
    let mut text = serde_json::to_string_pretty(&grove_daemon::openapi())?;
    text.push('\n');
    if variable("UPDATE").is_some() {
        fs::write(&path, &text)?;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/openapi.json is not current: run the tests with UPDATE=1");
    Ok(())
}

#[tokio::test]
async fn the_instance_serves_its_document() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let served: Value = client.get("/openapi.json").await?;
    assert_eq!(served, serde_json::to_value(grove_daemon::openapi())?);
    grove.end().await
}

/// A path such as `/boards/{id}/objects` as tests write it: `/boards/{`, then `/objects`.
fn is_named_in(tests: &str, method: &str, path: &str) -> bool {
    let path = path.trim_start_matches("/api/v1");
    let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    let last = parts.iter().rev().find(|it| !it.starts_with('{')).copied().unwrap_or_default();
    let first = parts.first().copied().unwrap_or_default();
    let verb = [format!(".{method}"), format!("Method::{}", method.to_uppercase())];
    tests.contains(&format!("/{first}"))
        && tests.contains(last)
        && verb.iter().any(|it| tests.contains(it.as_str()))
}

#[test]
fn every_operation_is_called_by_a_test_of_its_slice() -> Outcome {
    let document = serde_json::to_value(grove_daemon::openapi())?;
    let folder = root().join("tests");
    let mut tests = fs::read_to_string(folder.join("src/client.rs"))?;
    for entry in fs::read_dir(folder.join("it"))? {
        let path = entry?.path();
        if path.is_file() {
            tests.push_str(&fs::read_to_string(path)?);
        }
    }
    let missing: Vec<_> = operations(&document)?
        .into_iter()
        .filter(|(method, path)| !is_named_in(&tests, method, path))
        .filter(|(method, path)| !UNTESTED.iter().any(|it| it.0 == format!("{method} {path}")))
        .collect();
    assert!(missing.is_empty(), "without a test: {missing:?}");
    Ok(())
}

#[tokio::test]
async fn every_operation_refuses_a_token_that_is_not_valid() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?.with_token("not-a-token");
    for (method, path) in operations(&serde_json::to_value(grove_daemon::openapi())?)? {
        let nobody = uuid::Uuid::nil().to_string();
        let mut path = path;
        while let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
            path.replace_range(start..=end, &nobody);
        }
        let verb = Method::from_bytes(method.to_uppercase().as_bytes())?;
        let mut request = client.request_at(verb, &path);
        if method == "post" || method == "patch" {
            request = request.json(&serde_json::json!({}));
        }
        let status = request.send().await?.status();
        assert_eq!(status.as_u16(), 401, "{method} {path}");
    }
    grove.end().await
}
