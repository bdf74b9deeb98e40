#!/usr/bin/env bash
# Makes the certificates of mutual TLS, where no cert-manager does: Secrets NAME-tls of the namespace, good for a year. Each
# run makes an authority that signs them all and is then forgotten, so all are replaced together. Pods read the new files
# within a minute or so of each other; until then their calls to each other are refused (503, Retry-After).
#   deploy/kubernetes/components/mutual-tls/certificates.sh [NAMESPACE]
set -euo pipefail
namespace=${1:-gbike}
# services: made by `make schemas`
services=(rent bike billing user-deposit rent-and-billing-view bike-manage-app bike-manager account)
# end of services
umask 077
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

openssl req -x509 -newkey ed25519 -nodes -days 365 -subj "/CN=gbike services" -keyout "$made/ca.key" -out "$made/ca.crt" \
  -addext "basicConstraints=critical,CA:true,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
for name in "${services[@]}"; do
  printf 'basicConstraints=critical,CA:false\nsubjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$name" >"$made/ext"
  openssl req -new -newkey ed25519 -nodes -subj "/CN=$name" -keyout "$made/tls.key" -out "$made/csr" 2>/dev/null
  openssl x509 -req -in "$made/csr" -CA "$made/ca.crt" -CAkey "$made/ca.key" -CAcreateserial -days 365 -extfile "$made/ext" \
    -out "$made/tls.crt" 2>/dev/null
  kubectl -n "$namespace" create secret generic "$name-tls" --dry-run=client -o yaml \
    --from-file="$made/tls.crt" --from-file="$made/tls.key" --from-file="$made/ca.crt" | kubectl -n "$namespace" apply -f -
done
