/** Maximum length of a workspace name. */
const LONGEST = 32;

/** Suggests a workspace name from the template's name: "docker-4f2a". Names are unique per owner. */
export function suggestName(template: string, random: () => number = Math.random): string {
  const suffix = Math.floor(random() * 0x10000)
    .toString(16)
    .padStart(4, "0");
  const stem = template
    .replace(/[^a-zA-Z0-9]+/g, "-")
    .slice(0, LONGEST - suffix.length - 1)
    .replace(/^-+|-+$/g, "");
  return `${stem || "workspace"}-${suffix}`;
}
