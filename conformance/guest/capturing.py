"""Runs capture.sh in namespaces of its own, with interfaces, a metadata service and a DynamoDB made for the test.

This file is also the program that runs inside the namespaces: `capturing.py inside` reads a job as JSON from its
standard input, and prints the outcome as JSON.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "guest"
CAPTURE = SCRIPTS / "capture.sh"

MAC = "06:93:3d:7a:be:69"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ACCESS_KEY = "ASIAIOSFODNN7EXAMPLE"
SESSION = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaDmFwLW5vcnRoZWFzdC0x/+=="
TOKEN = "AQAEAExampleToken-_0123456789=="
CREDENTIALS = {
    "Code": "Success",
    "Type": "AWS-HMAC",
    "AccessKeyId": ACCESS_KEY,
    "SecretAccessKey": SECRET_KEY,
    "Token": SESSION,
    "Expiration": "2099-01-01T00:00:00Z",
}
IDENTITY = {
    "accountId": "123456789012",
    "architecture": "x86_64",
    "availabilityZone": "ap-northeast-1a",
    "instanceId": "i-00f14272f95c75b08",
    "privateIp": "172.30.1.10",
    "region": "ap-northeast-1",
    "marketplaceProductCodes": None,
}
METADATA = {
    "/latest/dynamic/instance-identity/document": json.dumps(IDENTITY, indent=2),
    "/latest/meta-data/tags/instance/Name": "web-01",
    "/latest/meta-data/iam/security-credentials/": "stayput-guest",
    "/latest/meta-data/iam/security-credentials/stayput-guest": json.dumps(CREDENTIALS, indent=2),
}
# Addresses of the interfaces inside.
NETWORK = [
    "ip link set lo up",
    "ip link add eth0 type veth peer name far0",
    f"ip link set eth0 address {MAC}",
    "ip link set far0 up",
    "ip link set eth0 up",
    "ip addr add 172.30.1.10/24 brd + dev eth0 valid_lft 3000 preferred_lft 3000",
    "ip addr add 172.30.1.110/24 dev eth0",
    "ip addr add 172.30.1.11/24 dev eth0",
    "ip addr add 2001:db8::10/64 dev eth0 nodad",
    "ip route add default via 172.30.1.1 dev eth0 proto dhcp metric 100",
    "ip route add 10.0.0.0/16 via 172.30.1.1 dev eth0",
    "ip route add default via 172.30.1.1 dev eth0 table 10001",
    "ip rule add from 172.30.1.110 lookup 10001 priority 10001",
    # The metadata service.
    "ip link add imds0 type veth peer name imds1",
    "ip link set imds1 up",
    "ip link set imds0 up",
    "ip addr add 169.254.169.254/32 dev imds0",
]


class Metadata(http.server.BaseHTTPRequestHandler):
    """The instance metadata service, version 2 only."""

    protocol_version = "HTTP/1.1"

    def answer(self, code, text=""):
        self.server.seen.append([self.command, self.path, code])
        body = text.encode("utf-8", "surrogateescape")
        self.send_response(code)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.server.off or "X-Forwarded-For" in self.headers:
            return self.answer(403)
        if self.path != "/latest/api/token" or not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            return self.answer(400)
        return self.answer(200, TOKEN)

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            return self.answer(401)
        found = self.server.data.get(self.path)
        return self.answer(404) if found is None else self.answer(200, found)

    def log_message(self, *arguments):
        pass


class Table(http.server.BaseHTTPRequestHandler):
    """DynamoDB: records requests. The test checks the signatures."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append({"path": self.path, "headers": list(self.headers.items()), "body": body})
        code, text = self.server.answers[min(len(self.server.seen), len(self.server.answers)) - 1]
        self.send_response(code)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


class Server(socketserver.ThreadingTCPServer):
    """Not HTTPServer, which asks a name server for the name of its address."""

    daemon_threads = True
    allow_reuse_address = True


