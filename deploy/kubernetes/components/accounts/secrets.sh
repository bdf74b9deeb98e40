#!/usr/bin/env bash
# Makes the keys of a secure platform, once, and keeps them nowhere but in the cluster: Secrets NAME-keys of the namespace.
#   deploy/kubernetes/components/accounts/secrets.sh [NAMESPACE [KEYS]]
# KEYS: a folder with the keys of accounts that were moved here (docs/operate/growing.md): tokens and authenticators go on.
set -euo pipefail
namespace=${1:-gbike}
moved=${2:-}
# services: made by `make schemas`
services=(rent bike billing user-deposit rent-and-billing-view bike-manage-app bike-manager account)
calls=(rent:bike bike-manage-app:bike)
# end of services
for name in "${services[@]}"; do # keys belong together: all are made, or none
  kubectl -n "$namespace" get secret "$name-keys" >/dev/null 2>&1 || continue
  echo "$name-keys is there already: new keys would fit no old ones" >&2
  exit 1
done
umask 077
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT

openssl rand -hex 32 >"$keys/scraper.token"
for name in "${services[@]}"; do
  mkdir "$keys/$name"
  openssl genpkey -algorithm ed25519 -out "$keys/$name/service.pem"
  cp "$keys/scraper.token" "$keys/$name/scraper.token"
done
for call in "${calls[@]}"; do # CALLER:CALLEE
  caller=${call%:*}
  openssl pkey -in "$keys/$caller/service.pem" -pubout -out "$keys/${call#*:}/${caller//-/_}.pub"
done
if [ -n "$moved" ]; then
  cp "$moved/current.pem" "$moved/seal.key" "$keys/account/"
  [ ! -e "$moved/previous.pem" ] || cp "$moved/previous.pem" "$keys/account/"
else
  openssl genpkey -algorithm ed25519 -out "$keys/account/current.pem"
  openssl rand -out "$keys/account/seal.key" 32
fi
for name in "${services[@]}"; do
  kubectl -n "$namespace" create secret generic "$name-keys" --from-file="$keys/$name"
done
