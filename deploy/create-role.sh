#!/bin/bash
# Run once by the database image on an empty volume: the product gets a role of its own that owns its
# database and is no superuser.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set password="$DATABASE_PASSWORD" <<'SQL'
CREATE ROLE povertyops LOGIN PASSWORD :'password';
CREATE DATABASE povertyops OWNER povertyops;
SQL
