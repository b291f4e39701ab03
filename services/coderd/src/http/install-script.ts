/**
 * `curl -fsSL URL/install.sh | sh` installs the CLI that this deployment serves. Plain sh, all in one function, so that
 * an interrupted download runs nothing.
 */
export function installScript(accessUrl: string): string {
  return SCRIPT.replace("@ACCESS_URL@", () => quoted(accessUrl.replace(/\/+$/, "")));
}

/** Quotes text as one sh word. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}

const SCRIPT = `#!/bin/sh
# Installs the Coder CLI. Environment:
#   CODER_INSTALL_DIR  Directory to install to (default /usr/local/bin if writable, otherwise ~/.local/bin)
set -eu

main() {
  url=@ACCESS_URL@
  case "$(uname -s)" in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) fail "The CLI is not available for $(uname -s) from this script. On Windows, download $url/bin/coder-windows-amd64.exe." ;;
  esac
  case "$(uname -m)" in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    armv7*) arch=armv7 ;;
    *) fail "The CLI is not available for the architecture $(uname -m)." ;;
  esac
  dir=\${CODER_INSTALL_DIR:-/usr/local/bin}
  if [ -z "\${CODER_INSTALL_DIR:-}" ] && ! [ -w "$dir" ]; then dir=$HOME/.local/bin; fi
  mkdir -p "$dir"
  file=$(mktemp "$dir/.coder.XXXXXX")
  trap 'rm -f "$file"' EXIT
  echo "Downloading $url/bin/coder-$os-$arch"
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --compressed "$url/bin/coder-$os-$arch" -o "$file" || fail "The download failed."
  elif command -v wget >/dev/null 2>&1; then
    wget -q "$url/bin/coder-$os-$arch" -O "$file" || fail "The download failed."
  else
    fail "Install curl or wget first."
  fi
  chmod 755 "$file"
  "$file" version >/dev/null || fail "The downloaded executable does not run on this machine."
  mv -f "$file" "$dir/coder"
  trap - EXIT
  echo "Installed $dir/coder"
  case ":$PATH:" in
    *":$dir:"*) ;;
    *) echo "Add $dir to your PATH." ;;
  esac
  echo "Sign in with: coder login $url"
}

fail() {
  echo "$1" >&2
  exit 1
}

main
`;
