"""Memory that crosses between Python and OTB, under valgrind."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("memcheck.sh")


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_chain_makes_no_invalid_access():
    result = subprocess.run(
        ["sh", str(SCRIPT), sys.executable], capture_output=True, text=True, check=False, timeout=600
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "memcheck: 0 invalid accesses with otbApplication on the stack" in result.stdout
