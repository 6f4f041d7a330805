"""Random and mutated packets."""

import hashlib
import select
import socket
import struct

from common import main

STATEMENTS = [
    "SELECT 1", "SELECT 'x', 1.5, NULL", "BEGIN", "COMMIT", "ROLLBACK", "", ";;", "SELECT * FROM pg_class",
    "SELECT $1::int", "SELECT $1, $2", "SELECT 1; SELECT 2", "SET timezone TO 'UTC'", "SHOW timezone", "nonsense",
    "CREATE TEMP TABLE f (a int, b varchar(10))", "INSERT INTO f VALUES ($1, $2)", "SELECT a, b FROM f", "DROP TABLE f",
]  # fmt: skip
OIDS = [0, 16, 20, 21, 23, 25, 700, 701, 705, 1043, 1082, 1114, 1184, 1700, 17, 1005, 4294967295]


def message(tag, body):
    return tag + struct.pack(">I", len(body) + 4) + body


def text(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(STATEMENTS).encode()
    if kind == 1:
        return rng.randbytes(rng.randrange(40)).replace(b"\0", b"")
    if kind == 2:
        return b"x" * rng.choice([1, 100, 10_000])
    return rng.choice([b"", b"s1", b"s2", b"p1"])


def startup(rng, user=b"awsuser"):
    keys = [(b"user", user), (b"database", b"dev")]
    extra = [
        (b"client_protocol_version", rng.choice([b"0", b"1", b"2", b"3", b"99", b"x"])),
        (b"_pq_.compression", b"lz4"), (b"application_name", text(rng)), (b"options", b"-c timezone=UTC"),
        (b"DateStyle", b"ISO"), (b"extra_float_digits", rng.choice([b"2", b"x"])), (text(rng) or b"k", text(rng)),
    ]  # fmt: skip
    keys += rng.sample(extra, rng.randrange(4))
    body = struct.pack(">I", 3 << 16) + b"".join(k + b"\0" + v + b"\0" for k, v in keys) + b"\0"
    return struct.pack(">I", len(body) + 4) + body


def one(rng):
    """A message that is well formed, though it may make no sense here."""
    kind = rng.choice("QQPPPBBBDDEEECHSSSSXFdcfp")
    name, other = text(rng), rng.choice([b"", b"s1", b"p1"])
    if kind == "Q":
        return message(b"Q", text(rng) + b"\0")
    if kind == "P":
        types = [rng.choice(OIDS) for _ in range(rng.randrange(3))]
        return message(
            b"P", other + b"\0" + text(rng) + b"\0" + struct.pack(f">H{len(types)}I", len(types), *types)
        )
    if kind == "B":
        values = [rng.choice([None, b"", b"1", rng.randbytes(8), b"\0\0\0\1", text(rng)]) for _ in range(rng.randrange(3))]
        formats = [rng.choice([0, 1, 7]) for _ in range(rng.choice([0, 1, len(values)]))]
        results = [rng.choice([0, 1]) for _ in range(rng.choice([0, 0, 1, 2]))]
        body = name + b"\0" + other + b"\0" + struct.pack(f">H{len(formats)}h", len(formats), *formats)
        body += struct.pack(">H", len(values))
        for value in values:
            body += struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
        return message(b"B", body + struct.pack(f">H{len(results)}h", len(results), *results))
    if kind == "D" or kind == "C":
        return message(kind.encode(), rng.choice([b"S", b"P", b"Z"]) + other + b"\0")
    if kind == "E":
        return message(b"E", other + b"\0" + struct.pack(">i", rng.choice([0, 1, -1, 2**31 - 1])))
    if kind in "HSXcX":
        return message(kind.encode(), b"")
    return message(kind.encode(), rng.randbytes(rng.randrange(30)))


def spoil(rng, data):
    """Bytes gone wrong."""
    data = bytearray(data)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        if not data:
            break
        at = rng.randrange(len(data))
        kind = rng.randrange(6)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 2:
            del data[at : at + rng.randrange(1, 9)]
        elif kind == 3 and len(data) >= 5:
            data[1:5] = struct.pack(">I", rng.choice([0, 3, 4, 5, 100, 9_999, 2**20, 2**26 + 5, 2**31, 2**32 - 1]))
        elif kind == 4:
            data = data[:at]
        else:
            data += data[at:]
    return bytes(data)


def drain(sock, seconds):
    """Reads what comes, so that the server is not only waiting; false if the connection has ended."""
    while select.select([sock], [], [], seconds)[0]:
        try:
            if not sock.recv(65536):
                return False
        except OSError:
            return False
        seconds = 0
    return True


def exactly(sock, n):
    data = b""
    while len(data) < n:
        piece = sock.recv(n - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def login(target, rng, sock):
    """An honest login; raises ConnectionError if the startup keys were refused."""
    sock.sendall(startup(rng))
    stored = hashlib.md5((target.password + target.user).encode()).hexdigest()
    while True:
        tag, length = struct.unpack(">cI", exactly(sock, 5))
        body = exactly(sock, length - 4)
        if tag == b"E":
            raise ConnectionError
        if tag == b"Z":
            return
        if tag != b"R":
            continue
        code = struct.unpack(">I", body[:4])[0]
        if code == 5:
            answer = b"md5" + hashlib.md5(stored.encode() + body[4:]).hexdigest().encode()
            sock.sendall(message(b"p", answer + b"\0"))
        elif code == 3:
            sock.sendall(message(b"p", target.password.encode() + b"\0"))
        elif code == 13:
            n = struct.unpack(">I", body[8:12])[0]
            salt, nonce = body[12 : 12 + n], body[16 + n :]
            inner = hashlib.sha256(target.password.encode() + salt).digest()
            digest = hashlib.sha256(inner + nonce + b"1").digest()
            sock.sendall(message(b"d", struct.pack(">I", 32) + digest + struct.pack(">I", 1) + b"1"))


def worker(target, rng, stop, counts):
    sock = socket.create_connection((target.host, target.port), timeout=10)
    try:
        kind = rng.choice(["noise", "startup", "tls", "cancel", "session", "session", "session", "session"])
        counts[kind] = counts.get(kind, 0) + 1
        if kind == "noise":
            sock.sendall(rng.randbytes(rng.choice([1, 8, 100, 20_000])))
            drain(sock, 0.02)
        elif kind == "startup":
            sock.sendall(spoil(rng, startup(rng)))
            drain(sock, 0.02)
            sock.sendall(spoil(rng, message(b"p", b"md5" + rng.randbytes(16).hex().encode() + b"\0")))
            drain(sock, 0.02)
        elif kind == "tls":
            sock.sendall(struct.pack(">II", 8, rng.choice([80877103, 80877104])))
            drain(sock, 0.05)
            sock.sendall(rng.choice([rng.randbytes(200), b"\x16\x03\x01\x00\xc8" + rng.randbytes(200), startup(rng)]))
            drain(sock, 0.02)
        elif kind == "cancel":
            sock.sendall(struct.pack(">IIII", 16, 80877102, rng.randrange(2**32), rng.randrange(2**32)))
            drain(sock, 0.02)
        else:
            login(target, rng, sock)
            for _ in range(rng.randrange(1, 30)):
                batch = b"".join(one(rng) for _ in range(rng.randrange(1, 6)))
                sock.sendall(spoil(rng, batch) if rng.random() < 0.4 else batch)
                counts["batches"] = counts.get("batches", 0) + 1
                if stop.is_set() or not drain(sock, rng.choice([0, 0.005, 0.05])):
                    break
    except (ConnectionError, TimeoutError, socket.timeout):
        counts["ended"] = counts.get("ended", 0) + 1
    finally:
        if rng.random() < 0.3:
            # Reset instead of a goodbye.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


if __name__ == "__main__":
    main("wire", worker)
