"""A client that calls functions in a process with the settings of one app."""

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.processes.support.databases import ROOT

CLOSE_TIMEOUT = 12.0  # seconds


class RpcClient:
    """A client of one app; the first call starts its process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket, server_socket = socket.socketpair()
        with server_socket:
            control, _ = _start_rpc_server()
            socket.send_fds(control, [json.dumps(environment).encode()], [server_socket.fileno()])
        self._stream = self._socket.makefile("rw")

    def call(self, function: str, arguments: dict[str, Any]) -> Any:
        """Call a function of `tests.processes.support.rpc_functions`."""
        self._stream.write(json.dumps([function, arguments]) + "\n")
        self._stream.flush()
        answer = self._stream.readline()
        assert answer, f"The call of {function} failed; its traceback is above."
        return json.loads(answer)

    def close(self) -> None:
        """Close the connection and wait until the process has ended."""
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.settimeout(CLOSE_TIMEOUT)
        while self._stream.read():
            pass
        self._stream.close()
        self._socket.close()


@cache
def _start_rpc_server() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """Start the RPC server and return its control socket; it ends with this process."""
    control, inner = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with inner:
        command = [sys.executable, "-m", "tests.processes.support.rpc_server", str(inner.fileno())]
        return control, subprocess.Popen(command, cwd=ROOT, pass_fds=[inner.fileno()])
