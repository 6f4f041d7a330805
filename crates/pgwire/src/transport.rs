//! A client's socket: whole messages in, bytes out, nothing held that has not arrived.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use lw_base::{SqlError, SqlState};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::backend::Out;
use crate::frontend::{MAX_MESSAGE, MAX_STARTUP, Message, violation};

/// Bytes to send are gathered up to here.
pub(crate) const FLUSH_AT: usize = 64 << 10;
/// While a statement runs, no more than this is read ahead.
const READ_AHEAD: usize = 64 << 10;
/// How long a statement that was told to stop may take to do so.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// A socket, encrypted or not.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// Why a connection ends.
#[derive(Debug)]
pub(crate) enum End {
    /// The client has gone, or said goodbye.
    Closed,
    /// The client is told why, as FATAL.
    Fatal(SqlError),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> End {
        End::Closed
    }
}

/// What arrived.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A message: its tag and what follows its length.
    Whole(u8, Bytes),
    /// A message past the limit, which was read and thrown away.
    TooLong(u8, usize),
}

/// A client's socket with its buffers.
pub(crate) struct Transport {
    io: Box<dyn Io>,
    input: BytesMut,
    pub out: Out,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

impl Transport {
    pub(crate) fn new(io: Box<dyn Io>, stop: CancellationToken) -> Transport {
        Transport {
            io,
            input: BytesMut::new(),
            out: Out::default(),
            stop,
        }
    }

    /// Puts TLS on the socket; returns its version and cipher. Bytes that came before it are
    /// refused: they could be an attacker's.
    pub(crate) async fn encrypt(&mut self, acceptor: &TlsAcceptor) -> Result<String, End> {
        if !self.input.is_empty() {
            return Err(End::Fatal(
                violation("received unencrypted data after SSL request").fatal(),
            ));
        }
        let plain = std::mem::replace(&mut self.io, Box::new(tokio::io::empty()));
        let tls = acceptor.accept(plain).await?;
        let (_, state) = tls.get_ref();
        let version = state
            .protocol_version()
            .and_then(|v| v.as_str())
            .unwrap_or("TLS");
        let suite = state.negotiated_cipher_suite().map(|s| s.suite());
        let detail = match suite.and_then(|s| s.as_str()) {
            Some(suite) => format!("{version} {suite}"),
            None => version.to_string(),
        };
        self.io = Box::new(tls);
        Ok(detail)
    }

    /// Sends one byte that is no message: the answer to an SSL or GSS request.
    pub(crate) async fn reply(&mut self, byte: u8) -> Result<(), End> {
        self.io.write_all(&[byte]).await?;
        Ok(self.io.flush().await?)
    }

    async fn fill(&mut self) -> Result<(), End> {
        self.input.reserve(8 << 10);
        match self.io.read_buf(&mut self.input).await {
            Ok(0) | Err(_) => Err(End::Closed),
            Ok(_) => Ok(()),
        }
    }

    /// Reads a first packet: a length without a tag.
    pub(crate) async fn first(&mut self) -> Result<Bytes, End> {
        while self.input.len() < 4 {
            self.fill().await?;
        }
        let length = (&self.input[..4]).get_u32() as usize;
        if !(8..=MAX_STARTUP).contains(&length) {
            return Err(End::Fatal(
                violation("invalid length of startup packet").fatal(),
            ));
        }
        while self.input.len() < length {
            self.fill().await?;
        }
        let mut packet = self.input.split_to(length);
        packet.advance(4);
        Ok(packet.freeze())
    }

    /// Reads an answer to an authentication request (tags `p` and Redshift's `d`).
    pub(crate) async fn answer(&mut self) -> Result<(u8, Bytes), End> {
        match self
            .frame(MAX_STARTUP, |tag| matches!(tag, b'p' | b'd' | b'i'))
            .await?
        {
            Frame::Whole(tag, body) => Ok((tag, body)),
            Frame::TooLong(..) => Err(End::Fatal(
                violation("authentication answer too long").fatal(),
            )),
        }
    }

