//! A client that writes messages byte by byte and shows answers as short texts.

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::fake::{PASSWORD, Running, md5_hex, sha256};

pub struct Client {
    pub socket: TcpStream,
}

pub fn startup(keys: &[(&str, &str)]) -> Vec<u8> {
    let mut body = BytesMut::new();
    body.put_u32(3 << 16);
    for (k, v) in keys {
        body.put_slice(k.as_bytes());
        body.put_u8(0);
        body.put_slice(v.as_bytes());
        body.put_u8(0);
    }
    body.put_u8(0);
    let mut out = (body.len() as u32 + 4).to_be_bytes().to_vec();
    out.extend_from_slice(&body);
    out
}

pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(body);
    out
}

pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', format!("{sql}\0").as_bytes())
}

pub fn parse(name: &str, sql: &str, types: &[u32]) -> Vec<u8> {
    let mut body = format!("{name}\0{sql}\0").into_bytes();
    body.extend((types.len() as u16).to_be_bytes());
    types.iter().for_each(|t| body.extend(t.to_be_bytes()));
    message(b'P', &body)
}

/// Parameters with their format; result formats.
pub fn bind(portal: &str, name: &str, params: &[(i16, Option<&[u8]>)], results: &[i16]) -> Vec<u8> {
    let mut body = format!("{portal}\0{name}\0").into_bytes();
    body.extend((params.len() as u16).to_be_bytes());
    params
        .iter()
        .for_each(|(f, _)| body.extend(f.to_be_bytes()));
    body.extend((params.len() as u16).to_be_bytes());
    for (_, value) in params {
        match value {
            None => body.extend((-1i32).to_be_bytes()),
            Some(v) => {
                body.extend((v.len() as i32).to_be_bytes());
                body.extend_from_slice(v);
            }
        }
    }
    body.extend((results.len() as u16).to_be_bytes());
    results.iter().for_each(|f| body.extend(f.to_be_bytes()));
    message(b'B', &body)
}

pub fn describe(kind: char, name: &str) -> Vec<u8> {
    message(b'D', format!("{kind}{name}\0").as_bytes())
}

pub fn execute(portal: &str, limit: i32) -> Vec<u8> {
    let mut body = format!("{portal}\0").into_bytes();
    body.extend(limit.to_be_bytes());
    message(b'E', &body)
}

pub fn sync() -> Vec<u8> {
    message(b'S', b"")
}

impl Client {
    pub async fn connect(server: &Running) -> Client {
        Client {
            socket: TcpStream::connect(server.address).await.unwrap(),
        }
    }

    /// Logs in with a password over MD5 or the digest, as the server asks; gives what came up to
    /// ReadyForQuery.
    pub async fn login(server: &Running, keys: &[(&str, &str)]) -> (Client, Vec<String>) {
        let mut client = Client::connect(server).await;
        let mut all = vec![("user", "u"), ("database", "dev")];
        all.extend_from_slice(keys);
        client.send(&startup(&all)).await;
        let (tag, mut body) = client.read().await.unwrap();
        assert_eq!(tag, b'R');
        match body.get_i32() {
            5 => {
                let stored = md5_hex(&[PASSWORD.as_bytes(), b"u"]);
                let answer = format!("md5{}\0", md5_hex(&[stored.as_bytes(), &body]));
                client.send(&message(b'p', answer.as_bytes())).await;
            }
            13 => {
                assert_eq!(body.get_i32(), 0);
                let n = body.get_i32() as usize;
                let salt = body.split_to(n);
                let n = body.get_i32() as usize;
                let nonce = body.split_to(n);
                let stored = sha256(&[PASSWORD.as_bytes(), &salt]);
                let digest = sha256(&[&stored, &nonce, b"123"]);
                let mut answer = 32i32.to_be_bytes().to_vec();
                answer.extend(digest);
                answer.extend(3i32.to_be_bytes());
                answer.extend(b"123");
                client.send(&message(b'd', &answer)).await;
            }
            3 => {
                client
                    .send(&message(b'p', format!("{PASSWORD}\0").as_bytes()))
                    .await
            }
            other => panic!("authentication request {other}"),
        }
        let told = client.until(b'Z').await;
        (client, told)
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    pub async fn read(&mut self) -> Option<(u8, BytesMut)> {
        let tag = self.socket.read_u8().await.ok()?;
        let length = self.socket.read_u32().await.ok()?;
        let mut body = BytesMut::zeroed(length as usize - 4);
        self.socket.read_exact(&mut body).await.ok()?;
        Some((tag, body))
    }

    /// Messages up to one with this tag, or to the end of the connection.
    pub async fn until(&mut self, last: u8) -> Vec<String> {
        let mut out = Vec::new();
        while let Some((tag, body)) = self.read().await {
            out.push(show(tag, body));
            if tag == last {
                break;
            }
        }
        out
    }

    /// Sends, and gives the answers up to ReadyForQuery.
    pub async fn ask(&mut self, bytes: &[u8]) -> Vec<String> {
        self.send(bytes).await;
        self.until(b'Z').await
    }
}

fn show(tag: u8, mut body: BytesMut) -> String {
    let text = |b: &[u8]| String::from_utf8_lossy(b).replace('\0', "|");
    match tag {
        b'D' => {
            let n = body.get_u16();
            let values: Vec<String> = (0..n)
                .map(|_| match body.get_i32() {
                    -1 => "NULL".to_string(),
                    len => text(&body.split_to(len as usize)),
                })
                .collect();
            format!("D {}", values.join(","))
        }
        b'E' | b'N' => {
            let fields: Vec<String> = body[..]
                .split(|b: &u8| *b == 0)
                .filter(|f| !f.is_empty() && f[0] != b'V')
                .map(text)
                .collect();
            format!("{} {}", tag as char, fields.join("|"))
        }
        b'T' => {
            let n = body.get_u16();
            let mut out = format!("T{n}");
            // Names only; one test looks at the bytes.
            if n > 0 {
                let end = body.iter().position(|b| *b == 0).unwrap();
                out += &format!(" {}", text(&body[..end]));
            }
            out
        }
        b't' => {
            let n = body.get_u16();
            let oids: Vec<String> = (0..n).map(|_| body.get_u32().to_string()).collect();
            format!("t {}", oids.join(","))
        }
        _ => format!("{} {}", tag as char, text(&body))
            .trim_end_matches([' ', '|'])
            .to_string(),
    }
}
