//! A loopback AWS for tests: plain HTTP/1.1, answers by a closure, remembers what it was asked.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use aws_credential_types::Credentials;
use stayput_estate::AwsAccess;
use stayput_estate::Region;
use stayput_estate::Trust;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::BufStream;
use tokio::net::TcpListener;

use crate::client::AwsClient;
use crate::list;
use crate::transport::Patience;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    /// A form parameter.
    pub(crate) fn form(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.body.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The action of a Query call or the operation of a JSON call.
    pub(crate) fn operation(&self) -> String {
        let target = self.headers.get("x-amz-target");
        target
            .and_then(|target| target.split_once('.'))
            .map(|(_, operation)| operation.to_owned())
            .or_else(|| self.form("Action"))
            .unwrap_or_default()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer(u16, String),
    /// The inside of a good EC2 answer to whatever was asked.
    Ec2(String),
    /// A body of which the last bytes never come.
    Half(String),
    /// A head that announces so many bytes, and nothing behind it.
    Announce(u64),
    /// A body without an announced length, this text over and over.
    Endless(String),
    Hang,
    Close,
}

impl Reply {
    /// A successful answer: the list elements of an EC2 answer.
    pub(crate) fn ec2(inner: &str) -> Self {
        Self::Ec2(inner.to_owned())
    }

    /// The answer to a list call where there is nothing, as AWS gives it.
    pub(crate) fn nothing(seen: &Seen) -> Self {
        let operation = seen.operation();
        if operation == "DescribeDirectConnectGatewayAssociations" {
            return Self::Answer(200, r#"{"directConnectGatewayAssociations":[]}"#.to_owned());
        }
        let listing = list::ALL.iter().find(|listing| listing.action == operation);
        let listing = listing.unwrap_or_else(|| panic!("{operation} is no list"));
        Self::Ec2(format!("<{}/>", listing.set))
    }

    /// The answer to a list call: these entries.
    pub(crate) fn entries(seen: &Seen, entries: &str) -> Self {
        let operation = seen.operation();
        let listing = list::ALL.iter().find(|listing| listing.action == operation);
        let listing = listing.unwrap_or_else(|| panic!("{operation} is no list"));
        Self::Ec2(format!("<{0}>{entries}</{0}>", listing.set))
    }

    /// EC2's refusal of ids that it does not know.
    pub(crate) fn not_found(code: &str, message: &str) -> Self {
        Self::Answer(
            400,
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                 <RequestID>r-8</RequestID></Response>"
            ),
        )
    }

    /// An EC2 error.
    pub(crate) fn ec2_error(status: u16, code: &str) -> Self {
        Self::Answer(
            status,
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>as asked</Message></Error></Errors>\
                 <RequestID>r-7</RequestID></Response>"
            ),
        )
    }

    /// A JSON error.
    pub(crate) fn json_error(code: &str) -> Self {
        Self::Answer(
            400,
            format!(r#"{{"__type":"{code}","message":"as asked"}}"#),
        )
    }
}

/// A running server; ends with the test's runtime.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server that answers as `answer` says.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(answer, |stream| async { Ok(stream) }).await
    }

    /// The same, with something between TCP and HTTP.
    pub(crate) async fn start_with<S, F>(
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
        wrap: impl Fn(tokio::net::TcpStream) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&server.seen);
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let (seen, answer, stream) = (Arc::clone(&seen), Arc::clone(&answer), wrap(stream));
                tokio::spawn(async move {
                    if let Ok(stream) = stream.await {
                        let _ = converse(connection, stream, &seen, answer.as_ref()).await;
                    }
                });
            }
        });
        server
    }

    /// What was asked so far, in order of arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The operations asked for so far.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.seen().iter().map(Seen::operation).collect()
    }

    /// A client of this server, patient enough for a busy machine.
    pub(crate) fn client(&self) -> AwsClient {
        self.client_with(Trust::System, "http")
    }

    /// A client for a server that gives this reply: it gives up soon where there is none to come.
    pub(crate) fn client_for(&self, reply: &Reply) -> AwsClient {
        let (access, mut patience) = self.access(Trust::System, "http");
        if matches!(reply, Reply::Hang) {
            patience.attempt = Duration::from_secs(2);
        }
        AwsClient::with_patience(&access, patience, "AKIDEXAMPLE", "very-secret").unwrap()
    }

    /// The same with a choice of trust and scheme.
    pub(crate) fn client_with(&self, trust: Trust, scheme: &str) -> AwsClient {
        let (access, patience) = self.access(trust, scheme);
        AwsClient::with_patience(&access, patience, "AKIDEXAMPLE", "very-secret").unwrap()
    }

    fn access(&self, trust: Trust, scheme: &str) -> (AwsAccess, Patience) {
        let access = AwsAccess {
            endpoint: Some(format!("{scheme}://127.0.0.1:{}", self.port)),
            trust,
            profile: None,
        };
        let patience = Patience {
            attempt: Duration::from_secs(20),
            connect: Duration::from_secs(20),
            whole: Duration::from_secs(60),
            attempts: 3,
            first_pause: Duration::from_millis(1),
        };
        (access, patience)
    }

    /// A client with the credentials of a role.
    pub(crate) fn client_of_role(&self, token: &str) -> AwsClient {
        let (access, patience) = self.access(Trust::System, "http");
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "very-secret-key-of-a-role",
            Some(token.to_owned()),
            None,
            "test",
        );
        AwsClient::with_credentials(&access, patience, credentials).unwrap()
    }

    /// A region of its own, so that tests do not share the process-wide retry quotas.
    pub(crate) fn region(&self) -> Region {
        Region::new(format!("test-{}", self.port))
    }
}

async fn converse(
    connection: usize,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Mutex<Vec<Seen>>,
    answer: &(impl Fn(&Seen) -> Reply + ?Sized),
) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await?;
            let Some((name, value)) = header.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers
            .get("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let request = Seen {
            connection,
            line: line.trim_end().to_owned(),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        seen.lock().unwrap().push(request.clone());
        let reply = match answer(&request) {
            Reply::Ec2(inner) => {
                let root = format!("{}Response", request.operation());
                Reply::Answer(
                    200,
                    format!(
                        "<{root} xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r-0</requestId>{inner}</{root}>"
                    ),
                )
            }
            other => other,
        };
        match reply {
            Reply::Ec2(_) => return Ok(()),
            Reply::Half(body) => {
                let head = format!(
                    "HTTP/1.1 200 said\r\ncontent-length: {}\r\n\r\n",
                    body.len() + 10
                );
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(body.as_bytes()).await?;
                stream.flush().await?;
                return Ok(());
            }
            Reply::Announce(length) => {
                let head = format!("HTTP/1.1 200 said\r\ncontent-length: {length}\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
                stream.flush().await?;
                std::future::pending().await
            }
            Reply::Endless(text) => {
                stream
                    .write_all(b"HTTP/1.1 200 said\r\ntransfer-encoding: chunked\r\n\r\n")
                    .await?;
                let chunk = text.repeat(1 + 65_536 / text.len().max(1));
                let chunk = format!("{:x}\r\n{chunk}\r\n", chunk.len());
                loop {
                    stream.write_all(chunk.as_bytes()).await?;
                }
            }
            Reply::Answer(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} said\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(body.as_bytes()).await?;
                stream.flush().await?;
            }
            Reply::Hang => std::future::pending().await,
            Reply::Close => return Ok(()),
        }
    }
}
