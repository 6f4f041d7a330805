//! CREATE, ALTER, DROP, COMMENT: plans to catalog changes.
