#!/bin/sh
# Manages one workspace on this machine: create-home | start | stop | delete-home.
# Environment: DATA_DIR, WORKSPACE_ID; for start also WORKSPACE_NAME, SANDBOX, INIT_SCRIPT and CODER_AGENT_TOKEN.
set -eu

GRACE_SECONDS=15

case "$WORKSPACE_ID" in
  *[!0-9a-zA-Z-]* | "") echo "\"$WORKSPACE_ID\" is no workspace id." >&2; exit 1 ;;
esac
root="${DATA_DIR:-$HOME/.local/share/coder/workspaces}"
place="$root/$WORKSPACE_ID"
home="$place/home"
run="$place/run"
# Inherited by every process of the workspace, even if it detaches.
mark="CODER_LOCAL_WORKSPACE=$WORKSPACE_ID"

# Process IDs of the workspace on this machine.
processes() {
  grep -lzxF "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3 || true
}

# Those of them that are the agent: `… agent`.
agents() {
  for pid in $(processes); do
    if grep -qzxF agent "/proc/$pid/cmdline" 2>/dev/null; then echo "$pid"; fi
  done
}

create_home() {
  mkdir -p "$home"
  chmod 700 "$place" "$home"
}

sandbox_works() {
  command -v bwrap >/dev/null 2>&1 && bwrap --unshare-pid --ro-bind / / --proc /proc --dev /dev true 2>/dev/null
}

start() {
  stop
  create_home
  rm -rf "$run"
  mkdir -p "$run/tmp"
  printf '%s' "$INIT_SCRIPT" > "$run/init.sh"
  sandboxed=no
  case "$SANDBOX" in
    always) sandbox_works || { echo "bubblewrap does not work here. Install the package bubblewrap, or push the template with --variable sandbox=auto." >&2; exit 1; }; sandboxed=yes ;;
    auto) if sandbox_works; then sandboxed=yes; else echo "bubblewrap is not here or does not work: the workspace runs without a sandbox."; fi ;;
  esac

  set -- sh "$run/init.sh"
  if [ "$sandboxed" = yes ]; then
    # Read-only system, writable home folder, own processes only; other workspaces and the provisioner's home are hidden.
    set -- bwrap --unshare-pid --unshare-ipc --unshare-uts --hostname "$(echo "$WORKSPACE_NAME" | cut -c 1-63)" \
      --ro-bind / / --dev /dev --proc /proc --bind "$run/tmp" /tmp --tmpfs "$HOME" --tmpfs "$root" \
      --bind "$home" "$home" --ro-bind "$run/init.sh" "$run/init.sh" --chdir "$home" -- "$@"
  fi
  # A new session with a login environment instead of the provisioner's environment.
  env -i PATH="$PATH" LANG="${LANG:-C.UTF-8}" SHELL="${SHELL:-/bin/sh}" USER="${USER:-$(id -un)}" \
    HOME="$home" TMPDIR="$([ "$sandboxed" = yes ] && echo /tmp || echo "$run/tmp")" \
    CODER_AGENT_TOKEN="$CODER_AGENT_TOKEN" "$mark" \
    setsid -f sh -c 'cd "$1" && shift && exec "$@"' workspace "$home" "$@" > "$place/agent.log" 2>&1 < /dev/null
  echo "The workspace's processes are started in $home"
}

# Stops the agent first, so that it runs the shutdown scripts; then kills remaining processes.
stop() {
  [ -n "$(processes)" ] || return 0
  for pid in $(agents); do kill -TERM "$pid" 2>/dev/null || true; done
  waited=0
  while [ -n "$(agents)" ] && [ "$waited" -lt "$((GRACE_SECONDS * 10))" ]; do
    sleep 0.1
    waited=$((waited + 1))
  done
  tries=0
  while pids=$(processes) && [ -n "$pids" ]; do
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null || true; done
    tries=$((tries + 1))
    [ "$tries" -le 50 ] || { echo "These processes do not end: $pids" >&2; exit 1; }
    sleep 0.1
  done
  rm -rf "$run"
  echo "The workspace's processes are stopped"
}

delete_home() {
  stop
  rm -rf "$place"
  echo "The workspace's home is deleted"
}

case "${1:-}" in
  create-home) create_home ;;
  start) start ;;
  stop) stop ;;
  delete-home) delete_home ;;
  *) echo "usage: workspace.sh create-home|start|stop|delete-home" >&2; exit 2 ;;
esac
