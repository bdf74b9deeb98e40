#!/usr/bin/env bash
# Builds the images of gbike and takes them to where the cluster finds them.
#   deploy/images.sh [--demo] [NAME…]     all, or those named: rent, user_deposit, gateway, postgres, kafka
# --demo adds the small PostgreSQL and Kafka. Settings, from the environment:
#   TAG       of all images (default dev); never latest
#   PREFIX    before every name: registry.example/gbike/ makes registry.example/gbike/gbike-rent:dev
#   BASE      the base image (default docker.io/library/python:3.11-slim)
#   BUILDER   buildah, docker or podman (default: the first that is there)
#   LOAD      none; push (to PREFIX's registry); small (the cluster of deploy/k8s.sh); or a command that is given all
#             names: "kind load docker-image", "minikube image load" (default: small when its state is there, else none)
set -euo pipefail
cd "$(dirname "$0")/.."
TAG=${TAG:-dev} PREFIX=${PREFIX:-} BASE=${BASE:-docker.io/library/python:3.11-slim}
SMALL=${K8S_STATE:-$HOME/.cache/gbike-k8s}
LOAD=${LOAD:-$([ -S "$SMALL/run/containerd.sock" ] && echo small || echo none)}
[ "$TAG" != latest ] || { echo "TAG=latest says nothing about what runs: choose another" >&2; exit 2; }
for tool in ${BUILDER:-buildah docker podman}; do command -v "$tool" >/dev/null && break; done

engines=()
[ "${1:-}" = --demo ] && shift && engines=(postgres kafka)
if [ $# -gt 0 ]; then names=("$@"); else
  names=(gateway)
  for wiring in src/gbike/services/*/wiring.py; do names+=("$(basename "$(dirname "$wiring")")"); done
  names+=("${engines[@]}")
fi
if [ "$LOAD" = small ]; then export STORAGE_DRIVER=overlay; tool="buildah --root $SMALL/buildah --runroot $SMALL/run/buildah"; fi
case $tool in
  buildah*) build="$tool bud -q --layers --isolation ${BUILDAH_ISOLATION:-chroot} --network host"; push="$tool push -q" ;;
  *) build="$tool build -q"; push="$tool push -q" ;;
esac
[ "$LOAD" = small ] && build="$build --pull-never"

revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
common=(--build-arg "BASE=$BASE" --build-arg "VERSION=$TAG" --build-arg "REVISION=$revision")
refs=()
for name in "${names[@]}"; do
  ref=${PREFIX}gbike-${name//_/-}:$TAG
  case $name in
    postgres | kafka) args=(-f "deploy/$name/Containerfile" --build-arg "BASE=$BASE") ;;
    gateway) args=(-f deploy/Containerfile --target gateway "${common[@]}") ;;
    *) args=(-f deploy/Containerfile --target service --build-arg "SERVICE=$name" "${common[@]}") ;;
  esac
  echo "building $ref"
  $build "${args[@]}" -t "$ref" . >/dev/null
  refs+=("$ref")
done

case $LOAD in
  none) ;;
  push) for ref in "${refs[@]}"; do $push "$ref"; done ;;
  small) # one archive for all, so that what they share is read once
    archive=$SMALL/img/gbike; rm -rf "$archive"; mkdir "$archive"
    for k in "${!refs[@]}"; do
      $push "localhost/${refs[k]}" "docker-archive:$archive/$k.tar:docker.io/library/${refs[k]}"
    done
    python3 deploy/merge_archives.py "$archive.tar" "$archive"/*.tar
    ctr -a "$SMALL/run/containerd.sock" -n k8s.io images import "$archive.tar" >/dev/null
    rm -r "$archive" "$archive.tar"
    sync ;; # gigabytes that are still to be written would make the first commits of the platform wait for the disk
  *) $LOAD "${refs[@]}" ;;
esac
