#!/usr/bin/env bash
# Installs missing Debian packages, and prints why each is needed.
#   packages.sh run       to run the fleet
#   packages.sh test      to run every test
#   packages.sh front     to test it behind other reverse proxies
#   packages.sh fuzz      to fuzz the API
#   packages.sh identity  to test sign-in, SCIM, git and e-mail with real peers
#   packages.sh ssh       to test with real SSH clients
#   packages.sh devcontainers  to test dev containers
#   packages.sh images    to build images where there is no docker
set -euo pipefail

# command or file:package:why
run=(
  "redis-server:redis-server:the job queue and live updates run on it"
  "curl:curl:workspaces fetch the agent with it"
)
test=(
  "ssh:openssh-client:tests drive the SSH server with the real client"
  "rsync:rsync:tests copy files over SSH with it"
  "chromium:chromium:the dashboard's tests click in it"
  "bwrap:bubblewrap:the template local shuts a workspace in with it"
  "qemu-aarch64-static:qemu-user-static:the arm64 executable is run with it"
  "/usr/aarch64-linux-gnu/lib/libstdc++.so.6:libstdc++6-arm64-cross:the arm64 executable is linked with it"
)
front=(
  "nginx:nginx-light:the fleet is tested behind it"
  "haproxy:haproxy:the fleet is tested behind it"
)
fuzz=(
  "python3:python3-venv:schemathesis, which makes requests out of the API's document, runs on it"
)
identity=(
  "python3:python3-venv:scim2-tester runs on it"
  "git:git:tests clone and push with it"
)
ssh=(
  "dbclient:dropbear-bin:tests connect with it"
  "dropbearconvert:dropbear-bin:it converts the key for dbclient"
  "plink:putty-tools:tests connect with it"
  "python3:python3-venv:paramiko and asyncssh run on it"
)
devcontainers=(
  "dockerd:docker.io:dev containers run on it"
  "debootstrap:debootstrap:their image is made with it where no registry can be reached"
)
images=(
  "buildah:buildah:it builds the images of the services"
)

case ${1:-run} in
  run) wanted=("${run[@]}") ;;
  test) wanted=("${run[@]}" "${test[@]}") ;;
  front) wanted=("${run[@]}" "${test[@]}" "${front[@]}") ;;
  fuzz) wanted=("${run[@]}" "${fuzz[@]}") ;;
  identity) wanted=("${run[@]}" "${test[@]}" "${identity[@]}") ;;
  ssh) wanted=("${run[@]}" "${test[@]}" "${ssh[@]}") ;;
  devcontainers) wanted=("${run[@]}" "${test[@]}" "${devcontainers[@]}") ;;
  images) wanted=("${images[@]}") ;;
  *) echo "Usage: packages.sh run|test|front|fuzz|identity|ssh|devcontainers|images" >&2; exit 2 ;;
esac

packages=()
for entry in "${wanted[@]}"; do
  IFS=: read -r command package why <<<"$entry"
  if ! command -v "$command" >/dev/null 2>&1 && [ ! -x "/usr/sbin/$command" ] && [ ! -e "$command" ]; then
    echo "Missing: $package ($why)"
    packages+=("$package")
  fi
done
[ ${#packages[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Install them as root, then run this again:  apt-get install ${packages[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
command -v apt-get >/dev/null || { echo "apt-get not found. Install ${packages[*]} with your package manager, then run this again." >&2; exit 1; }
echo "Installing: ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