    /// Reads the next message after the login.
    pub(crate) async fn next(&mut self) -> Result<Frame, End> {
        let stop = self.stop.clone();
        tokio::select! {
            frame = self.frame(MAX_MESSAGE, Message::is_tag) => frame,
            () = stop.cancelled() => Err(End::Fatal(shutting_down())),
        }
    }

    async fn frame(&mut self, limit: usize, known: fn(u8) -> bool) -> Result<Frame, End> {
        while self.input.len() < 5 {
            self.fill().await?;
        }
        let tag = self.input[0];
        let length = (&self.input[1..5]).get_u32() as usize;
        if !known(tag) {
            let message = format!("invalid frontend message type {tag}");
            return Err(End::Fatal(violation(message).fatal()));
        }
        if !(4..=i32::MAX as usize).contains(&length) {
            return Err(End::Fatal(violation("invalid message length").fatal()));
        }
        if length > limit {
            let mut left = length + 1;
            loop {
                let n = left.min(self.input.len());
                self.input.advance(n);
                left -= n;
                if left == 0 {
                    return Ok(Frame::TooLong(tag, length));
                }
                self.fill().await?;
            }
        }
        while self.input.len() < length + 1 {
            self.fill().await?;
        }
        let mut message = self.input.split_to(length + 1);
        message.advance(5);
        if self.input.is_empty() {
            // A long message must not leave its space behind for the rest of the session.
            self.input = BytesMut::new();
        }
        Ok(Frame::Whole(tag, message.freeze()))
    }

    /// Sends what is gathered. A client that does not read holds up only itself, until the server
    /// stops.
    pub(crate) async fn flush(&mut self) -> Result<(), End> {
        let stop = self.stop.clone();
        let send = async {
            self.io.write_all(&self.out.buf).await?;
            self.io.flush().await
        };
        tokio::select! {
            biased;
            sent = send => sent?,
            () = stop.cancelled() => return Err(End::Closed),
        }
        self.out.buf.clear();
        if self.out.buf.capacity() > 4 * FLUSH_AT {
            self.out.buf = BytesMut::new();
        }
        Ok(())
    }

    /// Sends what is gathered if it is much.
    pub(crate) async fn flush_if_full(&mut self) -> Result<(), End> {
        if self.out.buf.len() >= FLUSH_AT {
            self.flush().await
        } else {
            Ok(())
        }
    }

    /// Says a last word and closes; a client that does not listen is left after a second.
    pub(crate) async fn goodbye(&mut self, error: Option<&SqlError>) {
        if let Some(error) = error {
            self.out.error(error, 0);
        }
        let last = async {
            self.io.write_all(&self.out.buf).await?;
            self.io.shutdown().await
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), last).await;
    }

    /// Waits for `work`, a call into the session, and watches the socket meanwhile: if the client
    /// goes away or the server stops, `cancel` is called, the work is given time to notice, and
    /// the connection ends.
    pub(crate) async fn watch<T>(
        &mut self,
        cancel: impl Fn(),
        work: impl Future<Output = T>,
    ) -> Result<T, End> {
        let mut work = pin!(work);
        let stop = self.stop.clone();
        let end = loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = stop.cancelled() => break End::Fatal(shutting_down()),
                read = self.fill(), if self.input.len() < READ_AHEAD => {
                    if let Err(end) = read {
                        break end;
                    }
                }
            }
        };
        cancel();
        let _ = tokio::time::timeout(STOP_GRACE, work).await;
        Err(end)
    }
}

/// What sessions are told when the server stops.
pub(crate) fn shutting_down() -> SqlError {
    SqlError::new(
        SqlState::ADMIN_SHUTDOWN,
        "terminating connection due to administrator command",
    )
    .fatal()
}
