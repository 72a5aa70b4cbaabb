//! The instance metadata service of a guest, version 2 only: without a token there is no answer.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use stayput_lab::Guest;

/// The token that every caller gets.
const TOKEN: &str = "AQAEAlabGuestMetadataToken==";
/// How long it waits for a slow caller.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks for callers.
const POLL: Duration = Duration::from_millis(2);
/// Most headers of a request.
const MOST_HEADERS: usize = 100;

/// A running service. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Metadata {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Metadata {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that has failed has nothing to clean up.
            let _ = thread.join();
        }
    }
}

impl Metadata {
    /// Opens its port in the namespace of the calling thread.
    pub(super) fn listen(address: Ipv4Addr) -> io::Result<TcpListener> {
        let listener = TcpListener::bind((address, 80))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Answers callers.
    pub(super) fn serve(listener: TcpListener, guest: &Guest) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, guest) = (Arc::clone(&stop), guest.clone());
        let thread = thread::Builder::new()
            .name("metadata".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    match listener.accept() {
                        // A caller that breaks off gets no answer.
                        Ok((stream, _)) => drop(answer(&stream, &guest)),
                        Err(_) => thread::sleep(POLL),
                    }
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

fn answer(mut stream: &TcpStream, guest: &Guest) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut headers = Vec::new();
    for line in lines.take(MOST_HEADERS) {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let (status, body) = said(&request, &headers, guest);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Returns status and body.
fn said(request: &str, headers: &[(String, String)], guest: &Guest) -> (&'static str, String) {
    let header = |name: &str| {
        headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    };
    let mut words = request.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    match method {
        "PUT" if header("x-forwarded-for").is_some() => ("403 Forbidden", String::new()),
        "PUT" => {
            let lifetime = header("x-aws-ec2-metadata-token-ttl-seconds")
                .and_then(|seconds| seconds.parse().ok())
                .filter(|seconds: &u32| (1..=21_600).contains(seconds));
            if path == "/latest/api/token" && lifetime.is_some() {
                ("200 OK", TOKEN.to_owned())
            } else {
                ("400 Bad Request", String::new())
            }
        }
        "GET" if header("x-aws-ec2-metadata-token") != Some(TOKEN) => {
            ("401 Unauthorized", String::new())
        }
        "GET" => match data(path, guest) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", String::new()),
        },
        _ => ("405 Method Not Allowed", String::new()),
    }
}

/// Tags are not in the metadata, as is usual in EC2, and the instance has no role.
fn data(path: &str, guest: &Guest) -> Option<String> {
    let first = guest.interfaces.first();
    match path {
        "/latest/dynamic/instance-identity/document" => {
            let document = json!({
                "accountId": guest.account,
                "architecture": guest.architecture,
                "availabilityZone": guest.zone,
                "instanceId": guest.instance,
                "privateIp": first.map(|interface| interface.primary.to_string()),
                "region": guest.region,
            });
            Some(format!("{document:#}"))
        }
        "/latest/meta-data/instance-id" => Some(guest.instance.clone()),
        "/latest/meta-data/local-ipv4" => first.map(|interface| interface.primary.to_string()),
        "/latest/meta-data/mac" => first.map(|interface| interface.mac.to_string()),
        _ => None,
    }
}
