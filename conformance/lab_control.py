"""The running lab: the endpoints of its services, and its clock.

The suite uses third-party clients for everything else. There is none for the clock, so this module uses the lab's
control API over HTTPS (`GET /status`, `POST /speed`).
"""

import contextlib
import json
import os
import pathlib
import ssl
import time
import urllib.request


class Lab:
    """A running lab, by its directory."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        about = json.loads((self.directory / "lab.json").read_text())
        self.aws = about["aws"]
        self.prism = about["prism"]
        self.moves = about["moves"]
        self.ca = about["ca"]
        self._admin = about["admin"]
        self._token = about["admin_token"]
        self._trust = ssl.create_default_context(cafile=self.ca)

    @classmethod
    def of_environment(cls):
        """The lab that `conformance/run` has started for this group of tests."""
        return cls(os.environ["STAYPUT_LAB_DIR"])

    def _control(self, method, path, body=None):
        request = urllib.request.Request(
            self._admin + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, context=self._trust, timeout=30) as answer:
            return json.loads(answer.read())

    def status(self):
        """Scenario, virtual time, speed and request counts."""
        return self._control("GET", "/status")

    def virtual_seconds(self):
        """Virtual seconds since the lab was started."""
        return self.status()["virtual_ms"] / 1000

    @contextlib.contextmanager
    def at_speed(self, speed):
        """Runs the lab at another speed for a while; 0 stops its time."""
        before = self.status()["speed"]
        self._control("POST", "/speed", {"speed": speed})
        try:
            yield self
        finally:
            self._control("POST", "/speed", {"speed": before})

    def frozen(self):
        """Stops the lab's time for a while: operations in progress do not continue."""
        return self.at_speed(0)

    def pass_time(self, seconds):
        """Waits until this much virtual time has passed."""
        goal = self.virtual_seconds() + seconds
        until(lambda: self.virtual_seconds() >= goal, f"{seconds} virtual seconds")


def until(condition, what="the condition", timeout=20.0, gap=0.02):
    """Polls until `condition()` is true and returns its value; fails after `timeout` real seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}; last seen: {value!r}")
        time.sleep(gap)


def port_of(url):
    """Host and port of a URL such as `https://127.0.0.1:9440`."""
    host, _, port = url.removeprefix("https://").rstrip("/").partition(":")
    return host, int(port)
