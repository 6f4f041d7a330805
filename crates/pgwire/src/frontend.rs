//! Messages of clients: bytes to values, every length checked before it is believed.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use lw_base::{Result, SqlError, SqlState};

/// The longest startup packet, and the longest message before the login, in bytes.
pub(crate) const MAX_STARTUP: usize = 10_000;
/// The longest message after the login.
pub(crate) const MAX_MESSAGE: usize = 64 << 20;
/// The longest text of a statement.
pub(crate) const MAX_STATEMENT: usize = 16 << 20;

const PROTOCOL_3: u32 = 3;
const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// What the first packet of a connection asks.
#[derive(Debug, PartialEq)]
pub(crate) enum First {
    Ssl,
    GssEnc,
    Cancel { pid: i32, key: i32 },
    Startup(BTreeMap<String, String>),
}

/// A message after the login.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    Query(Bytes),
    Parse {
        name: Bytes,
        sql: Bytes,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe {
        portal: bool,
        name: Bytes,
    },
    Execute {
        portal: Bytes,
        limit: i32,
    },
    Close {
        portal: bool,
        name: Bytes,
    },
    Flush,
    Sync,
    Terminate,
    /// Of the COPY sub-protocol; left over from a COPY that was refused.
    Copy,
    FunctionCall,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Bind {
    pub portal: Bytes,
    pub statement: Bytes,
    pub param_formats: Vec<i16>,
    pub params: Vec<Option<Bytes>>,
    pub result_formats: Vec<i16>,
}

impl Message {
    /// True for the messages of the extended protocol that are skipped after an error.
    pub(crate) fn is_tag(tag: u8) -> bool {
        b"QPBDECHSXdcfF".contains(&tag)
    }

    /// Reads the body of the message with this tag.
    pub(crate) fn read(tag: u8, body: Bytes) -> Result<Message> {
        let mut r = Reader(body);
        let message = match tag {
            b'Q' => Message::Query(r.cstr()?),
            b'P' => {
                let (name, sql) = (r.cstr()?, r.cstr()?);
                let count = r.count(4)?;
                let types = (0..count).map(|_| r.u32()).collect::<Result<_>>()?;
                Message::Parse { name, sql, types }
            }
            b'B' => Message::Bind(r.bind()?),
            b'D' => Message::Describe {
                portal: r.portal_or_statement()?,
                name: r.cstr()?,
            },
            b'E' => Message::Execute {
                portal: r.cstr()?,
                limit: r.u32()? as i32,
            },
            b'C' => Message::Close {
                portal: r.portal_or_statement()?,
                name: r.cstr()?,
            },
            b'H' => Message::Flush,
            b'S' => Message::Sync,
            b'X' => Message::Terminate,
            b'd' | b'c' | b'f' => return Ok(Message::Copy),
            b'F' => return Ok(Message::FunctionCall),
            other => return Err(violation(format!("invalid frontend message type {other}"))),
        };
        r.end()?;
        Ok(message)
    }
}

impl First {
    /// Reads the body of a first packet (what follows its length).
    pub(crate) fn read(body: Bytes) -> Result<First> {
        let mut r = Reader(body);
        match r.u32()? {
            SSL_REQUEST => Ok(First::Ssl),
            GSSENC_REQUEST => Ok(First::GssEnc),
            CANCEL_REQUEST => Ok(First::Cancel {
                pid: r.u32()? as i32,
                key: r.u32()? as i32,
            }),
            version if version >> 16 == PROTOCOL_3 => {
                let mut keys = BTreeMap::new();
                loop {
                    let key = r.cstr()?;
                    if key.is_empty() {
                        return Ok(First::Startup(keys));
                    }
                    let value = r.cstr()?;
                    keys.insert(text(&key)?.to_string(), text(&value)?.to_string());
                }
            }
            version => Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!(
                    "unsupported frontend protocol {}.{}: server supports 3.0",
                    version >> 16,
                    version & 0xffff
                ),
            )),
        }
    }
}

/// The answer to authentication request 13: digest and client nonce.
pub(crate) fn read_digest_answer(body: Bytes) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut r = Reader(body);
    let digest = r.sized()?.to_vec();
    let nonce = r.sized()?.to_vec();
    Ok((digest, nonce))
}

/// A password message: the text up to its zero.
pub(crate) fn read_password(body: Bytes) -> Result<String> {
    let mut r = Reader(body);
    Ok(text(&r.cstr()?)?.to_string())
}

/// The bytes as text, or 22021.
pub(crate) fn text(bytes: &[u8]) -> Result<&str> {
    lw_pgrepr::param::utf8(bytes)
}

pub(crate) fn violation(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::PROTOCOL_VIOLATION, message)
}