def inside(job):
    """Runs in the namespaces: prepares network and mounts, runs the command and returns its outcome."""
    if job["namespaces"]:
        for command in job["network"]:
            subprocess.run(command.split(), check=True)
        subprocess.run(["mount", "--bind", job["base"], "/mnt"], check=True)
        for place in ("/tmp", "/var/tmp", "/dev/shm"):
            if os.path.isdir(place):
                subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
        # Not everywhere allowed; interfaces are then without driver and device.
        subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=False, stderr=subprocess.DEVNULL)
        for program in job["hidden"]:
            for place in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
                if os.path.exists(f"{place}/{program}"):
                    subprocess.run(["mount", "--bind", "/dev/null", f"{place}/{program}"], check=True)
        base = "/mnt"
        if job["readonly"]:
            subprocess.run(["mount", "-o", "remount,bind,ro", "/mnt"], check=True)
    else:
        base = job["base"]
    os.chdir("/")
    servers = []
    environment = {name: value.replace("{base}", base) for name, value in job["environment"].items()}
    address = "169.254.169.254" if job["namespaces"] else "127.0.0.1"
    imds = None
    if job["imds"]:
        imds = Server((address, 80 if job["namespaces"] else 0), Metadata)
        imds.seen, imds.data, imds.off = [], job["metadata"], job["imds"] == "off"
        servers.append(imds)
        if not job["namespaces"]:
            environment["STAYPUT_IMDS"] = f"http://127.0.0.1:{imds.server_address[1]}"
    elif not job["namespaces"]:
        environment["STAYPUT_IMDS"] = "http://127.0.0.1:9"
    table = None
    if job["table"]:
        table = Server(("127.0.0.1", 0), Table)
        table.seen, table.answers = [], job["table"]
        servers.append(table)
        environment["STAYPUT_DYNAMODB"] = f"http://127.0.0.1:{table.server_address[1]}"
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    others = [
        subprocess.Popen([part.replace("{base}", base) for part in command], **quiet) for command in job["beside"]
    ]
    if others:
        time.sleep(0.3)
    began = time.monotonic()
    command = [part.replace("{base}", base) for part in job["command"]]
    try:
        with open(f"{base}/capture.sh", "rb") if job["stdin"] else contextlib.nullcontext(subprocess.DEVNULL) as source:
            done = subprocess.run(command, env=environment, capture_output=True, stdin=source, check=False, timeout=200)
    finally:
        for other in others:
            os.killpg(other.pid, signal.SIGKILL)
    left = []
    if job["namespaces"]:
        places = [place for place in ("/tmp", "/var/tmp", "/dev/shm") if os.path.isdir(place)]
        left = [f"{place}/{name}" for place in places for name in os.listdir(place)]
    return {
        "code": done.returncode,
        "stdout": base64.b64encode(done.stdout).decode(),
        "stderr": done.stderr.decode("utf-8", "replace"),
        "seconds": time.monotonic() - began,
        "left": left,
        "imds": imds.seen if imds else [],
        "table": table.seen if table else [],
    }


def possible():
    """Why namespaces cannot be used, or an empty text."""
    if not shutil.which("unshare"):
        return "unshare is not installed"
    probe = "ip link add probe0 type veth peer name probe1 && mount -t tmpfs tmpfs /mnt"
    done = subprocess.run(["unshare", "-rnm", "sh", "-c", probe], capture_output=True, text=True, check=False)
    return done.stderr.strip() or "it is not permitted" if done.returncode else ""


REASON = possible()


class Outcome:
    """What a run printed."""

    def __init__(self, raw, job):
        self.raw = raw
        self.code = raw["code"]
        self.out = base64.b64decode(raw["stdout"])
        self.stderr = raw["stderr"]
        self.left = raw["left"]
        self.imds = raw["imds"]
        self.table = raw["table"]
        self.job = job

    @property
    def data(self):
        return json.loads(self.out)

    def file(self, path):
        return next((file for file in self.data["files"] if file["path"] == path), None)

    def failed(self, part):
        return [failure["why"] for failure in self.data["failed"] if failure["part"] == part]


