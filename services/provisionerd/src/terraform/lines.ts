import { stripVTControlCharacters } from "node:util";

/** Maximum bytes of one line. The rest is dropped, so that a program that never ends a line cannot exhaust memory. */
export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** `cut` is true if the line was truncated. */
export type OnLine = (line: string, cut: boolean) => void;

export type LineSplitter = {
  push(chunk: Uint8Array): void;
  /** Emits the text after the last newline. */
  end(): void;
};

/** Splits output into lines, without empty ones. Buffers at most `maxBytes` of one line. */
export function createLineSplitter(onLine: OnLine, maxBytes = MAX_LINE_BYTES): LineSplitter {
  let parts: Uint8Array[] = [];
  let size = 0;
  let cut = false;

  function keep(part: Uint8Array): void {
    const kept = part.subarray(0, maxBytes - size);
    cut ||= kept.length < part.length;
    if (kept.length === 0) return;
    // A copy, because the chunk's buffer may be far larger than the kept part.
    parts.push(Uint8Array.from(kept));
    size += kept.length;
  }

  function finish(): void {
    const line = Buffer.concat(parts);
    const end = !cut && line.at(-1) === RETURN ? line.length - 1 : line.length;
    const wasCut = cut;
    parts = [];
    size = 0;
    cut = false;
    if (end > 0) onLine(line.toString("utf8", 0, end), wasCut);
  }

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, at));
        finish();
        from = at + 1;
      }
      keep(chunk.subarray(from));
    },
    end: finish,
  };
}

/**
 * The JSON document in a program's output. OpenTofu prints warnings about its own settings before it, and a wrapper may
 * print anything around it. Output without a document is returned as it is, for the reader to reject.
 */
export function jsonDocument(output: string): string {
  const whole = output.trim();
  // The usual case, which may have many megabytes.
  if (whole.startsWith("{") && !whole.includes("\n")) return whole;
  const text = stripVTControlCharacters(whole);
  for (const { index } of text.matchAll(/^[ \t]*\{/gm)) {
    const rest = text.slice(index);
    const line = /^.*/.exec(rest)![0];
    const found = [rest, line, rest.slice(0, rest.lastIndexOf("\n}") + 2)].find(isDocument);
    if (found !== undefined) return found.trim();
  }
  return whole;
}

function isDocument(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The DOT graph in a program's output, without warnings around it. */
export function graphDocument(output: string): string {
  const text = stripVTControlCharacters(output).replaceAll("\r\n", "\n");
  const from = text.search(/^(strict )?digraph\b/m);
  const to = text.lastIndexOf("\n}");
  return from >= 0 && to > from ? `${text.slice(from, to)}\n}\n` : text;
}
