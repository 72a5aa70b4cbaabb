//! Whoever has an address answers there: what comes is sent back, with the name of who answered.

use std::collections::BTreeMap;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::super::layout::NodeId;

/// The port every machine answers at.
pub const PORT: u16 = 7007;
/// What a question is: the asker's number, and the question's.
pub const QUESTION: usize = 16;

/// A question's bytes.
pub fn question(asker: u64, number: u64) -> [u8; QUESTION] {
    let mut bytes = [0; QUESTION];
    bytes[..8].copy_from_slice(&asker.to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Asker and number of a question, or of an answer to it, and who answered.
pub fn read(bytes: &[u8]) -> Option<(u64, u64, &str)> {
    let (asker, rest) = bytes.split_first_chunk()?;
    let (number, name) = rest.split_first_chunk()?;
    let name = std::str::from_utf8(name).ok()?;
    Some((
        u64::from_be_bytes(*asker),
        u64::from_be_bytes(*number),
        name,
    ))
}

/// Closes a machine's socket when it is dropped.
pub type Ear = oneshot::Sender<()>;

struct Socket {
    socket: UdpSocket,
    node: NodeId,
    closed: oneshot::Receiver<()>,
}

/// Who heard the questions of one asker, by number.
type Heard = Option<(u64, BTreeMap<u64, NodeId>)>;

/// One thread that answers for all.
#[derive(Debug)]
pub struct Echo {
    sockets: mpsc::UnboundedSender<Socket>,
    heard: Arc<Mutex<Heard>>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "socket of {}", self.node)
    }
}

impl Echo {
    /// Starts the thread; it ends when this is dropped.
    pub fn start() -> io::Result<Self> {
        let (sockets, arriving) = mpsc::unbounded_channel();
        let heard = Arc::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let hearing = Arc::clone(&heard);
        thread::Builder::new()
            .name("echo".to_owned())
            .spawn(move || runtime.block_on(serve(arriving, hearing)))?;
        Ok(Self { sockets, heard })
    }

    /// Answers what comes to a socket.
    pub fn listen(&self, socket: UdpSocket, node: NodeId) -> io::Result<Ear> {
        socket.set_nonblocking(true)?;
        let (ear, closed) = oneshot::channel();
        let socket = Socket {
            socket,
            node,
            closed,
        };
        self.sockets
            .send(socket)
            .map_err(|_| io::Error::other("nobody answers any more"))?;
        Ok(ear)
    }

    /// Notes who hears this asker's questions from now on, and nobody else's.
    pub fn attend(&self, asker: u64) {
        *self.lock() = Some((asker, BTreeMap::new()));
    }

    /// Who has heard each question of the asker attended to.
    pub fn heard(&self) -> BTreeMap<u64, NodeId> {
        let heard = self.lock();
        heard
            .as_ref()
            .map(|(_, heard)| heard.clone())
            .unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(mut arriving: mpsc::UnboundedReceiver<Socket>, heard: Arc<Mutex<Heard>>) {
    let mut open = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            socket = arriving.recv() => match socket {
                Some(socket) => { open.spawn(answer(socket, Arc::clone(&heard))); }
                // The rest is closed with the set.
                None => return,
            },
            Some(_) = open.join_next() => {}
        }
    }
}

async fn answer(socket: Socket, heard: Arc<Mutex<Heard>>) {
    let Socket {
        socket,
        node,
        mut closed,
    } = socket;
    let Ok(socket) = tokio::net::UdpSocket::from_std(socket) else {
        return;
    };
    let name = node.to_string();
    let mut bytes = [0; 64];
    loop {
        let received = tokio::select! {
            _ = &mut closed => return,
            received = socket.recv_from(&mut bytes) => received,
        };
        // What cannot be received or answered is lost, as packets are.
        let Ok((length, from)) = received else {
            continue;
        };
        let Some((asker, number, _)) = bytes.get(..length).and_then(read) else {
            continue;
        };
        if let Some((attended, heard)) = &mut *heard.lock().unwrap_or_else(PoisonError::into_inner)
            && *attended == asker
        {
            heard.insert(number, node.clone());
        }
        let mut reply = question(asker, number).to_vec();
        reply.extend_from_slice(name.as_bytes());
        let _ = socket.send_to(&reply, from).await;
    }
}
