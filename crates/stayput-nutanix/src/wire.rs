//! The transport seam: one request is handed to a [`Wire`], which gives one whole response or says how far the request got.
//!
//! [`HttpsWire`] is the network. A simulator has a wire of its own that calls an emulated appliance in the same process. Everything else
//! (headers, time limits, repeats, pacing, secrets) is above the seam and is the same for both.

pub(crate) mod https;

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http::Response;
use stayput_messages::Message;

use crate::error::TlsProblem;

pub use https::HttpsWire;

/// The way to one appliance.
///
/// A wire sends each request once. It needs no time limit for the answer: the client drops the future of an exchange that takes too long, and
/// counts it as sent. What the appliance does with a request that it has received goes on, also when the future is dropped. A wire does not
/// follow redirects.
#[async_trait]
pub trait Wire: fmt::Debug + Send + Sync {
    /// The URL of the appliance, such as `https://pc.example:9440`. The URL of each request starts with it; a path of it is ignored.
    fn url(&self) -> &str;

    /// Sends a request and receives the whole response, whatever its status.
    ///
    /// The URI of the request is absolute. Credentials are in its headers or body. A body of more than `longest` bytes is not read to its
    /// end.
    ///
    /// # Errors
    /// How far the request got: see [`WireError`].
    async fn exchange(
        &self,
        request: Request<Bytes>,
        longest: usize,
    ) -> Result<Response<Bytes>, WireError>;
}

/// Why there is no response, by how far the request got.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// There was no connection; nothing was sent.
    #[error("{}", Message::new("wire-not-sent"))]
    NotSent {
        /// What is wrong with the other side's certificate, if that is why.
        tls: Option<TlsProblem>,
        /// What the transport says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There was no connection in time; nothing was sent.
    #[error("{}", Message::new("wire-connect-timeout"))]
    ConnectTimeout,
    /// The connection broke after the request was sent, or while it was. The request may have taken effect.
    #[error("{}", Message::new("wire-broken"))]
    Broken {
        /// What the transport says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The answer is longer than may be read.
    #[error("{}", Message::new("wire-too-long"))]
    TooLong,
}
