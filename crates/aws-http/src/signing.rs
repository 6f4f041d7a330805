//! Which AWS service a request is signed for.

use axum::extract::Request;
use http::header;

/// The service's signing name, from the credential scope of signature version 4, in the header or
/// in a presigned URL. Signature version 2 was only ever S3's here.
pub fn service(request: &Request) -> Option<String> {
    if let Some(value) = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
    {
        if value.starts_with("AWS ") {
            return Some("s3".to_string());
        }
        let at = value.find("Credential=")?;
        let scope = value[at + "Credential=".len()..].split([',', ' ']).next()?;
        return of_scope(scope);
    }
    let query = request.uri().query()?;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.eq_ignore_ascii_case("X-Amz-Credential") {
            let value = value.replace("%2F", "/").replace("%2f", "/");
            return of_scope(&value);
        }
        if name == "AWSAccessKeyId" {
            return Some("s3".to_string());
        }
    }
    None
}

/// `key/date/region/service/aws4_request`, from behind, since a key may hold a slash.
fn of_scope(scope: &str) -> Option<String> {
    let mut parts = scope.rsplit('/');
    (parts.next()? == "aws4_request").then_some(())?;
    parts.next().map(str::to_ascii_lowercase)
}

/// True for an unsigned request that only an S3 client sends.
pub fn looks_like_s3(request: &Request, path: &str) -> bool {
    let headers = request.headers();
    headers.contains_key("x-amz-content-sha256")
        || (path != "/"
            && request.method() == http::Method::POST
            && headers
                .get(header::CONTENT_TYPE)
                .and_then(|v| v.to_str().ok())
                .is_some_and(|v| v.starts_with("multipart/form-data")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(uri: &str, authorization: Option<&str>) -> Request {
        let mut builder = http::Request::builder().uri(uri);
        if let Some(value) = authorization {
            builder = builder.header(header::AUTHORIZATION, value);
        }
        builder.body(Body::empty()).unwrap()
    }

    #[test]
    fn the_scope_names_the_service() {
        let header = "AWS4-HMAC-SHA256 Credential=AK/x/20260101/us-east-1/redshift-data/aws4_request, SignedHeaders=host, Signature=0";
        assert_eq!(
            service(&request("/", Some(header))).as_deref(),
            Some("redshift-data")
        );
        let url = "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request";
        assert_eq!(service(&request(url, None)).as_deref(), Some("s3"));
        assert_eq!(service(&request("/b/k", None)), None);
        assert_eq!(service(&request("/", Some("Basic eDp5"))), None);
    }
}
