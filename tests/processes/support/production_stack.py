"""The desk as `deploy/` runs it: nginx, web processes, event streams, workers and PgBouncer, on loopback.

Commands and configuration are those of the files in `deploy/`; only ports, folders and names are replaced.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import psycopg

from tests.postgres import Cluster, find_free_port, unprivileged_prefix
from tests.processes.support.app_instance import START_TIMEOUT, AppInstance
from tests.processes.support.databases import ROOT, TemporaryDatabase
from tests.processes.support.managed_process import wait_until
from tests.system_packages import missing_server_packages

DEPLOY = ROOT / "deploy"
SERVICES = {"omnichannel-web": ("8001", "8002", "8011", "8012"), "omnichannel-live": ("8021", "8022")}
WORKERS = ("1", "2")
PASSWORD = "s3cret"
# Passes its arguments to the test and waits until they have been carried out.
SYSTEMCTL = """import socket, sys
with socket.create_connection(("127.0.0.1", {port})) as test:
    test.sendall((" ".join(sys.argv[1:]) + chr(10)).encode())
    sys.exit(test.recv(16) != b"done" + chr(10).encode())
"""


def require_programs() -> None:
    """Raise FileNotFoundError with the packages that are missing."""
    if packages := missing_server_packages():
        raise FileNotFoundError(f"Missing: `apt-get install --no-install-recommends {' '.join(packages)}`.")


def read_commands(unit: str, instance: str) -> list[list[str]]:
    """Return the commands of a systemd unit, with our virtual environment and this instance."""
    text = (DEPLOY / "systemd" / unit).read_text()
    programs = str(Path(sys.executable).parent)
    lines = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    return [line.replace("/srv/omnichannel/.venv/bin", programs).replace("%i", instance).split() for line in lines]


class Service:
    """An instance of a systemd unit as a process group of its own."""

    def __init__(self, environment: Mapping[str, str], log: Path, command: list[str]) -> None:
        self._environment, self.log, self._command = environment, log, command
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Stop as systemd does with KillMode=mixed: SIGTERM to the main process, later SIGKILL to the rest."""
        self.process.terminate()
        self.process.wait(START_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL to all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(START_TIMEOUT)


class ProductionStack(AppInstance):
    """The whole desk on one machine; `url` is nginx."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        super().__init__(folder, database=TemporaryDatabase(folder, cluster_url=cluster.url))
        self._cluster, self._files = cluster, Path(tempfile.mkdtemp(prefix="omnichannel-production-"))
        self._prefix = unprivileged_prefix()  # PgBouncer refuses to run as root
        if self._prefix:
            shutil.chown(self._files, self._prefix[2])
        self.ports = {port: find_free_port() for ports in SERVICES.values() for port in ports}
        self._pgbouncer_port = find_free_port()
        self.site = self._files / "omnichannel.conf"
        self.services: dict[str, Service] = {}
        pooled = f"postgres://omnichannel:{PASSWORD}@127.0.0.1:{self._pgbouncer_port}/{self.database.name}"
        self.environment |= {
            "DEBUG": "",
            "DATABASE_URL": pooled,
            "DATABASE_DIRECT_URL": self.database.url,
            "TEST_STATIC_ROOT": str(folder / "static"),
        }

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for service in reversed(self.services.values()):  # PgBouncer last
            service.kill()
        super().__exit__(kind, error, trace)
        shutil.rmtree(self._files, ignore_errors=True)

    def start(self) -> None:
        """Start everything in the order of the units and wait until it is ready."""
        self._start_pgbouncer()
        for command in read_commands("omnichannel-prepare.service", ""):
            subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        for unit, ports in SERVICES.items():
            for port in ports:
                self._start_unit(unit, port)
        for name in WORKERS:
            self._start_unit("omnichannel-deliveries", name)
            self._start_unit("omnichannel-worker", name)
        self._start_nginx()
        for port in self.ports:
            wait_until(partial(self._answers, port), START_TIMEOUT, f"port {port} answers: {self._log(port)}")
        wait_until(self.is_ready, START_TIMEOUT, "nginx reaches a web process")

    # -- Restart ----------------------------------------------------------------------------------------------------

    def restart_all(self) -> None:
        """Run `deploy/rolling-restart`, with `systemctl` played by this process."""
        with socket.create_server(("127.0.0.1", 0)) as control:
            threading.Thread(target=self._play_systemd, args=[control], daemon=True).start()
            systemctl = self.folder / "systemctl"
            systemctl.write_text(f"#!{sys.executable}\n{SYSTEMCTL.format(port=control.getsockname()[1])}")
            systemctl.chmod(0o700)
            variables = {
                "SITE": str(self.site),
                "SYSTEMCTL": str(systemctl),
                "NGINX_COMMAND": " ".join(self.nginx_command),
            }
            subprocess.run([DEPLOY / "rolling-restart"], env={**os.environ, **variables}, check=True)

    def _play_systemd(self, control: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the socket is closed at the end
            while True:
                client, _ = control.accept()
                with client, client.makefile("rw") as stream:
                    _, unit = stream.readline().split()
                    self._restart_units(unit)
                    stream.write("done\n")

    def _restart_units(self, pattern: str) -> None:
        numbers = {str(free): port for port, free in self.ports.items()}
        unit, _, instance = pattern.partition("@")
        for name, service in self.services.items():
            if fnmatch(name, f"{unit}@{numbers.get(instance, instance)}"):
                service.stop()
                service.start()

    def _log(self, port: str) -> str:
        return next(name for name in self.services if name.endswith(f"@{port}"))

    def _start_unit(self, unit: str, instance: str) -> None:
        (command,) = read_commands(f"{unit}@.service", str(self.ports.get(instance, instance)))
        self._start(f"{unit}@{instance}", command)

    def _start(self, name: str, command: list[str]) -> None:
        self.services[name] = Service(self.environment, self.folder / f"{name}.log", command)

    def _answers(self, port: str) -> bool:
        direct = AppInstance.__new__(AppInstance)  # only for its readiness check, on the port of one process
        direct.url = f"http://127.0.0.1:{self.ports[port]}"
        return direct.is_ready()

    # -- Configuration ----------------------------------------------------------------------------------------------

    def _start_pgbouncer(self) -> None:
        users = self._files / "userlist.txt"
        users.write_text(f'"omnichannel" "{PASSWORD}"\n')
        config = self._files / "pgbouncer.ini"
        config.write_text(self._render_pgbouncer(users))
        self._start("pgbouncer", [*self._prefix, "/usr/sbin/pgbouncer", str(config)])
        wait_until(self._pgbouncer_answers, START_TIMEOUT, "PgBouncer answers")

    def _pgbouncer_answers(self) -> bool:
        try:
            psycopg.connect(self.environment["DATABASE_URL"], connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def _render_pgbouncer(self, users: Path) -> str:
        text = (DEPLOY / "pgbouncer.ini").read_text()
        for old, new in (
            ("omnichannel = ", f"{self.database.name} = "),
            ("port=5432 dbname=omnichannel", f"port={urlsplit(self._cluster.url).port}"),
            ("listen_port = 6432", f"listen_port = {self._pgbouncer_port}"),
            ("/etc/pgbouncer/userlist.txt", str(users)),
            ("/var/log/postgresql", str(self._files)),
            ("/var/run/postgresql", str(self._files)),
        ):
            assert old in text, old
            text = text.replace(old, new)
        return text

    def _start_nginx(self) -> None:
        self.site.write_text(self._render_site())
        main = self._files / "nginx.conf"
        temporary = "\n".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy"))
        user = "user root;" if os.geteuid() == 0 else ""  # reads the folder of the test
        main.write_text(
            f"{user} worker_processes 1; pid {self.folder}/nginx.pid;\n"
            f"error_log {self.folder}/nginx-error.log;\n"
            f"events {{ worker_connections 512; }}\nhttp {{ {temporary}\ninclude {self.site}; }}\n"
        )
        self.nginx_command = ["/usr/sbin/nginx", "-c", str(main), "-e", f"{self.folder}/nginx-error.log"]
        self._start("nginx", [*self.nginx_command, "-g", "daemon off;"])

    def _render_site(self) -> str:
        text = (DEPLOY / "nginx" / "omnichannel.conf").read_text()
        text = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", text, flags=re.DOTALL)  # only redirects to https
        text = re.sub(r"^    ssl_.*\n", "", text, flags=re.MULTILINE)
        for old, new in (
            ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port};"),
            ("server_name desk.example.com;", "server_name 127.0.0.1;"),
            ("/var/log/nginx", str(self.folder)),
            *((f"127.0.0.1:{port} ", f"127.0.0.1:{free} ") for port, free in self.ports.items()),
        ):
            assert old in text, old
            text = text.replace(old, new)
        return text
