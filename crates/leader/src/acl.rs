//! ALTER, CREATE and DROP of users and groups, GRANT and REVOKE: plans to catalog changes.
