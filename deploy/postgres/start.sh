#!/bin/sh
# PostgreSQL over /data/db: made once, with a role and a database of the same name for each of $DATABASES.
# $POSTGRES_PASSWORD is the password of all of them.
set -eu
bin=/postgres
db=/data/db
if [ ! -f "$db/PG_VERSION" ]; then
  rm -rf "$db.new"
  printf %s "$POSTGRES_PASSWORD" >/tmp/password
  "$bin/initdb" -D "$db.new" -U postgres -E UTF8 --no-locale --auth=scram-sha-256 --pwfile=/tmp/password >/dev/null
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$db.new/pg_hba.conf"
  mv "$db.new" "$db"
fi
export PATH="$bin:$PATH" PGPASSWORD=$POSTGRES_PASSWORD PGHOST=/tmp PGUSER=postgres
make_databases() {
  until psql -qc "" 2>/dev/null; do sleep 0.2; done
  for name in $DATABASES; do
    psql -qtAc "SELECT 1 FROM pg_roles WHERE rolname = '$name'" | grep -q 1 ||
      echo "CREATE ROLE $name LOGIN PASSWORD :'word'" | psql -q -v word="$POSTGRES_PASSWORD"
    psql -qtAc "SELECT 1 FROM pg_database WHERE datname = '$name'" | grep -q 1 ||
      psql -qc "CREATE DATABASE $name OWNER $name"
  done
}
make_databases &
# SIGINT, the image's stop signal, ends PostgreSQL at once and in order; SIGTERM would wait for every client to go.
trap 'kill -INT $server; wait $server; exit 0' INT TERM
"$bin/postgres" -D "$db" -c listen_addresses='*' -c unix_socket_directories=/tmp -c max_connections=300 -c shared_buffers=64MB &
server=$!
wait $server
