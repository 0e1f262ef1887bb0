"""A real S3 server of a test's own: OpenStack Swift with its S3 API, which checks signatures and the age of links.

Four small processes on free ports: proxy (S3), account, container and object server, one copy of everything.
"""

import getpass
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import urllib3

from services.commands.speed.servers import free_port

ACCESS_KEY, SECRET_KEY = "test:tester", "testing-secret"

_BACKEND = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
workers = 0
user = {user}
log_level = WARNING
log_udp_host = 127.0.0.1
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

_PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
workers = 0
user = {user}
log_level = WARNING
log_udp_host = 127.0.0.1
[pipeline:main]
pipeline = catch_errors proxy-logging-off cache s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging-off]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
"""

_RINGS = """
import sys
from swift.common.ring import RingBuilder
folder, ports = sys.argv[1], dict(zip(("account", "container", "object"), map(int, sys.argv[2:])))
for name, port in ports.items():
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1", "weight": 1.0})
    builder.rebalance(seed=1)
    builder.get_ring().save(f"{folder}/{name}.ring.gz")
"""


_SERVER = """
import pathlib, sys
from swift.common.utils import set_swift_dir
set_swift_dir(str(pathlib.Path(sys.argv[1]).parent))
from swift.{module}.server import main
sys.exit(main())
"""


class S3Server:
    """The server on a port of the loopback; it can be paused, killed and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._ports = {name: free_port() for name in ("account", "container", "object")}
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "S3Server":
        if not (self.folder / "proxy.conf").exists():
            self._configure()
        for name in (*self._ports, "proxy"):
            self._processes.append(self._spawn(name))
        self._wait_until_ready()
        return self

    def pause(self) -> None:
        for process in self._processes:
            os.kill(process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        for process in self._processes:
            os.kill(process.pid, signal.SIGCONT)

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait(30)
        self._processes.clear()

    def _configure(self) -> None:
        (self.folder / "devices" / "d1").mkdir(parents=True)
        (self.folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n"
        )
        values = {"folder": self.folder, "user": getpass.getuser(), "secret": SECRET_KEY}
        for name, port in self._ports.items():
            (self.folder / f"{name}.conf").write_text(_BACKEND.format(name=name, port=port, **values))
        (self.folder / "proxy.conf").write_text(_PROXY.format(port=self.port, **values))
        ports = [str(port) for port in self._ports.values()]
        self._python("-c", _RINGS, str(self.folder), *ports).wait(60)

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        module = {"object": "obj"}.get(name, name)
        return self._python("-c", _SERVER.format(module=module), str(self.folder / f"{name}.conf"))

    def _python(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "swift.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-W", "ignore", *arguments], stdout=log, stderr=log)

    def _wait_until_ready(self, within_s: float = 60.0) -> None:
        give_up_at = time.monotonic() + within_s
        pool = urllib3.PoolManager(retries=False, timeout=2.0)
        while True:
            try:
                if pool.request("GET", f"http://{self.endpoint}/").status < 500:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            log = (self.folder / "swift.log").read_text(errors="replace")
            assert time.monotonic() < give_up_at, f"the S3 server does not answer: {log[-2000:]}"
            time.sleep(0.1)
