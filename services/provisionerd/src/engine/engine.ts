import semver from "semver";

/** The programs that can run templates. */
export type EngineName = "terraform" | "opentofu";

/** CODER_TERRAFORM_ENGINE; `auto` takes either, Terraform first. */
export const ENGINE_SETTINGS = ["auto", "terraform", "opentofu"] as const;
export type EngineSetting = (typeof ENGINE_SETTINGS)[number];

/** A program that runs templates, as it was found. */
export type Engine = {
  name: EngineName;
  path: string;
  version: string;
  /** A sentence, if it is older than templates may need. */
  outdated?: string;
};

type Kind = {
  title: string;
  /** Name of its executable, and its command in error messages. */
  program: string;
  /** The oldest version that current templates run on. */
  needed: string;
  /** Still used if there is nothing else; older ones lack output that the daemon reads. */
  oldest: string;
};

export const ENGINES: Readonly<Record<EngineName, Kind>> = {
  terraform: { title: "Terraform", program: "terraform", needed: "1.14.0", oldest: "1.11.0" },
  opentofu: { title: "OpenTofu", program: "tofu", needed: "1.12.0", oldest: "1.10.0" },
};

/** The engines that a setting allows, in the order in which they are looked for. */
export function enginesOf(setting: EngineSetting): EngineName[] {
  return setting === "auto" ? ["terraform", "opentofu"] : [setting];
}

export type Age = "current" | "outdated" | "unusable";

/** How a version compares with what templates and the daemon need. A pre-release counts as its release. */
export function ageOf({ name, version }: Pick<Engine, "name" | "version">): Age {
  const { needed, oldest } = ENGINES[name];
  const release = semver.coerce(version) ?? "0.0.0";
  if (semver.gte(release, needed)) return "current";
  return semver.gte(release, oldest) ? "outdated" : "unusable";
}

/** `Terraform 1.15.5`. */
export function titleOf({ name, version }: Pick<Engine, "name" | "version">): string {
  return `${ENGINES[name].title} ${version}`;
}
