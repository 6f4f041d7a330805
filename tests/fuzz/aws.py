"""Hostile bodies for the HTTP port's AWS services: forms and JSON, signed rightly, from valid inputs with something
broken in them, and noise. Every answer must be a 4xx (or a success of a request that happens to be right), never a 5xx, and
within seconds; the service must stay up and its memory bounded."""

import json
import os
import pathlib
import string
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import urllib3

from common import main

MODELS = pathlib.Path(__file__).parents[2] / "crates" / "aws-model" / "models"
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
CREDENTIALS = botocore.credentials.Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
# What would stop or slow the service itself is not asked for.
SPARED = {"DeleteWorkgroup", "DeleteNamespace", "UpdateWorkgroup", "UpdateNamespace", "RestoreFromSnapshot", "RestoreFromRecoveryPoint"}


def models():
    return [json.loads(path.read_text()) for path in sorted(MODELS.glob("*.json"))]


class Maker:
    def __init__(self, rng):
        self.rng, self.models = rng, models()

    def text(self, shape):
        rng = self.rng
        if "enum" in shape and rng.random() < 0.7:
            return rng.choice(shape["enum"])
        return rng.choice([
            "", "a", "default", "x" * rng.choice([1, 63, 64, 256, 3000]), "arn:aws:redshift:us-east-1:000000000000:cluster:c",
            "\u0000", "\ud7ff\u00e9\U0001f600", "%s%n", "' OR 1=1 --", "../../etc/passwd", "${aws:username}", "2024-01-01T00:00:00Z",
            "cron(0 12 * * ? *)", "rate(1 minute)", "{}", "[", "true", "-1",
            "".join(rng.choices(string.printable, k=rng.randrange(40))),
        ])  # fmt: skip

    def value(self, api, name, depth=0):
        rng, s = self.rng, api["shapes"][name]
        if rng.random() < 0.03:
            return rng.choice([None, 0, "", [], {}, "x", -1, 1e300, True, [[]], {"a": {"b": []}}])
        match s["type"]:
            case "structure":
                out = {}
                for member, ref in s["members"].items():
                    if member in s.get("required", []) and rng.random() < 0.95 or rng.random() < (0.3 if depth < 3 else 0.05):
                        out[ref.get("locationName", member)] = self.value(api, ref["shape"], depth + 1)
                return out
            case "list":
                return [self.value(api, s["member"]["shape"], depth + 1) for _ in range(rng.choice([0, 1, 1, 2, 200 if depth < 2 else 3]))]
            case "map":
                return {str(self.text({})): self.value(api, s["value"]["shape"], depth + 1) for _ in range(rng.randrange(3))}
            case "integer" | "long":
                return rng.choice([0, 1, 20, 100, -1, 2**31, 2**63 - 1, 2**63, -(2**63)])
            case "float" | "double":
                return rng.choice([0.0, -1.5, 1e308])
            case "boolean":
                return rng.random() < 0.5
            case "timestamp":
                return rng.choice([0, 1.7e9, -1e18, 1e18, "2024-01-01T00:00:00Z", "x"])
            case _:
                return self.text(s)

    def form(self, api, name, value, prefix, out):
        s = api["shapes"].get(name, {})
        if isinstance(value, dict):
            members = {r.get("locationName", m): r["shape"] for m, r in s.get("members", {}).items()}
            for i, (key, inner) in enumerate(value.items()):
                if s.get("type") == "map":
                    out.append((f"{prefix}.entry.{i + 1}.key", key))
                    self.form(api, s["value"]["shape"], inner, f"{prefix}.entry.{i + 1}.value", out)
                else:
                    self.form(api, members.get(key, ""), inner, f"{prefix}.{key}" if prefix else key, out)
        elif isinstance(value, list):
            item = s.get("member", {}).get("locationName", "member")
            if not value:
                out.append((prefix, ""))
            for i, inner in enumerate(value):
                self.form(api, s.get("member", {}).get("shape", ""), inner, f"{prefix}.{item}.{i + 1}", out)
        else:
            out.append((prefix, str(value).lower() if isinstance(value, bool) else str(value)))

    def request(self):
        rng = self.rng
        api = rng.choice(self.models)
        name = rng.choice([o for o in api["operations"] if o not in SPARED])
        operation = api["operations"][name]
        value = self.value(api, operation["input"]) if "input" in operation else {}
        signing = api.get("signingName", api.get("endpointPrefix"))
        if api["protocol"] == "query":
            pairs = [("Action", name), ("Version", api["apiVersion"])]
            self.form(api, operation.get("input", ""), value, "", pairs)
            if rng.random() < 0.1:
                pairs.append((".".join("x" * rng.choice([1, 40])), "y"))
            body = urllib.parse.urlencode(pairs, errors="replace").encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        else:
            body = json.dumps(value).encode()
            headers = {"Content-Type": f"application/x-amz-json-{api['jsonVersion']}", "X-Amz-Target": f"{api['targetPrefix']}.{name}"}
        if rng.random() < 0.15:
            # Broken bytes: cut, flipped, or noise.
            body = bytearray(body or b"x")
            match rng.randrange(4):
                case 0:
                    body = body[: rng.randrange(len(body))]
                case 1:
                    body[rng.randrange(len(body))] = rng.randrange(256)
                case 2:
                    body = bytearray(rng.randbytes(rng.randrange(200)))
                case _:
                    body = bytearray(b"[" * rng.choice([100, 100_000]))
            body = bytes(body)
        request = botocore.awsrequest.AWSRequest("POST", ENDPOINT + "/", headers=headers, data=body)
        botocore.auth.SigV4Auth(CREDENTIALS, signing, "us-east-1").add_auth(request)
        return f"{api['service']}.{name}", body, dict(request.headers)


def worker(target, rng, stop, counts):
    maker = Maker(rng)
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(30))
    while not stop.is_set():
        what, body, headers = maker.request()
        answer = pool.request("POST", ENDPOINT + "/", body=body, headers=headers, retries=False)
        status = str(answer.status)
        counts[status] = counts.get(status, 0) + 1
        # Mistakes of the caller are 4xx; a rare 503 says "wait".
        if answer.status >= 500 and answer.status != 503:
            counts.setdefault("problems", []).append(f"{what}: {body[:300]!r} gave {answer.status} {answer.data[:300]!r}")
            if len(counts["problems"]) > 50:
                stop.set()


if __name__ == "__main__":
    main("aws", worker)
