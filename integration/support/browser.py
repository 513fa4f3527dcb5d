"""Debian's Chromium without a screen, driven over WebDriver (W3C) and, where that has no word for it, DevTools."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from .settings import PATIENCE, cannot_run

_FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--force-device-scale-factor=1", "--hide-scrollbars"]


class Browser:
    """One browser with one window. Starting it is what takes the time: one a test."""

    def __init__(self):
        programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
        if not all(programs.values()):
            cannot_run(f"not installed: {[name for name, path in programs.items() if not path]}")
        self._folder = Path(tempfile.mkdtemp(prefix="pst-browser-"))
        self._log = open(self._folder / "driver.log", "w+")
        self._driver = subprocess.Popen([programs["chromedriver"], "--port=0"], stdin=subprocess.DEVNULL, stdout=self._log,
                                        stderr=self._log, env={**os.environ, "HOME": str(self._folder)}, start_new_session=True)
        self._base = f"http://127.0.0.1:{self._port()}/session"
        try:
            options = {"binary": programs["chromium"], "args": [*_FLAGS, f"--user-data-dir={self._folder}/profile"]}
            capabilities = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            made = self._new_session(capabilities)
        except BaseException:
            self._end_driver()
            raise
        self._base += "/" + made["sessionId"]

    def _new_session(self, capabilities: dict) -> dict:
        """A chromium that takes too long to start on a busy machine is given up by its driver, and tried again."""
        call = ("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        for _ in range(2):
            try:
                return self._call(*call)
            except AssertionError as error:
                if "session not created" not in str(error):
                    raise
        return self._call(*call)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._call("DELETE", "")
        finally:
            self._end_driver()

    def _end_driver(self):
        self._driver.terminate()
        self._driver.wait(PATIENCE)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _port(self) -> int:
        from .wait import wait_until
        found = wait_until(lambda: re.search(r"successfully on port (\d+)", Path(self._log.name).read_text()), "chromedriver's port")
        return int(found[1])

    def _call(self, method: str, path: str, body: dict = None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()[:2000]}") from None

    # --- what a reader of the page can do

    def open(self, url: str):
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *arguments):
        """What the function's body `script` returns; `arguments` are its own."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys: str):
        """Keys one after the other, to what has the focus. Named ones as WebDriver has them: TAB, LEFT, ..."""
        named = {"TAB": "\ue004", "ENTER": "\ue007", "ESCAPE": "\ue00c", "LEFT": "\ue012", "RIGHT": "\ue014", "HOME": "\ue011"}
        actions = [{"type": kind, "value": named.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def tools(self, command: str, **parameters):
        """A DevTools command."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width: int, height: int):
        """Of the page, in CSS pixels, each one pixel of a screenshot."""
        self.tools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name: str):
        """What the system prefers: light or dark."""
        self.tools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def screenshot(self, clip: dict = None) -> bytes:
        """The whole page as PNG, or the part `clip` of it: x, y, width, height."""
        part = {"clip": {**clip, "scale": 1}} if clip else {}
        taken = self.tools("Page.captureScreenshot", format="png", captureBeyondViewport=True, **part)
        return base64.b64decode(taken["data"])

    def messages(self) -> list:
        """What the console has been told since the last call."""
        return self._call("POST", "/se/log", {"type": "browser"})
