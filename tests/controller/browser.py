# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's chromium, driven as https://www.w3.org/TR/webdriver2/ says, on the loopback alone."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

ENTER, TAB, SPACE, SHIFT = "\ue007", "\ue004", " ", "\ue008"

_SECONDS = 60
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


class Browser:
    """One window of it."""

    def __init__(self, server: str, capabilities: t.Mapping[str, t.Any]) -> None:
        self._server = server
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = "/session/%s" % answer["sessionId"]

    def _call(self, method: str, path: str, given: t.Mapping[str, t.Any] | None = None) -> t.Any:
        body = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(self._server + path, body, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            told = json.load(error)["value"]
            raise AssertionError("%s: %s" % (told["error"], told["message"])) from None

    def _in_session(self, path: str, **given: t.Any) -> t.Any:
        return self._call("POST", self._session + path, given)

    def open(self, path: Path, fragment: str = "") -> None:
        """A file; back when it is loaded, with its scripts."""
        self._in_session("/url", url="about:blank")
        self._in_session("/url", url=path.as_uri() + fragment)

    def run(self, script: str, *arguments: t.Any) -> t.Any:
        """The body of a function."""
        return self._in_session("/execute/sync", script=script, args=[*arguments])

    def text(self, selector: str) -> str:
        found = self.run("return document.querySelector(arguments[0])?.innerText ?? null", selector)
        assert found is not None, selector
        return str(found)

    def count(self, selector: str) -> int:
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def _find(self, selector: str) -> str:
        return str(self._in_session("/element", using="css selector", value=selector)[_ELEMENT])

    def click(self, selector: str) -> None:
        """As a person does: what is covered or not shown can not be."""
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        self._in_session("/element/%s/click" % self._find(selector))

    def write(self, selector: str, text: str) -> None:
        self._in_session("/element/%s/value" % self._find(selector), text=text)

    def press(self, *keys: str) -> None:
        """Down one after the other, then up."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        up = [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self._in_session("/actions", actions=[{"type": "key", "id": "keys", "actions": down + up}])

    def until(self, script: str, *arguments: t.Any) -> t.Any:
        """Wait for it to be true."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            found = self.run(script, *arguments)
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError("never: %s" % script)

    def command(self, name: str, **given: t.Any) -> t.Any:
        """Of the protocol of its developer tools."""
        return self._in_session("/goog/cdp/execute", cmd=name, params=given)

    def look(self, width: int, scheme: str = "light", height: int = 900) -> None:
        """A window of that size, and whether the user likes it light or dark."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, *, whole: bool = False) -> bytes:
        taken = self.command("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(taken["data"])

    def print(self) -> bytes:
        return base64.b64decode(self._in_session("/print"))

    def messages(self) -> list[str]:
        """What went wrong in the pages since the last question: errors, and what the policy of a page has stopped."""
        return [entry["message"] for entry in self._in_session("/se/log", type="browser")]

    def close(self) -> None:
        self._call("DELETE", self._session)


@contextlib.contextmanager
def browser() -> t.Iterator[Browser]:
    """A new one, which leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ,
            "HOME": folder,
            "TMPDIR": folder,
            "XDG_CONFIG_HOME": folder,
            "XDG_CACHE_HOME": folder,
        }
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        assert driver.stdout
        try:
            for line in driver.stdout:
                if "started successfully on port" in line:
                    break
            port = int(line.split()[-1].rstrip("."))
            options = {"args": [*_FLAGS, "--user-data-dir=%s/profile" % folder], "binary": "/usr/bin/chromium"}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            window = Browser("http://127.0.0.1:%d" % port, wanted)
            try:
                yield window
            finally:
                window.close()
        finally:
            os.killpg(driver.pid, signal.SIGTERM)
            driver.wait()
            driver.stdout.close()
