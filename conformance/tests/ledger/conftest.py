"""A DynamoDB that is not the lab's: ministack, for the ledger only. AWS, Prism Central and Move are the lab's."""

import collections
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

STARTS_WITHIN = 60
LEDGER = '[ledger]\nkind = "dynamodb"\ntable = "{table}"\nregion = "ap-northeast-1"\n'


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def dynamodb():
    port = free_port()
    program = pathlib.Path(sys.executable).parent / "ministack"
    env = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    server = subprocess.Popen([program], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < until, "ministack did not start"
                time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait()


Answer = collections.namedtuple("Answer", "code json err")


class Host:
    """A folder with an estate file, from which stayput is run."""

    def __init__(self, folder, dynamodb, table):
        lab = pathlib.Path(os.environ["STAYPUT_LAB_DIR"])
        folder.mkdir()
        for certificate in lab.glob("*.pem"):
            (folder / certificate.name).write_bytes(certificate.read_bytes())
        text = (lab / "stayput.toml").read_text()
        # One endpoint for all of AWS would also be that of the ledger.
        text = re.sub(r"\nendpoint = .*", "", text)
        before, rest = text.split("[ledger]")
        after = rest[rest.index("\n[") :]
        self.file = folder / "stayput.toml"
        self.file.write_text(before + LEDGER.format(table=table) + after)
        self.env = {**os.environ, "AWS_ENDPOINT_URL_DYNAMODB": dynamodb}

    def start(self, *arguments):
        command = [os.environ["STAYPUT"], *arguments, "--file", self.file, "--json", "--quiet"]
        return subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate()
        return Answer(process.returncode, json.loads(out) if out.strip() else None, err)


@pytest.fixture
def host(tmp_path, dynamodb, request):
    made = []

    def make():
        made.append(Host(tmp_path / f"host-{len(made)}", dynamodb, f"ledger-{request.node.name}"))
        return made[-1]

    return make
