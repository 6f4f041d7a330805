//! SET, RESET and SHOW of settings.
