#!/bin/bash
# Run once by the database image on an empty volume: the product gets an owner of its database that is
# no superuser, and sign-in roles for the web and worker processes that own nothing.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set password="$DATABASE_PASSWORD" <<'SQL'
CREATE ROLE povertyops LOGIN PASSWORD :'password';
CREATE DATABASE povertyops OWNER povertyops;
SQL
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --file /deploy/roles.sql
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set web="$DATABASE_WEB_PASSWORD" --set worker="$DATABASE_WORKER_PASSWORD" <<'SQL'
ALTER ROLE povertyops_web PASSWORD :'web';
ALTER ROLE povertyops_worker PASSWORD :'worker';
SQL