/// Takes values off the front of a message's body.
struct Reader(Bytes);

impl Reader {
    fn need(&self, n: usize) -> Result<()> {
        if self.0.len() < n {
            return Err(violation("insufficient data left in message"));
        }
        Ok(())
    }

    fn u32(&mut self) -> Result<u32> {
        self.need(4)?;
        Ok(self.0.get_u32())
    }

    fn i16(&mut self) -> Result<i16> {
        self.need(2)?;
        Ok(self.0.get_i16())
    }

    /// A count of items of at least `size` bytes each, refused if the message cannot hold them.
    fn count(&mut self, size: usize) -> Result<usize> {
        let count = self.i16()? as u16 as usize;
        self.need(count * size)?;
        Ok(count)
    }

    fn cstr(&mut self) -> Result<Bytes> {
        let end = self.0.iter().position(|b| *b == 0);
        let end = end.ok_or_else(|| violation("invalid string in message"))?;
        let value = self.0.split_to(end);
        self.0.advance(1);
        Ok(value)
    }

    fn sized(&mut self) -> Result<Bytes> {
        let length = self.u32()? as usize;
        self.need(length)?;
        Ok(self.0.split_to(length))
    }

    fn portal_or_statement(&mut self) -> Result<bool> {
        self.need(1)?;
        match self.0.get_u8() {
            b'P' => Ok(true),
            b'S' => Ok(false),
            other => Err(violation(format!("invalid message subtype {other}"))),
        }
    }

    fn formats(&mut self) -> Result<Vec<i16>> {
        let count = self.count(2)?;
        let formats: Vec<i16> = (0..count).map(|_| self.i16()).collect::<Result<_>>()?;
        match formats.iter().find(|f| !(0..=1).contains(*f)) {
            Some(bad) => Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("unsupported format code: {bad}"),
            )),
            None => Ok(formats),
        }
    }

    fn bind(&mut self) -> Result<Bind> {
        let (portal, statement) = (self.cstr()?, self.cstr()?);
        let param_formats = self.formats()?;
        let count = self.count(4)?;
        let mut params = Vec::with_capacity(count);
        for _ in 0..count {
            let length = self.u32()? as i32;
            params.push(match length {
                -1 => None,
                n if n < 0 => return Err(violation("invalid length of a parameter")),
                n => {
                    self.need(n as usize)?;
                    Some(self.0.split_to(n as usize))
                }
            });
        }
        if param_formats.len() > 1 && param_formats.len() != params.len() {
            return Err(violation(format!(
                "bind message has {} parameter formats but {} parameters",
                param_formats.len(),
                params.len()
            )));
        }
        let result_formats = self.formats()?;
        Ok(Bind {
            portal,
            statement,
            param_formats,
            params,
            result_formats,
        })
    }

    fn end(&self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(violation("invalid message format"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(tag: u8, body: &'static [u8]) -> &'static str {
        Message::read(tag, Bytes::from_static(body))
            .unwrap_err()
            .state
            .0
    }

    #[test]
    fn lengths_are_not_believed() {
        assert_eq!(code(b'Q', b"no end"), "08P01");
        assert_eq!(code(b'Q', b"x\0more"), "08P01");
        assert_eq!(code(b'P', b"\0select 1\0\xff\xff"), "08P01");
        assert_eq!(code(b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff"), "08P01");
        assert_eq!(code(b'B', b"\0\0\0\x01\0\x02\0\0\0\0"), "22023");
        assert_eq!(code(b'D', b"Zx\0"), "08P01");
        assert_eq!(code(b'?', b""), "08P01");
    }

    #[test]
    fn first_packets() {
        let read = |body: &[u8]| First::read(Bytes::copy_from_slice(body));
        assert_eq!(read(&SSL_REQUEST.to_be_bytes()).unwrap(), First::Ssl);
        let body = b"\0\x03\0\0user\0u\0_pq_.x\x001\0\0";
        let First::Startup(keys) = read(body).unwrap() else {
            panic!()
        };
        assert_eq!(keys["user"], "u");
        assert_eq!(keys["_pq_.x"], "1");
        assert_eq!(read(b"\0\x02\0\0").unwrap_err().state.0, "0A000");
        assert_eq!(read(b"\0\x03\0\0user\0u\0").unwrap_err().state.0, "08P01");
    }

    #[test]
    fn a_bind() {
        let body = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0";
        let Message::Bind(bind) = Message::read(b'B', Bytes::from_static(body)).unwrap() else {
            panic!()
        };
        assert_eq!(&bind.portal[..], b"p");
        assert_eq!(bind.param_formats, [1]);
        assert_eq!(bind.params, [Some(Bytes::from_static(b"x")), None]);
    }
}
