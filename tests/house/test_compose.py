"""The production compose file: one door, health checks, no default passwords."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "docker-compose.yml"
ONE_SHOT = {"migrate"}
SECRET = re.compile(r"PASSWORD$|SECRET|_KEY$")
# Of a service that is off unless it is set up.
OPTIONAL = {"OIDC_CLIENT_SECRET"}
# What the file sets by itself, or what concerns embedded servers and development only.
OWN = {
    # Never in production.
    "FAILPOINTS",
    "FAILPOINTS_ALLOWED",
    "DATABASE_URL",
    "WEB_DATABASE_URL",
    "WORKER_DATABASE_URL",
    "REDIS_URL",
    "POVERTYOPS_VAR",
    "POVERTYOPS_PG_FSYNC",
    "FIELD_KEYS",
    "HTTPS",
    "HOST",
    "PORT",
    "DEBUG",
    "STATICFILES_STORAGE",
    "UPLOAD_DIR",
    "DB_STATEMENT_TIMEOUT_MS",
    "DB_LOCK_TIMEOUT_MS",
    "DB_JOB_STATEMENT_TIMEOUT_MS",
    "POVERTYOPS_ROLE",
    "SEAL_ANCHOR_FILE",
}
VARIABLE = re.compile(r"\$\{([A-Z_]+)([^}]*)\}")

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def text() -> str:
    return FILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose(text: str) -> dict:
    return yaml.safe_load(text)


def test_services_are_complete(compose: dict) -> None:
    assert set(compose["services"]) == {
        *("db", "redis", "migrate", "web", "worker", "worker-heavy", "beat", "proxy")
    }


def test_one_port_is_published_by_the_proxy_alone(compose: dict) -> None:
    published = {name: s["ports"] for name, s in compose["services"].items() if "ports" in s}
    assert list(published) == ["proxy"]
    assert len(published["proxy"]) == 1
    reachable = {
        name for name, s in compose["services"].items() if set(s["networks"]) != {"inside"}
    }
    assert reachable == {"proxy"}
    assert compose["networks"]["inside"] == {"internal": True}
    assert not any("network_mode" in service for service in compose["services"].values())


def test_every_lasting_service_has_a_health_check_and_restarts(compose: dict) -> None:
    for name, service in compose["services"].items():
        if name in ONE_SHOT:
            assert service["restart"] == "no"
        else:
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_no_secret_has_a_default(compose: dict, text: str) -> None:
    """A secret comes from outside or the start is refused with a Chinese reason."""
    used = {match[1]: match[2] for match in VARIABLE.finditer(text)}
    secrets = {name for name in used if SECRET.search(name)}
    assert secrets == {
        *("SECRET_KEY", "DATABASE_PASSWORD", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "TLS_KEY"),
        *("DATABASE_WEB_PASSWORD", "DATABASE_WORKER_PASSWORD", "SEAL_KEY"),
    }
    for name in secrets:
        assert re.match(r":\?请", used[name]), name
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and not (key in OPTIONAL and value is None):
                assert VARIABLE.fullmatch(value), f"{name}.{key}"
            if "://" in str(value) and "@" in value:
                assert re.search(r":\$\{[A-Z_]+:\?[^}]+\}@", value), f"{name}.{key}"


def test_every_documented_setting_reaches_the_product(compose: dict, text: str) -> None:
    example = (PROJECT / ".env.example").read_text(encoding="utf-8")
    documented = set(re.findall(r"^# ([A-Z][A-Z0-9_]+)=", example, re.MULTILINE)) - OWN
    used = {match[1] for match in VARIABLE.finditer(text)}
    passed = {key for key, value in compose["x-environment"].items() if value is None}
    assert documented - used - passed == set()
    assert passed <= documented


def test_the_web_service_cannot_forge_seals(compose: dict) -> None:
    web = compose["services"]["web"]
    assert not [key for key in web["environment"] if key.startswith("SEAL")]
    assert not [one for one in web["volumes"] if one.startswith("anchor")]
    assert "anchor:/srv/anchor" in compose["services"]["worker"]["volumes"]


def test_application_containers_are_closed(compose: dict) -> None:
    for name in ("migrate", "web", "worker", "worker-heavy", "beat"):
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["environment"]["HTTPS"] == "1"
    assert "USER povertyops" in (PROJECT / "Dockerfile").read_text(encoding="utf-8")


def test_broker_keeps_messages_and_evicts_none(compose: dict) -> None:
    command = " ".join(compose["services"]["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_all_queues_have_a_worker(compose: dict) -> None:
    queues = [
        queue
        for service in compose["services"].values()
        for word in service.get("command", [])
        if word.startswith("--queues=")
        for queue in word.removeprefix("--queues=").split(",")
    ]
    assert sorted(queues) == ["exports", "imports", "interactive", "metrics"]


def test_proxy_overwrites_what_a_client_claims() -> None:
    lines = (PROJECT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in lines
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in lines
    assert "$proxy_add_x_forwarded_for" not in lines
    logged = re.search(r"log_format[^;]+;", lines)[0]
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer)\b", logged)


def test_client_accepts_the_file(text: str, tmp_path: Path) -> None:
    """With a compose client, let it judge; without one, every variable must at least be known."""
    needed = {match[1] for match in VARIABLE.finditer(text)}
    example = (PROJECT / ".env.example").read_text(encoding="utf-8")
    assert {name for name in needed if f"\n# {name}=" not in example} == set()

    docker = shutil.which("docker")
    if not docker:
        return

    def client(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [docker, "compose", *words],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    if client("version").returncode:
        return
    config = ("--file", str(FILE), "--env-file", os.devnull, "config", "--quiet")
    refused = client(*config)
    assert refused.returncode != 0
    assert "请在 .env 中设置" in refused.stderr
    required = {match[1] for match in VARIABLE.finditer(text) if match[2].startswith(":?")}
    accepted = client(*config, **dict.fromkeys(required, "x1"))
    assert accepted.returncode == 0, accepted.stderr
