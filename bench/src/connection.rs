//! One keep-alive HTTP/1.1 connection that sends prepared bytes and reads one answer.
//!
//! The generator shares its cores with the server it measures, so this does the least a client can:
//! one write and, for most answers, one read per exchange.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

/// Holds a list of thirty sessions without growing.
const BUFFER: usize = 64 * 1024;
/// No answer of this benchmark comes near it; more is a fault of the server.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
const MOST_HEADERS: usize = 32;

/// An open connection and its read buffer.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A whole answer; `body` is in the connection's buffer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body, of exactly its announced length.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects to `address`.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER],
        })
    }

    /// Sends `request`, which must be one whole HTTP/1.1 request, and reads its answer.
    ///
    /// An answer without `Content-Length`, with bytes beyond it or cut short is an error.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.write(request).await?;
        let mut filled = 0;
        let head = loop {
            filled += self.read(filled).await?;
            if let Some(head) = parse_head(self.buffer.get(..filled).unwrap_or_default())? {
                break head;
            }
            ensure!(
                filled < self.buffer.len(),
                "the answer's head is longer than {BUFFER} bytes"
            );
        };
        let end = head.length + head.body_length;
        if end > self.buffer.len() {
            ensure!(end <= LARGEST_ANSWER, "an answer of {end} bytes");
            self.buffer.resize(end, 0);
        }
        while filled < end {
            filled += self.read(filled).await?;
        }
        ensure!(filled == end, "{} bytes follow the answer", filled - end);
        let body = self.buffer.get(head.length..end).unwrap_or_default();
        Ok(Answer {
            status: head.status,
            body,
        })
    }

    async fn write(&self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error).context("send a request"),
            }
        }
        Ok(())
    }

    /// Reads once into the buffer from `filled` on; returns how many bytes came.
    ///
    /// `poll_read` and not `try_read`: after a short read it knows that nothing is left and spares the
    /// second system call that would say so.
    async fn read(&mut self, filled: usize) -> anyhow::Result<usize> {
        let mut buffer = ReadBuf::new(self.buffer.get_mut(filled..).unwrap_or_default());
        let stream = &mut self.stream;
        poll_fn(|context| Pin::new(&mut *stream).poll_read(context, &mut buffer))
            .await
            .context("read an answer")?;
        let read = buffer.filled().len();
        if read == 0 {
            bail!("the server closed the connection in the middle of an exchange");
        }
        Ok(read)
    }
}

struct Head {
    status: u16,
    length: usize,
    body_length: usize,
}

/// The head of the answer at the start of `bytes`, or `None` while it is not all there.
fn parse_head(bytes: &[u8]) -> anyhow::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) =
        response.parse(bytes).context("parse an answer's head")?
    else {
        return Ok(None);
    };
    let body_length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .context("the answer has no Content-Length")?
        .value;
    let body_length = str::from_utf8(body_length)?
        .trim()
        .parse()
        .context("read the answer's Content-Length")?;
    Ok(Some(Head {
        status: response.code.unwrap_or_default(),
        length,
        body_length,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Accepts one connection, reads one request and writes `pieces` one after another.
    async fn answers_with(pieces: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            // Closing with the request unread would reset the connection.
            stream.try_read(&mut [0; 256]).unwrap();
            for piece in pieces {
                stream.writable().await.unwrap();
                stream.try_write(piece.as_bytes()).unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        });
        address
    }

    async fn exchange(pieces: &'static [&'static str]) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut connection = Connection::open(answers_with(pieces).await).await?;
        let answer = connection
            .exchange(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await?;
        Ok((answer.status, answer.body.to_vec()))
    }

    #[tokio::test]
    async fn an_answer_is_read_whole_however_it_is_cut() {
        let (status, body) = exchange(&[
            "HTTP/1.1 20",
            "1 Created\r\nContent-",
            "Length: 5\r\n\r\nhe",
            "llo",
        ])
        .await
        .unwrap();
        assert_eq!((status, body.as_slice()), (201, b"hello".as_slice()));
    }

    #[tokio::test]
    async fn an_answer_without_a_length_is_an_error() {
        let error = exchange(&["HTTP/1.1 200 OK\r\n\r\n{}"]).await.unwrap_err();
        assert_eq!(error.to_string(), "the answer has no Content-Length");
    }

    #[tokio::test]
    async fn an_answer_cut_short_is_an_error() {
        let error = exchange(&["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"])
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("closed the connection"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn bytes_after_an_answer_are_an_error() {
        let error = exchange(&["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello"])
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "3 bytes follow the answer");
    }
}
