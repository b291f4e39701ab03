import {
  AppWindow,
  Bot,
  Box,
  Boxes,
  Clock,
  Cloud,
  Code,
  Container,
  Cpu,
  Database,
  FileText,
  Folder,
  Gauge,
  GitBranch,
  Globe,
  HardDrive,
  House,
  Image,
  Key,
  Languages,
  Layers,
  Lock,
  type LucideIcon,
  MapPin,
  MemoryStick,
  Monitor,
  Network,
  Notebook,
  Package,
  Play,
  Rocket,
  Server,
  Settings,
  Smartphone,
  Square,
  SquareTerminal,
  User,
  Wrench,
} from "lucide-react";
import { useState } from "react";

/** Replaces conventional icon paths of templates (`/icon/code.svg`, `/emojis/25b6.png`). */
const BY_NAME: [RegExp, LucideIcon][] = [
  [/^(docs|documentation|book|readme|manual|1f4c4|1f4d6)/, FileText],
  [/^(code|vscode|vsc|cursor|windsurf|zed|code-insiders|theia|positron|kiro)/, Code],
  [/^(terminal|bash|zsh|shell|ttyd|ssh|2328)/, SquareTerminal],
  [/^(docker|container|devcontainers?|podman|envbuilder|coder)/, Container],
  [/^(k8s|kube|helm|nomad|swarm)/, Boxes],
  [
    /^(aws|gcp|google|azure|do$|digital-?ocean|hetzner|linode|oci|openstack|equinix|akamai|vsphere|proxmox|2601)/,
    Cloud,
  ],
  [/^(memory|ram|1f9e0)/, MemoryStick],
  [/^(cpu|processor|gpu|nvidia)/, Cpu],
  [/^(home|house|1f3e0|1f3e1)/, House],
  [/^(folder|filebrowser|dir|1f4c1|1f4c2)/, Folder],
  [/^(disk|storage|volume|1f4be|1f4bd)/, HardDrive],
  [/^(database|postgres|mysql|maria|mongo|redis|pgadmin|dbeaver|phpmyadmin)/, Database],
  [/^(git|github|gitlab|bitbucket|gitea)/, GitBranch],
  [/^(jupyter|notebook|rstudio|zeppelin|1f4d3)/, Notebook],
  [/^(desktop|kasmvnc|novnc|rdp|apache-guacamole|x11|1f5a5)/, Monitor],
  [
    /^(intellij|jetbrains|goland|pycharm|webstorm|phpstorm|clion|rider|rubymine|rustrover|fleet|gateway|toolbox)/,
    AppWindow,
  ],
  [/^(android|ios|1f4f1)/, Smartphone],
  [/^(claude|goose|aider|openai|gemini|copilot|ai$|1f916)/, Bot],
  [/^(node|python|ruby|go|java|php|rust|typescript|javascript|perl|c|cpp|dotnet|lang|1f310)$/, Languages],
  [/^(image|picture|1f5bc)/, Image],
  [/^(key|vault|hashicorp|1f511)/, Key],
  [/^(lock|1f512)/, Lock],
  [/^(user|personalize|1f464)/, User],
  [/^(clock|time|auto-dev|23f0|1f550)/, Clock],
  [/^(map|region|1f30d|1f30e|1f4cd)/, MapPin],
  [/^(widgets|layers|1f9e9)/, Layers],
  [/^(web|globe|browser|firefox|chrom|1f30)/, Globe],
  [/^(network|vpn|tailscale)/, Network],
  [/^(gauge|load|metrics|grafana|prometheus|1f4c8|1f4ca)/, Gauge],
  [/^(server|vm|instance|1f5a5)/, Server],
  [/^(package|npm|artifactory|nexus|1f4e6)/, Package],
  [/^(tool|wrench|1f6e0|1f527)/, Wrench],
  [/^(setting|config|dotfiles|2699)/, Settings],
  [/^(rocket|1f680)/, Rocket],
  [/^(play|start|25b6)/, Play],
  [/^(stop|25c0|23f9)/, Square],
];

/** Name in an icon path: "code" in "/icon/code.svg". Undefined for other URLs. */
function conventionalName(url: string): string | undefined {
  return /^\/(?:icons?|emojis?)\/([\w.+-]+?)\.(?:svg|png)$/i.exec(url)?.[1]?.toLowerCase();
}

/** Emoji of an icon path: "/emojis/1f680.png" is a rocket. */
function emojiOf(url: string): string | undefined {
  const hex = /^\/emojis?\/([0-9a-f]{2,6}(?:-[0-9a-f]{2,6})*)\.png$/i.exec(url)?.[1];
  if (hex === undefined) return undefined;
  const points = hex.split("-").map((point) => Number.parseInt(point, 16));
  return points.every((point) => point <= 0x10ffff) ? String.fromCodePoint(...points) : undefined;
}

function drawnFor(word: string | undefined): LucideIcon | undefined {
  return word === undefined ? undefined : BY_NAME.find(([pattern]) => pattern.test(word))?.[1];
}

export type IconProps = {
  /** The template's value: a conventional path, an image URL, or nothing. */
  url?: string | undefined;
  /** Names to guess the icon from, by priority: a slug, a resource type. */
  hints?: readonly string[];
  size?: number;
};

/** Icon of an app, resource, template or option; never a broken image. */
export function Icon({ url, hints = [], size = 18 }: IconProps) {
  const [broken, setBroken] = useState(false);
  const style = { width: size, height: size };
  const name = url ? conventionalName(url) : undefined;
  const isPicture = url && name === undefined && /^(https?:\/\/|\/(?!\/)|data:image\/)/.test(url);
  if (isPicture && !broken) {
    return (
      <img
        src={url}
        alt=""
        style={style}
        referrerPolicy="no-referrer"
        onError={() => setBroken(true)}
        className="shrink-0 object-contain"
      />
    );
  }
  const emoji = url ? emojiOf(url) : undefined;
  if (emoji !== undefined && drawnFor(name) === undefined) {
    return (
      <span
        aria-hidden
        style={{ ...style, fontSize: size * 0.85 }}
        className="shrink-0 text-center leading-none"
      >
        {emoji}
      </span>
    );
  }
  const guesses = [name, ...hints.map((hint) => hint.toLowerCase())];
  const Drawn = guesses.map(drawnFor).find((icon) => icon !== undefined) ?? Box;
  return <Drawn aria-hidden style={style} className="shrink-0" strokeWidth={1.75} />;
}

/** An icon in a tile, as lists and headers show it. */
export function IconTile({ size = 36, ...icon }: IconProps) {
  return (
    <span
      style={{ width: size, height: size }}
      className="flex shrink-0 items-center justify-center rounded-lg border border-line bg-sunken text-muted"
    >
      <Icon {...icon} size={Math.round(size * 0.52)} />
    </span>
  );
}
