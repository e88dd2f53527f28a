//! HTTP calls as a user's client makes them.
//!
//! Answers of any status are answers; only a failed connection is an error. It keeps no state.
//! Invariant: a call ends within its time-out.

use anyhow::{Context, Result};
use serde_json::Value;
use std::time::Duration;

/// Connect's own request time-out is 90 s; nothing may take longer.
const TIMEOUT: Duration = Duration::from_secs(100);

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body)
            .with_context(|| format!("status {}, body {}", self.status, self.body))
    }
}

/// One server.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    headers: Vec<(String, String)>,
    agent: ureq::Agent,
}

impl Client {
    /// A client of the server at `base` (`http://host:port`).
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT));
        Self {
            base: base.to_owned(),
            headers: Vec::new(),
            agent: config.build().into(),
        }
    }
    /// The same, sending this header with every call.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }
    /// A call with these headers and body.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        for (k, v) in self
            .headers
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .chain(headers.iter().copied())
        {
            request = request.header(k, v);
        }
        let told = || format!("calling {method} {url}");
        let request = request.body(body).with_context(told)?;
        let mut answer = self.agent.run(request).with_context(told)?;
        let text = |v: &ureq::http::HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
        let headers = answer
            .headers()
            .iter()
            .map(|(k, v)| (k.as_str().to_owned(), text(v)))
            .collect();
        let status = answer.status().as_u16();
        Ok(Answer {
            status,
            headers,
            body: answer.body_mut().read_to_string().with_context(told)?,
        })
    }
    /// `GET`.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.call("GET", path, &[("accept", "application/json")], &[])
    }
    /// A call with a JSON body.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        let headers = [
            ("accept", "application/json"),
            ("content-type", "application/json"),
        ];
        self.call(method, path, &headers, body.to_string().as_bytes())
    }
    /// A call without body.
    pub fn bare(&self, method: &str, path: &str) -> Result<Answer> {
        self.call(method, path, &[("accept", "application/json")], &[])
    }
}
