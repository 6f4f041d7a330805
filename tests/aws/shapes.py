"""Every answer that boto3 receives in these tests is held against the service models, before boto3 reads it: boto3
itself ignores unknown members, names of list items and the form of times."""

import base64
import json
import pathlib
import re
import xml.etree.ElementTree as ElementTree

MODELS = pathlib.Path(__file__).parents[2] / "crates" / "aws-model" / "models"
GENERIC = {
    "AccessDenied", "AccessDeniedException", "InternalFailure", "InternalServerException", "InvalidAction", "InvalidParameterValue",
    "InvalidParameterCombination", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidClientTokenId",
    "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature",
    "IncompleteSignatureException", "RequestExpired", "ValidationError", "ValidationException", "Throttling",
    "ThrottlingException", "SerializationException", "MalformedInput", "ExpiredToken", "ExpiredTokenException",
    "UnsupportedOperation", "UnknownOperationException", "MissingParameter",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def models():
    return {path.stem: json.loads(path.read_text()) for path in MODELS.glob("*.json")}


class Checker:
    def __init__(self):
        self.models = models()
        self.problems = []
        # (service, operation) -> {"success": n, "error": n}
        self.seen = {}

    def watch(self, session):
        session.events.register("before-parse", self.received)

    def received(self, operation_model, response_dict, **_):
        service = operation_model.service_model.service_name
        service = {"events": "events"}.get(service, service)
        api = self.models.get(service)
        if api is None:
            return
        name, status = operation_model.name, response_dict["status_code"]
        kind = "success" if status < 300 else "error"
        self.seen.setdefault((service, name), {"success": 0, "error": 0})[kind] += 1
        look = self.xml if api["protocol"] == "query" else self.json
        for problem in look(api, name, status, response_dict):
            self.problems.append(f"{service}.{name} ({status}): {problem}")

    # JSON

    def json(self, api, name, status, response):
        headers = {k.lower(): v for k, v in response["headers"].items()}
        if headers.get("content-type") != f"application/x-amz-json-{api['jsonVersion']}":
            yield f"content type {headers.get('content-type')}"
        if "x-amzn-requestid" not in headers:
            yield "no request id"
        body = json.loads(response["body"])
        if status < 300:
            output = api["operations"][name].get("output")
            if output:
                yield from check(api, output, body)
            elif body:
                yield f"members of an operation without output: {body}"
            return
        kind = body.get("__type", "").split("#")[-1]
        if kind not in api["operations"][name].get("errors", []) and kind not in GENERIC:
            yield f"error {kind} is not one of the operation's"
        if not (body.get("message") or body.get("Message")):
            yield f"error {kind} without a text"
        shape = api["shapes"].get(kind)
        if shape and status != status_of(shape):
            yield f"error {kind} with status {status}, not {status_of(shape)}"

    # Query

    def xml(self, api, name, status, response):
        headers = {k.lower(): v for k, v in response["headers"].items()}
        if not headers.get("content-type", "").startswith("text/xml"):
            yield f"content type {headers.get('content-type')}"
        root = ElementTree.fromstring(response["body"])
        space = "{" + api["xmlNamespace"] + "}"
        for element in root.iter():
            if not element.tag.startswith(space):
                yield f"{element.tag} is not in the namespace"
            element.tag = element.tag.removeprefix(space)
        if status < 300:
            if root.tag != f"{name}Response":
                yield f"root {root.tag}"
            tags = [child.tag for child in root]
            operation = api["operations"][name]
            wrapper = operation.get("resultWrapper")
            expected = ([wrapper] if operation.get("output") else []) + ["ResponseMetadata"]
            if tags != expected:
                yield f"children {tags}, not {expected}"
            elif operation.get("output"):
                yield from walk(api, operation["output"], root[0])
            if root.find("ResponseMetadata/RequestId") is None:
                yield "no request id"
            return
        code, message = root.findtext("Error/Code"), root.findtext("Error/Message")
        if root.tag != "ErrorResponse" or not code or not message or root.find("RequestId") is None:
            yield f"an error of another form: {response['body'][:200]}"
        codes = {
            api["shapes"][e]["exception"].get("code", e): api["shapes"][e] for e in api["operations"][name].get("errors", [])
        }
        if code not in codes and code not in GENERIC:
            yield f"error {code} is not one of the operation's"
        if code in codes and status != status_of(codes[code]):
            yield f"error {code} with status {status}, not {status_of(codes[code])}"


def status_of(shape):
    exception = shape["exception"]
    return exception.get("httpStatusCode", 500 if exception.get("fault") else 400)


def check(api, name, v, at="$"):
    """Problems of decoded JSON."""
    s = api["shapes"][name]
    t = s["type"]
    if t == "structure" and isinstance(v, dict) and not s.get("document"):
        wire = {r.get("locationName", m): r["shape"] for m, r in s["members"].items()}
        bad = [f"{at}.{k}: unknown" for k in v if k not in wire]
        bad += [f"{at}.{m}: missing" for m in s.get("required", []) if s["members"][m].get("locationName", m) not in v]
        if s.get("union") and len(v) != 1:
            bad.append(f"{at}: union of {len(v)}")
        return bad + [e for k in v if k in wire for e in check(api, wire[k], v[k], f"{at}.{k}")]
    if t == "list" and isinstance(v, list):
        return [e for i, x in enumerate(v) for e in check(api, s["member"]["shape"], x, f"{at}[{i}]")]
    if t == "map" and isinstance(v, dict):
        return [e for k, x in v.items() for e in check(api, s["value"]["shape"], x, f"{at}.{k}")]
    if t == "timestamp" and s.get("timestampFormat") == "iso8601":
        return [] if isinstance(v, str) and ISO.fullmatch(v) else [f"{at}: bad time {v!r}"]
    want = {
        "string": str, "blob": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float),
        "timestamp": (int, float),
    }.get(t, dict if s.get("document") else ())  # fmt: skip
    ok = isinstance(v, want) and (t == "boolean" or not isinstance(v, bool)) and ("enum" not in s or v in s["enum"])
    return [] if ok else [f"{at}: bad {t} {v!r}"]


