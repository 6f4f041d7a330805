//! Messages to clients, appended to a buffer.

use bytes::{BufMut, BytesMut};
use lw_base::SqlError;
use lw_pgrepr::SqlType;
use lw_services::{ColumnDesc, Notice, TransactionStatus};

/// Messages to one client, at its protocol version.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub buf: BytesMut,
    /// `server_protocol_version`: 0 for clients that name none.
    pub protocol: i16,
}

impl Out {
    /// Appends a message; `body` appends what follows its length.
    pub(crate) fn message(&mut self, tag: u8, body: impl FnOnce(&mut BytesMut)) {
        self.buf.put_u8(tag);
        let at = self.buf.len();
        self.buf.put_u32(0);
        body(&mut self.buf);
        let length = (self.buf.len() - at) as u32;
        self.buf[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }

    pub(crate) fn empty(&mut self, tag: u8) {
        self.message(tag, |_| {});
    }

    pub(crate) fn authentication(&mut self, code: i32, more: &[u8]) {
        self.message(b'R', |b| {
            b.put_i32(code);
            b.put_slice(more);
        });
    }

    pub(crate) fn parameter_status(&mut self, name: &str, value: &str) {
        self.message(b'S', |b| {
            cstr(b, name);
            cstr(b, value);
        });
    }

    /// Exactly 12 bytes with its length: longer keys break the Redshift drivers.
    pub(crate) fn backend_key_data(&mut self, pid: i32, key: i32) {
        self.message(b'K', |b| {
            b.put_i32(pid);
            b.put_i32(key);
        });
    }

    pub(crate) fn ready(&mut self, status: TransactionStatus) {
        let status = match status {
            TransactionStatus::Idle => b'I',
            TransactionStatus::InBlock => b'T',
            TransactionStatus::Failed => b'E',
        };
        self.message(b'Z', |b| b.put_u8(status));
    }

    pub(crate) fn command_complete(&mut self, tag: &str) {
        self.message(b'C', |b| cstr(b, tag));
    }

    pub(crate) fn parameter_description(&mut self, oids: &[u32]) {
        self.message(b't', |b| {
            b.put_u16(oids.len() as u16);
            for oid in oids {
                b.put_u32(*oid);
            }
        });
    }

    /// RowDescription. `format` gives each column's format code. From protocol version 1 on each
    /// field is followed by where it comes from and by flags.
    pub(crate) fn row_description(
        &mut self,
        columns: &[ColumnDesc],
        format: impl Fn(usize) -> i16,
    ) {
        let protocol = self.protocol;
        self.message(b'T', |b| {
            b.put_u16(columns.len() as u16);
            for (i, column) in columns.iter().enumerate() {
                let origin = column.origin.as_ref();
                cstr(b, &column.name);
                b.put_u32(origin.map_or(0, |o| o.table_oid));
                b.put_i16(origin.map_or(0, |o| o.column));
                b.put_u32(column.sql_type.oid());
                b.put_i16(column.sql_type.typlen());
                b.put_i32(column.sql_type.typmod());
                b.put_i16(format(i));
                if protocol >= 1 {
                    cstr(b, origin.map_or("", |o| &o.schema_name));
                    cstr(b, origin.map_or("", |o| &o.table_name));
                    cstr(b, origin.map_or("", |o| &o.column_name));
                    cstr(b, origin.map_or("", |o| &o.catalog_name));
                    b.put_u16(flags(column, protocol));
                }
            }
        });
    }

    pub(crate) fn error(&mut self, error: &SqlError, offset: u32) {
        let severity = if error.fatal { "FATAL" } else { "ERROR" };
        self.message(b'E', |b| fields(b, severity, error, offset));
    }

    pub(crate) fn notice(&mut self, notice: &Notice) {
        self.message(b'N', |b| fields(b, notice.severity, &notice.message, 0));
    }
}

fn flags(column: &ColumnDesc, protocol: i16) -> u16 {
    const NOT_NULL: u16 = 1;
    const CASE_SENSITIVE: u16 = 1 << 1;
    const AUTO_INCREMENT: u16 = 1 << 4;
    const READ_ONLY: u16 = 1 << 8;
    const SEARCHABLE: u16 = 1 << 12;
    let mut flags = SEARCHABLE;
    if column.not_null {
        flags |= NOT_NULL;
    }
    let text = matches!(
        column.sql_type,
        SqlType::Char(_) | SqlType::Varchar(_) | SqlType::Text
    );
    if protocol >= 3 && text {
        flags |= CASE_SENSITIVE;
    }
    match &column.origin {
        Some(origin) if origin.auto_increment => flags |= AUTO_INCREMENT,
        Some(_) => {}
        None => flags |= READ_ONLY,
    }
    flags
}

fn fields(b: &mut BytesMut, severity: &str, error: &SqlError, offset: u32) {
    let mut put = |code: u8, value: &str| {
        b.put_u8(code);
        cstr(b, value);
    };
    put(b'S', severity);
    put(b'V', severity);
    put(b'C', error.state.0);
    put(b'M', &error.message);
    if let Some(detail) = &error.detail {
        put(b'D', detail);
    }
    if let Some(hint) = &error.hint {
        put(b'H', hint);
    }
    if let Some(position) = error.position {
        put(b'P', &position.saturating_add(offset).to_string());
    }
    if let Some(context) = &error.context {
        put(b'W', context);
    }
    b.put_u8(0);
}

/// A zero would end the string early, so one inside it is left out.
fn cstr(b: &mut BytesMut, text: &str) {
    if text.contains('\0') {
        b.put_slice(text.replace('\0', "").as_bytes());
    } else {
        b.put_slice(text.as_bytes());
    }
    b.put_u8(0);
}
