import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { packFolder, TAR_MIMETYPE } from "@fleet/provisionersdk";
import { isMap, parseDocument } from "yaml";
import { BadVersion } from "./errors.js";

/** A starter template: a folder with a README.md whose front matter describes it. */
export type Example = {
  id: string;
  name: string;
  description: string;
  icon: string;
  tags: string[];
  /** The README without its front matter. */
  markdown: string;
};

/** The starter templates in the folder; empty if the folder does not exist. */
export type Examples = {
  /** By name. */
  list(): Promise<Example[]>;
  /** The example's archive. Throws if the example does not exist. */
  archive(id: string): Promise<{ mimetype: string; data: Uint8Array }>;
};

const FOLDER = /^[a-z0-9][a-z0-9-]*$/;

export function createExamples({ folder }: { folder: string | undefined }): Examples {
  let loaded: Promise<Example[]> | undefined;

  async function load(): Promise<Example[]> {
    if (!folder) return [];
    const entries = await orIfAbsent(readdir(folder, { withFileTypes: true }), []);
    const ids = entries
      .filter((entry) => entry.isDirectory() && FOLDER.test(entry.name))
      .map(({ name }) => name);
    const examples = await Promise.all(ids.map((id) => readExample(folder, id)));
    return examples.filter((example) => example !== undefined).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  const list = () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };

  return {
    list,

    async archive(id) {
      const known = await list();
      if (!folder || !known.some((example) => example.id === id)) {
        const names = known.map((example) => example.id).join(", ") || "none on this server";
        throw new BadVersion(
          "example_id",
          `Starter template "${id}" not found. Available starter templates: ${names}.`,
        );
      }
      return { mimetype: TAR_MIMETYPE, data: (await packFolder(join(folder, id))).bytes };
    },
  };
}

/** The result of reading; the fallback value if the file does not exist. Other errors are rethrown. */
async function orIfAbsent<T, U>(read: Promise<T>, absent: U): Promise<T | U> {
  try {
    return await read;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return absent;
    throw error;
  }
}

async function readExample(folder: string, id: string): Promise<Example | undefined> {
  const text = await orIfAbsent(readFile(join(folder, id, "README.md"), "utf8"), undefined);
  if (text === undefined) return undefined;
  const { fields, body } = splitFrontMatter(text);
  const textOf = (key: string) => (typeof fields[key] === "string" ? fields[key] : undefined);
  const tags: unknown[] = Array.isArray(fields.tags) ? fields.tags : [];
  return {
    id,
    name: textOf("display_name") ?? id,
    description: textOf("description") ?? "",
    icon: textOf("icon") ?? "",
    tags: tags.map(String),
    markdown: body.trim(),
  };
}

/**
 * The YAML between two `---` lines at the top, and the text after them. If it is not a YAML mapping, it stays part of
 * the text, so that the author sees it on the page.
 */
function splitFrontMatter(text: string): { fields: Record<string, unknown>; body: string } {
  const match = /^---\r?\n([\s\S]*?)\r?\n---\r?\n?/.exec(text);
  const document = match && parseDocument(match[1]!);
  if (!isMap(document?.contents) || document.errors.length > 0) return { fields: {}, body: text };
  return { fields: document.toJS(), body: text.slice(match![0].length) };
}
