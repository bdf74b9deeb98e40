#!/usr/bin/env bash
# gbike on Kubernetes, for trying out and for tests: deploy/k8s.sh up | demo | down | possible
#   up    a cluster: the one of KUBECONFIG when it is set, else a small one that the scripts in K8S_SCRIPTS start
#   demo  up, the images, and everything in the namespace gbike, until it is ready; prints the gateway's address
#   down  takes away what demo made; the small cluster too, with its daemons
#   possible  exit code 0 when up has a cluster to take; otherwise it says why not
# On a cluster of your own: KUBECONFIG, and LOAD or PREFIX, which say how it gets images (deploy/images.sh).
# IMAGES=no leaves the images as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
SCRIPTS=${K8S_SCRIPTS:-../shared/k8s}
SMALL=${K8S_STATE:-$HOME/.cache/gbike-k8s}
NAMESPACE=gbike
WAIT_S=${WAIT_S:-600}
TAG=${TAG:-dev} PREFIX=${PREFIX:-}
export TAG PREFIX KUBECONFIG=${KUBECONFIG:-$SMALL/admin.conf}
PATH=$SMALL/bin:$PATH
small() { [ "$KUBECONFIG" = "$SMALL/admin.conf" ]; }
say() { echo "[$(date +%T)] $*"; }

possible() {
  if small && [ ! -x "$SCRIPTS/k8s-up.sh" ]; then
    echo "There is no cluster: set KUBECONFIG to one of yours (kind, minikube, k3s, a real one)," \
      "or K8S_SCRIPTS to where k8s-up.sh is, which starts one (as root); it is not in $SCRIPTS." >&2
    return 2
  fi
}

up() {
  possible
  if ! small; then kubectl get nodes >/dev/null; return; fi
  "$SCRIPTS/k8s-up.sh" | sed '$d'
  STORAGE_DRIVER=overlay buildah --root "$SMALL/buildah" --runroot "$SMALL/run/buildah" images -q docker.io/library/python:3.11-slim 2>/dev/null |
    grep -q . || { say "making the base image"; "$SCRIPTS/base-image.sh" >"$SMALL/log/base-image.log" 2>&1; }
}

# Passwords are made once, here, and are nowhere else than in the cluster.
secrets() {
  local password name
  kubectl -n $NAMESPACE get secret postgres >/dev/null 2>&1 ||
    kubectl -n $NAMESPACE create secret generic postgres --from-literal=password="$(openssl rand -hex 16)"
  password=$(kubectl -n $NAMESPACE get secret postgres -o jsonpath='{.data.password}' | base64 -d)
  for name in $(databases); do
    kubectl -n $NAMESPACE create secret generic "${name//_/-}-store" --dry-run=client -o yaml \
      --from-literal=url="postgresql://$name:$password@postgres/$name" | kubectl -n $NAMESPACE apply -f - >/dev/null
  done
}
databases() { sed -n 's/.*name: DATABASES, value: \(.*\)}.*/\1/p' deploy/kubernetes/demo/postgres.yaml; }

volumes() {
  local name
  for name in postgres kafka; do install -d -o 10001 -g 10001 "$SMALL/volumes/gbike-$name"; done
  sed "s|@VOLUMES@|$SMALL/volumes|" deploy/kubernetes/small-cluster.yaml | kubectl apply -f - >/dev/null
}

# The overlay with the tag and the registry that were asked for.
rendered() { kubectl kustomize deploy/kubernetes/demo | sed -E "s#(image: )(gbike-[a-z-]+):.*#\1${PREFIX}\2:${TAG}#"; }

demo() {
  local began=$SECONDS
  up
  if [ "${IMAGES:-}" != no ]; then make --no-print-directory kafka; deploy/images.sh --demo; fi
  say "applying deploy/kubernetes/demo"
  kubectl apply -f deploy/kubernetes/base/namespace.yaml >/dev/null
  secrets
  small && volumes
  kubectl -n $NAMESPACE delete jobs -l app.kubernetes.io/part-of=gbike --ignore-not-found >/dev/null
  rendered | kubectl apply -f - >/dev/null
  say "waiting until it is ready"
  kubectl -n $NAMESPACE rollout status statefulset --timeout="${WAIT_S}s" >/dev/null
  kubectl -n $NAMESPACE rollout status deployment --timeout="${WAIT_S}s" >/dev/null
  say "ready after $((SECONDS - began)) s"
  echo "KUBECONFIG=$KUBECONFIG"
  if small; then echo "gateway: http://127.0.0.1:30088"; else
    echo "gateway: http://gateway.$NAMESPACE inside the cluster; here: kubectl -n $NAMESPACE port-forward service/gateway 8088:80"
  fi
}

down() {
  if small; then
    [ -x "$SCRIPTS/k8s-down.sh" ] && "$SCRIPTS/k8s-down.sh" --keep-images && rm -rf "$SMALL/volumes"
  else
    kubectl delete namespace $NAMESPACE --ignore-not-found
  fi
}

case ${1:-} in up | demo | down | possible) "$1" ;; *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;; esac