def walk(api, name, element, at="$"):
    """Problems of an XML element."""
    s = api["shapes"][name]
    t = s["type"]
    text = element.text or ""
    if t == "structure":
        wire = {r.get("locationName", m): r["shape"] for m, r in s["members"].items()}
        tags = [child.tag for child in element]
        bad = [f"{at}.{tag}: unknown" for tag in tags if tag not in wire]
        bad += [f"{at}.{tag}: twice" for tag in set(tags) if tags.count(tag) > 1]
        bad += [f"{at}.{m}: missing" for m in s.get("required", []) if s["members"][m].get("locationName", m) not in tags]
        return bad + [e for c in element if c.tag in wire for e in walk(api, wire[c.tag], c, f"{at}.{c.tag}")]
    if t == "list":
        item = s["member"].get("locationName", "member")
        bad = [f"{at}: item {child.tag}, not {item}" for child in element if child.tag != item]
        return bad + [e for i, c in enumerate(element) for e in walk(api, s["member"]["shape"], c, f"{at}[{i}]")]
    if t == "map":
        key, value = s["key"].get("locationName", "key"), s["value"].get("locationName", "value")
        bad = []
        for entry in element:
            if entry.tag != "entry" or [child.tag for child in entry] != [key, value]:
                bad.append(f"{at}: a map's entry of another form")
            else:
                bad += walk(api, s["value"]["shape"], entry[1], f"{at}.{entry[0].text}")
        return bad
    if len(element):
        return [f"{at}: elements in a {t}"]
    ok = {
        "boolean": lambda: text in ("true", "false"),
        "integer": lambda: int(text) is not None,
        "long": lambda: int(text) is not None,
        "float": lambda: float(text) is not None,
        "double": lambda: float(text) is not None,
        "timestamp": lambda: TIME.fullmatch(text) is not None,
        "blob": lambda: base64.b64decode(text, validate=True) is not None,
        "string": lambda: "enum" not in s or text in s["enum"],
    }[t]
    try:
        return [] if ok() else [f"{at}: bad {t} {text!r}"]
    except ValueError:
        return [f"{at}: bad {t} {text!r}"]
