//! Redshift's types as clients and Arrow see them: OIDs, typmods, names, the Arrow type each is
//! held in, and the text and binary forms of values on the wire.
//!
//! What it must never know: the catalog, SQL text, sockets. It sees `base` alone.
//!
//! Where to start: [`SqlType`]; then [`Column`], which writes values, and [`decode_param`], which
//! reads them.

pub mod binary;
pub mod column;
pub mod datetime;
pub mod float;
pub mod numeric;
pub mod param;
pub mod parse_datetime;
pub mod text;
pub mod types;
pub mod zone;

pub use binary::NumericForm;
pub use column::Column;
pub use param::decode_param;
pub use text::TextOptions;
pub use types::SqlType;
pub use zone::Zone;
