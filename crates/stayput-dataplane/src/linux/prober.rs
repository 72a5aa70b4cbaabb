//! The paced prober: it sends one packet from on-prem to every address each interval and records which node answered.

use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use super::echo;
use crate::clock::RunClock;
use crate::losses::ProbeRecord;
use crate::report::Report;

/// How long an answer may take. In the namespaces of one kernel it takes well below a millisecond; the rest allows for a busy
/// machine.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How often the receiver checks whether it must stop.
const LOOK: Duration = Duration::from_millis(50);
/// Sender number of the prober. The packets of [`super::plane::Plane::ask`] have senders from 1 on.
const ASKER: u64 = u64::MAX;

/// A prober that sends until it is stopped or dropped.
#[derive(Debug)]
pub struct Prober {
    book: Arc<Mutex<ProbeRecord>>,
    clock: RunClock,
    sends: Arc<AtomicBool>,
    listens: Arc<AtomicBool>,
}

impl Prober {
    /// Starts to send by this socket.
    pub fn start(
        socket: UdpSocket,
        clock: RunClock,
        targets: Vec<Ipv4Addr>,
        interval: Duration,
    ) -> io::Result<Self> {
        let prober = Self {
            book: Arc::new(Mutex::new(ProbeRecord::new(&targets, interval, TIMEOUT))),
            clock,
            sends: Arc::new(AtomicBool::new(true)),
            listens: Arc::new(AtomicBool::new(true)),
        };
        socket.set_read_timeout(Some(LOOK))?;
        let receiving = socket.try_clone()?;
        let (book, listens) = (Arc::clone(&prober.book), Arc::clone(&prober.listens));
        thread::Builder::new()
            .name("prober-in".to_owned())
            .spawn(move || receive(&receiving, clock, &book, &listens))?;
        let (book, sends) = (Arc::clone(&prober.book), Arc::clone(&prober.sends));
        thread::Builder::new()
            .name("prober-out".to_owned())
            .spawn(move || send(&socket, clock, &book, &sends, &targets, interval))?;
        Ok(prober)
    }

    /// Stops sending. Answers to packets already sent are still counted.
    pub fn stop(&self) {
        self.sends.store(false, Ordering::Relaxed);
    }

    /// Returns the results so far.
    pub fn report(&self) -> Report {
        let mut book = lock(&self.book);
        book.decide(self.clock.now());
        book.report()
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.stop();
        self.listens.store(false, Ordering::Relaxed);
    }
}

fn lock(book: &Mutex<ProbeRecord>) -> MutexGuard<'_, ProbeRecord> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(
    socket: &UdpSocket,
    clock: RunClock,
    book: &Mutex<ProbeRecord>,
    sends: &AtomicBool,
    targets: &[Ipv4Addr],
    interval: Duration,
) {
    let Ok(count) = u32::try_from(targets.len()) else {
        return;
    };
    // Spreads the packets over the interval, to avoid bursts.
    let pause = interval / count.max(1);
    let mut due = Instant::now();
    for target in targets.iter().cycle() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if !sends.load(Ordering::Relaxed) {
            return;
        }
        let late = Instant::now().saturating_duration_since(due);
        let number = lock(book).sent(*target, clock.now(), late);
        // Where on-prem has no route, sending fails: the packet counts as lost.
        let _ = socket.send_to(&echo::question(ASKER, number), (*target, echo::PORT));
        due += pause;
    }
}

fn receive(socket: &UdpSocket, clock: RunClock, book: &Mutex<ProbeRecord>, listens: &AtomicBool) {
    let mut bytes = [0; 64];
    while listens.load(Ordering::Relaxed) {
        let Ok((length, SocketAddr::V4(from))) = socket.recv_from(&mut bytes) else {
            // No packet arrived within the timeout.
            continue;
        };
        if let Some((ASKER, number, by)) = bytes.get(..length).and_then(echo::read) {
            lock(book).answered(*from.ip(), number, by, clock.now());
        }
    }
}
