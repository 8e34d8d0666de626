//! One request, one answer: JSON over HTTP, problems as errors.

use crate::error::{CliError, Exit};
use grove_core_api::limits::HTTP_REQUEST_MS;
use grove_core_api::{Problem, Secret, version};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use uuid::Uuid;

/// An answer as the program needs it and as it came, which is what `--json` prints.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) value: T,
    pub(crate) text: String,
}

/// A client of one instance.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: Client,
    base: String,
    token: Option<Secret>,
}

impl Api {
    pub(crate) fn new(url: &str) -> Result<Self, CliError> {
        let is_http = url.strip_prefix("http://").is_some_and(|rest| !rest.is_empty());
        if !is_http {
            return Err(CliError::usage(
                format!("not the URL of an instance: {url}"),
                "Write it as http://127.0.0.1:4768.",
            ));
        }
        // A little longer than the instance takes, so that its own answer comes first.
        let timeout = Duration::from_millis(HTTP_REQUEST_MS + 5_000);
        let http = Client::builder()
            .timeout(timeout)
            .connect_timeout(Duration::from_secs(5))
            .user_agent(format!("grove/{}", version::GROVE))
            .no_proxy()
            .build()
            .map_err(|error| CliError::defect(format!("failed to make a client: {error}")))?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), token: None })
    }

    /// The same client, which shows a personal access token.
    pub(crate) fn with_token(self, token: Option<Secret>) -> Self {
        Self { token, ..self }
    }

    /// URL of the web interface.
    pub(crate) fn url(&self) -> &str {
        &self.base
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<Answer<T>, CliError> {
        let request = self.request(Method::GET, path).query(query);
        let (status, text) = self.send(request).await?;
        self.read(status, text)
    }

    /// As `get`, and takes an answer with an error status that has the same shape (`/readyz`).
    pub(crate) async fn probe<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Answer<T>, CliError> {
        let (status, text) = self.send(self.http.get(format!("{}{path}", self.base))).await?;
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Answer { value, text }),
            Err(_not_the_shape) => self.read(status, text),
        }
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, CliError> {
        let request = self
            .request(Method::POST, path)
            .header("Idempotency-Key", Uuid::now_v7().to_string())
            .json(body);
        let (status, text) = self.send(request).await?;
        self.read(status, text)
    }

    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, CliError> {
        let (status, text) = self.send(self.request(Method::PATCH, path).json(body)).await?;
        self.read(status, text)
    }

    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, CliError> {
        let (status, text) = self.send(self.request(Method::PUT, path).json(body)).await?;
        self.read(status, text)
    }

    pub(crate) async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Answer<T>, CliError> {
        let (status, text) = self.send(self.request(Method::DELETE, path)).await?;
        self.read(status, text)
    }

    /// As `delete`, of something that leaves nothing to say.
    pub(crate) async fn remove(&self, path: &str) -> Result<(), CliError> {
        let (status, text) = self.send(self.request(Method::DELETE, path)).await?;
        if status.is_success() { Ok(()) } else { Err(self.problem(status, &text)) }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // Tasks and events say that they came from here.
        let request = self
            .http
            .request(method, format!("{}/api/v1{path}", self.base))
            .header("X-Grove-Client", "cli");
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, String), CliError> {
        let unreachable = |error: reqwest::Error| {
            let what =
                if error.is_timeout() { "did not answer in time" } else { "does not answer" };
            CliError::new(
                Exit::Unavailable,
                format!("Grove at {} {what}", self.base),
                "Look with `grove status` and `grove doctor`; `grove up` starts it.",
            )
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        Ok((status, response.text().await.map_err(unreachable)?))
    }

    fn read<T: DeserializeOwned>(
        &self,
        status: StatusCode,
        text: String,
    ) -> Result<Answer<T>, CliError> {
        if !status.is_success() {
            return Err(self.problem(status, &text));
        }
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Answer { value, text }),
            Err(error) => Err(self.not_grove(&format!("{status}, {error}"))),
        }
    }

    fn problem(&self, status: StatusCode, text: &str) -> CliError {
        match serde_json::from_str::<Problem>(text) {
            Ok(problem) => CliError::api(problem),
            Err(_not_a_problem) => self.not_grove(status.as_str()),
        }
    }

    fn not_grove(&self, what: &str) -> CliError {
        CliError::new(
            Exit::Unavailable,
            format!("{} does not answer as Grove {} does ({what})", self.base, version::GROVE),
            "Check the URL, and that `grove` and the instance have the same version.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::ErrorCode;

    #[test]
    fn only_plain_http_urls_are_taken() {
        for url in ["", "127.0.0.1:4768", "https://grove.example", "http://", "file:///x"] {
            assert!(Api::new(url).is_err(), "{url}");
        }
        assert_eq!(Api::new("http://127.0.0.1:1/").unwrap().url(), "http://127.0.0.1:1");
    }

    #[test]
    fn a_problem_document_becomes_its_exit_code_and_anything_else_is_unavailable() {
        let api = Api::new("http://127.0.0.1:1").unwrap();
        let problem = Problem::new(ErrorCode::NotFound, "no session deadbeef");
        let text = serde_json::to_string(&problem).unwrap();
        let error = api.read::<u8>(StatusCode::NOT_FOUND, text).unwrap_err();
        assert_eq!((error.exit.code(), error.problem.detail.as_str()), (3, "no session deadbeef"));
        let error = api.read::<u8>(StatusCode::BAD_GATEWAY, "<html>".to_owned()).unwrap_err();
        assert_eq!(error.exit.code(), 7);
        assert_eq!(api.read::<u8>(StatusCode::OK, "7".to_owned()).unwrap().value, 7);
    }

    #[tokio::test]
    async fn an_instance_that_is_not_there_is_unavailable() {
        let api = Api::new("http://127.0.0.1:1").unwrap();
        let error = api.get::<u8>("/instance", &()).await.unwrap_err();
        assert_eq!(error.exit.code(), 7);
    }
}
