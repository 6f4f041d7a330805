//! An error of an operation, in the words of its service.

use std::fmt;

/// An error that goes to the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// Name of the shape (`ClusterNotFoundFault`): what the JSON protocols send.
    pub shape: String,
    /// Code of the query protocol (`ClusterNotFound`).
    pub code: String,
    /// HTTP status.
    pub status: u16,
    /// Text for a person: what is wrong, where, how to mend it.
    pub message: String,
    /// Further members of the shape (`resourceName`), JSON protocols only.
    pub members: Vec<(String, String)>,
}

impl ApiError {
    /// An error of a modelled shape. The functions in each service's `errors` call it.
    pub fn of(shape: &str, code: &str, status: u16, message: impl Into<String>) -> ApiError {
        ApiError {
            shape: shape.into(),
            code: code.into(),
            status,
            message: message.into(),
            members: Vec::new(),
        }
    }

    /// An error that the models leave out because every service has it; the same word in all
    /// protocols.
    pub fn common(code: &str, status: u16, message: impl Into<String>) -> ApiError {
        ApiError::of(code, code, status, message)
    }

    /// Input that breaks the model or a rule of the operation: `InvalidParameterValue` for the query
    /// protocol, `ValidationException` for JSON.
    pub fn validation(message: impl Into<String>) -> ApiError {
        ApiError::of("ValidationException", "InvalidParameterValue", 400, message)
    }

    /// Members that exclude each other, or one that another needs.
    pub fn combination(message: impl Into<String>) -> ApiError {
        ApiError::of(
            "ValidationException",
            "InvalidParameterCombination",
            400,
            message,
        )
    }

    /// What Longwave does not do yet. Never a success.
    pub fn unsupported(what: impl fmt::Display) -> ApiError {
        ApiError::of(
            "ValidationException",
            "UnsupportedOperation",
            400,
            format!("{what} is not supported by Longwave yet."),
        )
    }

    /// The caller may not do this.
    pub fn denied(message: impl Into<String>) -> ApiError {
        ApiError::of("AccessDeniedException", "AccessDenied", 403, message)
    }

    /// Too many requests; clients wait and ask again.
    pub fn throttled(message: impl Into<String>) -> ApiError {
        ApiError::of("ThrottlingException", "Throttling", 400, message)
    }

    /// A failure of ours.
    pub fn internal(message: impl fmt::Display) -> ApiError {
        ApiError::of(
            "InternalServerException",
            "InternalFailure",
            500,
            message.to_string(),
        )
    }

    /// With another member.
    pub fn with(mut self, member: &str, value: impl Into<String>) -> ApiError {
        self.members.push((member.into(), value.into()));
        self
    }

    /// True if the caller is at fault.
    pub fn senders(&self) -> bool {
        self.status < 500
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}