def snapshot(folder):
    """Everything about a tree that a reader must not change."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)
            status = os.lstat(path)
            digest = ""
            plain = os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK)
            if plain and status.st_size < 10_000_000:
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
            found[os.fsencode(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, digest)
    return found


def capture(
    tree,
    *,
    shell="bash",
    awk=None,
    prefix=(),
    command=None,
    stdin=False,
    environment=None,
    imds=True,
    metadata=None,
    table=None,
    hidden=(),
    beside=(),
    network=(),
    readonly=False,
    prepare=None,
    bare=False,
):
    """Runs capture.sh with a tree of files. Returns the outcome, after the checks that hold for every run."""
    namespaces = not REASON and not bare
    if not namespaces and (hidden or readonly or network):
        raise unittest.SkipTest(f"namespaces cannot be used: {REASON}")
    base = pathlib.Path(tempfile.mkdtemp(prefix="stayput-guest-"))
    try:
        root = base / "root"
        root.mkdir()
        (base / "bin").mkdir()
        (base / "log").mkdir()
        for path, content in tree.items():
            target = os.path.join(os.fsencode(root), path if isinstance(path, bytes) else path.encode())
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        if prepare:
            prepare(root)
        shutil.copy(CAPTURE, base / "capture.sh")
        if awk:
            words = awk.split()
            (base / "bin" / "awk").write_text(f'#!/bin/sh\nexec {shutil.which(words[0])} {" ".join(words[1:])} "$@"\n')
            (base / "bin" / "awk").chmod(0o755)
        shell = shutil.which(shell) or shell
        if not shell.startswith("/usr/"):
            # Its folder may be hidden inside.
            shutil.copy(shell, base / "shell")
            shell = "{base}/shell"
        before = snapshot(root)
        variables = {
            "PATH": "{base}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "STAYPUT_ROOT": "{base}/root",
            "LANG": "C.UTF-8",
        }
        job = {
            "namespaces": namespaces,
            "network": [*NETWORK, *network],
            "base": str(base),
            "environment": {**variables, **(environment or {})},
            "command": command or [*prefix, shell, "{base}/capture.sh"],
            "stdin": stdin,
            "imds": imds,
            "metadata": METADATA if metadata is None else metadata,
            "table": table or [],
            "hidden": list(hidden),
            "beside": [list(words) for words in beside],
            "readonly": readonly,
        }
        outer = ["unshare", "-rnm"] if namespaces else []
        answer = subprocess.run(
            [*outer, os.path.realpath(sys.executable), str(HERE / "capturing.py"), "inside"],
            input=json.dumps(job).encode(),
            capture_output=True,
            check=False,
            timeout=240,
        )
        if answer.returncode:
            raise AssertionError(answer.stderr.decode("utf-8", "replace"))
        outcome = Outcome(json.loads(answer.stdout), job)
        after = snapshot(root)
        logs = [path.read_bytes() for path in sorted((base / "log").iterdir())]
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", str(base)], check=False)
        shutil.rmtree(base, ignore_errors=True)
    outcome.logs = b"".join(logs)
    assert outcome.code == 0, (outcome.code, outcome.stderr, outcome.out)
    assert outcome.stderr == "", outcome.stderr
    assert outcome.out.endswith(b"\n") and outcome.out.count(b"\n") == 1, outcome.out
    assert outcome.out.isascii()
    assert len(outcome.out) < 24_000, len(outcome.out)
    assert before == after, "the tree was changed"
    assert outcome.left == [], outcome.left
    data = outcome.data
    assert data["stayput_guest"] == 1
    for name in ("failed", "dropped", "interfaces", "routes", "rules", "hosts", "files", "bindings", "uses"):
        assert isinstance(data[name], list), name
    return outcome


if __name__ == "__main__":
    json.dump(inside(json.load(sys.stdin)), sys.stdout)
