#!/usr/bin/env bash
# Builds the images of the services with docker or buildah, whichever is installed, and prints their sizes.
#   build.sh [service…]     coderd, provisionerd and proxy if none is named
# Environment:
#   IMAGE_REPO, IMAGE_TAG  make the names, IMAGE_REPO/SERVICE:IMAGE_TAG (localhost/coder and latest)
#   IMAGE_ARCHIVES         a folder that gets each image as SERVICE.tar, for clusters that load instead of pull
#   TERRAFORM              the terraform or tofu to put into provisionerd; the ones on PATH if unset. If it is outdated,
#                          the release that provisionerd would download, where that can be had
#   CODER_TERRAFORM_ENGINE chooses: terraform or opentofu
#   NODE_EXTRA_CA_CERTS    is trusted by the build's downloads too
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=${IMAGE_REPO:-localhost/coder} tag=${IMAGE_TAG:-latest}
services=("$@")
[ ${#services[@]} -gt 0 ] || services=(coderd provisionerd proxy)
for service in "${services[@]}"; do
  case $service in
    coderd | provisionerd | proxy) ;;
    *) echo "Unknown service \"$service\". Valid values: coderd, provisionerd, proxy." >&2; exit 2 ;;
  esac
done

if docker info >/dev/null 2>&1; then
  builder=docker
elif command -v buildah >/dev/null; then
  builder=buildah
else
  echo "Docker or Buildah is required. Install one, for example: apt-get install buildah" >&2
  exit 1
fi

given=.tools/images/engines
rm -rf "$given" .tools/images/terraform
mkdir -p "$given"
if [ -n "${TERRAFORM:-}" ]; then
  cp --dereference "$TERRAFORM" "$given/terraform"
else
  for program in terraform tofu; do
    path=$(command -v "$program" || true)
    [ -z "$path" ] || cp --dereference "$path" "$given/$program"
  done
fi

# Needed where builds themselves run in a container: no mounts of their own, the host's network.
buildah=(buildah --storage-driver "${BUILDAH_STORAGE_DRIVER:-overlay}")

secrets=()
[ -z "${NODE_EXTRA_CA_CERTS:-}" ] || secrets=(--secret "id=ca,src=$NODE_EXTRA_CA_CERTS")

# The revision that the programs report: the builder gets no checkout.
revision=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
[ -z "$revision" ] || [ -z "$(git status --porcelain --untracked-files=no)" ] || revision+=-dirty
arguments=(--build-arg "CODER_BUILD_REVISION=$revision" --build-arg "CODER_TERRAFORM_ENGINE=${CODER_TERRAFORM_ENGINE:-auto}")

build() { # service, image
  case $builder in
    docker) DOCKER_BUILDKIT=1 docker build "${secrets[@]}" "${arguments[@]}" --target "$1" --tag "$2" --file services/Dockerfile . ;;
    buildah) "${buildah[@]}" bud --isolation chroot --network host --layers "${secrets[@]}" "${arguments[@]}" --target "$1" --tag "$2" --file services/Dockerfile . ;;
  esac
}

save() { # image, file
  rm -f "$2"
  case $builder in
    docker) docker save --output "$2" "$1" ;;
    buildah) "${buildah[@]}" push --quiet "$1" "docker-archive:$2:$1" ;;
  esac
}

bytes() { # image
  case $builder in
    docker) docker image inspect --format '{{.Size}}' "$1" ;;
    buildah) "${buildah[@]}" images --json "$1" | sed -n 's/.*"size": "\([^"]*\)".*/\1/p' | head -1 ;;
  esac
}

for service in "${services[@]}"; do
  image=$repo/$service:$tag
  build "$service" "$image"
  [ -z "${IMAGE_ARCHIVES:-}" ] || { mkdir -p "$IMAGE_ARCHIVES"; save "$image" "$IMAGE_ARCHIVES/$service.tar"; }
done
echo
for service in "${services[@]}"; do
  printf '%-40s %s\n' "$repo/$service:$tag" "$(bytes "$repo/$service:$tag")"
done
