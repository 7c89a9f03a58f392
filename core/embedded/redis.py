"""The embedded Redis-protocol server: append-only file, Unix socket, no TCP port, no eviction."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psutil

from core.embedded.places import EmbeddedError, Places
from core.embedded.process import (
    alive,
    end,
    kill_all,
    log_tail,
    process_of,
    start_detached,
)

PROGRAM = "valkey-server"
START_PATIENCE_SECONDS = 120.0


class Redis:
    """The broker of one var directory, whoever started it."""

    name = "Redis"

    def __init__(self, places: Places, note: Callable[[str], None]) -> None:
        self._places = places
        self._note = note

    @property
    def log(self) -> Path:
        return self._places.log / "redis.log"

    @property
    def socket(self) -> Path:
        return self._places.sockets / "redis.sock"

    @property
    def _pid_file(self) -> Path:
        return self._places.redis_data / "server.pid"

    @property
    def url(self) -> str:
        """REDIS_URL as Celery's transport reads it; a plain client wants `unix://` instead."""
        return f"redis+socket://{quote(os.fspath(self.socket))}?virtual_host=0"

    def running(self) -> psutil.Process | None:
        """The server process, if it lives."""
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return process_of(pid, PROGRAM, self._places.redis_data)

    def ensure(self) -> bool:
        """Start the server unless it runs, wait until it answers; True when it was started.

        Call under the change lock. Raises EmbeddedError.
        """
        process = self.running()
        if process is not None and self._answers_in_time(process):
            return False
        kill_all(PROGRAM, self._places.redis_data)
        if self._answers_in_time(self._start()):
            return True
        if self._set_broken_file_aside() and self._answers_in_time(self._start()):
            return True
        raise EmbeddedError(f"Redis 没有启动成功，日志 {self.log}：\n{log_tail(self.log)}")

    def stop(self) -> None:
        """End the server, which writes its file out first. Call under the change lock."""
        process = self.running()
        if process is not None and not end(process, signal.SIGTERM, 20):
            kill_all(PROGRAM, self._places.redis_data)

    def _start(self) -> psutil.Process:
        data = self._places.redis_data
        options = {
            "port": "0",
            "unixsocket": os.fspath(self.socket),
            "unixsocketperm": "700",
            "dir": os.fspath(data),
            "pidfile": os.fspath(self._pid_file),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        command = [os.fspath(self._places.redis_binary)]
        for key, value in options.items():
            command += [f"--{key}", value]
        return start_detached(command, account=self._places.account, cwd=data, log=self.log)

    def _set_broken_file_aside(self) -> bool:
        """Start anew when the append-only file cannot be read.

        Nothing is lost by it: messages are hints, the job rows in PostgreSQL are the truth.
        """
        broken = self._places.redis_data / "appendonlydir"
        if not broken.is_dir():
            return False
        aside = broken.with_name(f"appendonlydir.broken-{time.time_ns()}")
        broken.rename(aside)
        self._note(f"Redis 数据文件损坏，已移到 {aside}；未完成的任务会由任务表重新派发。")
        return True

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(2)
                client.connect(os.fspath(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def _answers_in_time(self, process: psutil.Process) -> bool:
        """Wait until it answers; False when it has ended instead."""
        begun = time.monotonic()
        while not self._answers():
            if not alive(process):
                return False
            if time.monotonic() - begun > START_PATIENCE_SECONDS:
                raise EmbeddedError(f"Redis 启动后一直没有应答，请查看日志 {self.log}。")
            time.sleep(0.02)
        return True
