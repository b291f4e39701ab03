/**
 * The scripts that download the agent and exec it. The provider fills `${ACCESS_URL}` (with a trailing slash) and
 * `${AUTH_TYPE}`; `${ARCH}` is filled here. The machine runs the script with CODER_AGENT_TOKEN set.
 */

export type AgentPlatform = { os: "linux" | "darwin" | "windows"; arch: "amd64" | "arm64" | "armv7" };

const UNIX_ARCHES = ["amd64", "arm64", "armv7"] as const;

/** Every platform that a template may name. */
export const AGENT_PLATFORMS: readonly AgentPlatform[] = [
  ...UNIX_ARCHES.map((arch) => ({ os: "linux", arch }) as const),
  ...UNIX_ARCHES.map((arch) => ({ os: "darwin", arch }) as const),
  ...UNIX_ARCHES.map((arch) => ({ os: "windows", arch }) as const),
];

const UNIX_HEAD = `#!/usr/bin/env sh
set -eux
# On failure, keep the machine for a day so that its output can be read.
trap 'status=$?; if [ "$status" -ne 0 ]; then echo "The agent failed to start with exit status $status."; sleep 86400; fi; exit "$status"' EXIT
BINARY_DIR="\${BINARY_DIR:-$(mktemp -d -t coder.XXXXXX)}"
BINARY_NAME=coder
cd "$BINARY_DIR"
`;

const UNIX_TAIL = `chmod +x "$BINARY_NAME"
export CODER_AGENT_AUTH="\${AUTH_TYPE}"
export CODER_AGENT_URL="\${ACCESS_URL}"
# Replace the shell, so that the agent receives the container's stop signal.
exec ./"$BINARY_NAME" agent
`;

/** Tries the download tools an image may have until one succeeds: the server may come up later than the machine. */
const LINUX = `${UNIX_HEAD}BINARY_URL="\${ACCESS_URL}bin/coder-linux-\${ARCH}"
until
  { command -v curl >/dev/null 2>&1 && curl -fsSL --compressed --retry 3 "$BINARY_URL" -o "$BINARY_NAME"; } ||
  { command -v wget >/dev/null 2>&1 && wget -q "$BINARY_URL" -O "$BINARY_NAME"; } ||
  { command -v busybox >/dev/null 2>&1 && busybox wget -q "$BINARY_URL" -O "$BINARY_NAME"; }
do
  echo "Could not download the agent from $BINARY_URL with curl, wget or busybox; retrying in 10 seconds."
  sleep 10
done
${UNIX_TAIL}`;

const DARWIN = `${UNIX_HEAD}BINARY_URL="\${ACCESS_URL}bin/coder-darwin-\${ARCH}"
until curl -fsSL --compressed --retry 3 "$BINARY_URL" -o "$BINARY_NAME"; do
  echo "Could not download the agent from $BINARY_URL; retrying in 10 seconds."
  sleep 10
done
${UNIX_TAIL}`;

const WINDOWS = `$ErrorActionPreference = "Stop"
$ProgressPreference = "SilentlyContinue"
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
$binaryUrl = "\${ACCESS_URL}bin/coder-windows-\${ARCH}.exe"
$binary = Join-Path $env:TEMP "coder-agent.exe"
while ($true) {
  try {
    Invoke-WebRequest -UseBasicParsing -Uri $binaryUrl -OutFile $binary
    break
  } catch {
    Write-Output "Could not download the agent from $binaryUrl; retrying in 10 seconds."
    Start-Sleep -Seconds 10
  }
}
$env:CODER_AGENT_AUTH = "\${AUTH_TYPE}"
$env:CODER_AGENT_URL = "\${ACCESS_URL}"
& $binary agent
if ($LASTEXITCODE -ne 0) {
  Write-Output "The agent exited with status $LASTEXITCODE."
  Start-Sleep -Seconds 86400
}
`;

const SCRIPTS = { linux: LINUX, darwin: DARWIN, windows: WINDOWS };

/** The script for a platform, still with the provider's two placeholders. */
export function agentScript({ os, arch }: AgentPlatform): string {
  return SCRIPTS[os].replace(/\$\{ARCH\}/g, arch);
}
