"""What the dashboard's server promises, asked of Streamlit itself and not of our file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

_ASK = """
import json, sys, warnings
from streamlit import config
print(json.dumps({name: config.get_option(name) for name in json.loads(sys.argv[1])}))
"""

WANTED: dict[str, Any] = {
    "server.address": "127.0.0.1",
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.allowedHosts": ["127.0.0.1", "localhost"],
    "server.enableStaticServing": False,
    "server.headless": True,
    "server.runOnSave": False,
    "server.maxUploadSize": 2048,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "type",
    "global.minCachedMessageSize": 1e12,
}


@pytest.fixture(scope="module")
def asked() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _ASK, json.dumps([*WANTED, "theme.light.primaryColor"])]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)


def test_the_options_hold(asked: subprocess.CompletedProcess[str]) -> None:
    found = json.loads(asked.stdout.splitlines()[-1])
    assert {name: found[name] for name in WANTED} == WANTED
    assert found["theme.light.primaryColor"], "the palette was not read"


def test_streamlit_knows_every_option(asked: subprocess.CompletedProcess[str]) -> None:
    # It only warns about an option that it does not know, and goes on without it.
    assert "not a valid config option" not in asked.stderr + asked.stdout
    assert asked.stderr == ""
