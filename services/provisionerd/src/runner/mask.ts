import type { Job, Job_TemplateDryRun } from "@fleet/proto-gen/provisioner";
import { buildOf } from "./job-build.js";

/** Shorter values are too common to be searched for in a log. */
export const MASKED_LENGTH = 8;
/** Bytes of one value that are searched for, and values of one job. */
const VALUE_LIMIT = 64 * 1024;
const VALUES_LIMIT = 1_000;

export const MASK = "********";

/** Hides a job's secrets in what its user reads. */
export type Mask = {
  add(values: readonly string[]): void;
  /**
   * The text with every secret replaced by asterisks: as it is, line by line, as JSON writes it, URL-encoded, or in
   * base64, also inside longer base64.
   */
  apply(text: string): string;
};

export function createMask(): Mask {
  const needles = new Set<string>();
  let values = 0;
  let pattern: RegExp | undefined;
  return {
    add(secrets) {
      for (const secret of secrets) {
        if (secret.length < MASKED_LENGTH || values >= VALUES_LIMIT) continue;
        values += 1;
        for (const form of formsOf(secret.slice(0, VALUE_LIMIT))) needles.add(form);
      }
      // The longest first, because alternatives are tried in order.
      const all = [...needles].sort((a, b) => b.length - a.length).map((needle) => literally(needle));
      pattern = all.length > 0 ? new RegExp(all.join("|"), "g") : undefined;
    },
    apply: (text) => (pattern ? text.replace(pattern, MASK) : text),
  };
}

/** The secrets that a job brings, apart from those that its template declares. */
export function secretsOf({ type }: Job): string[] {
  if (type.case === "templateImport" || type.case === undefined) return [];
  const build = buildOf(type);
  const { metadata, variableValues } = build ?? (type.value as Job_TemplateDryRun);
  const variables = variableValues.filter(({ sensitive }) => sensitive).map(({ value }) => value);
  const tokens = build?.externalAuthTokens ?? [];
  const stored = build?.userSecrets ?? [];
  return [
    ...variables,
    ...tokens.map(({ accessToken }) => accessToken),
    ...stored.map(({ value }) => value),
    metadata?.ownerSessionToken ?? "",
    metadata?.ownerOidcAccessToken ?? "",
    metadata?.ownerSshPrivateKey ?? "",
    metadata?.runningAgentToken ?? "",
  ];
}

function formsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter((line) => !line.startsWith("-----"));
  const plain = [secret, ...lines, ...stringsOf(secret)];
  return plain
    .flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), ...base64Of(text)])
    .filter((form) => form.length >= MASKED_LENGTH);
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** The strings in a value of a list or an object, which terraform takes as JSON. */
function stringsOf(text: string): string[] {
  if (!/^\s*[[{]/.test(text)) return [];
  try {
    const found: string[] = [];
    JSON.parse(text, (_key, value) => {
      if (typeof value === "string" && value.length >= MASKED_LENGTH) found.push(value);
      return value;
    });
    return found;
  } catch {
    return [];
  }
}

/**
 * Base64 in both alphabets, of the text at each of the three places that it can have in a group of three bytes, without
 * the characters that depend on its neighbors.
 */
function base64Of(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const whole = padded.slice([0, 2, 3][shift]!, padded.length - ((shift + bytes.length) % 3 === 0 ? 0 : 1));
    return [whole, whole.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
