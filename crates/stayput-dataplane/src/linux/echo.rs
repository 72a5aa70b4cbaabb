//! Echo server for every address: each probe packet is sent back with the name of the node that received it.

use std::collections::BTreeMap;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::layout::NodeId;

/// The UDP port at which every machine answers.
pub const PORT: u16 = 7007;
/// Length of a probe packet: the sender's number, and the packet's number.
pub const QUESTION: usize = 16;

/// Encodes a probe packet.
pub fn question(asker: u64, number: u64) -> [u8; QUESTION] {
    let mut bytes = [0; QUESTION];
    bytes[..8].copy_from_slice(&asker.to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Decodes a probe packet or an answer: sender, number, and the node that answered.
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
pub type EchoHandle = oneshot::Sender<()>;

struct Socket {
    socket: UdpSocket,
    node: NodeId,
    closed: oneshot::Receiver<()>,
}

/// Nodes that received the packets of one sender, by number.
type ReceivedPackets = Option<(u64, BTreeMap<u64, NodeId>)>;

/// One thread that answers for all nodes.
#[derive(Debug)]
pub struct Echo {
    sockets: mpsc::UnboundedSender<Socket>,
    heard: Arc<Mutex<ReceivedPackets>>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "socket of {}", self.node)
    }
}

impl Echo {
    /// Starts the thread. It ends when this value is dropped.
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

    /// Answers the packets that arrive at a socket.
    pub fn listen(&self, socket: UdpSocket, node: NodeId) -> io::Result<EchoHandle> {
        socket.set_nonblocking(true)?;
        let (ear, closed) = oneshot::channel();
        let socket = Socket {
            socket,
            node,
            closed,
        };
        self.sockets
            .send(socket)
            .map_err(|_| io::Error::other("the echo thread has ended"))?;
        Ok(ear)
    }

    /// Records from now on which nodes receive this sender's packets, and only this sender's.
    pub fn record(&self, asker: u64) {
        *self.lock() = Some((asker, BTreeMap::new()));
    }

    /// Returns the node that received each packet of the recorded sender.
    pub fn heard(&self) -> BTreeMap<u64, NodeId> {
        let heard = self.lock();
        heard
            .as_ref()
            .map(|(_, heard)| heard.clone())
            .unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ReceivedPackets> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(mut arriving: mpsc::UnboundedReceiver<Socket>, heard: Arc<Mutex<ReceivedPackets>>) {
    let mut open = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            socket = arriving.recv() => match socket {
                Some(socket) => { open.spawn(answer(socket, Arc::clone(&heard))); }
                // The other sockets are closed with the set.
                None => return,
            },
            Some(_) = open.join_next() => {}
        }
    }
}

async fn answer(socket: Socket, heard: Arc<Mutex<ReceivedPackets>>) {
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
        // A packet that cannot be received or answered counts as lost.
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
