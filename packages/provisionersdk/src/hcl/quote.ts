/** Longest source line that is quoted, in characters. */
const MAX_QUOTE = 200;

/** A source line below a message, with its number as in terraform's own messages: `  12 | count = 1`. */
export function quoteLine(line: number, source: string): string {
  const code = source.trimEnd();
  const shown = code.length > MAX_QUOTE ? `${code.slice(0, MAX_QUOTE)}…` : code;
  return `${String(line).padStart(4)} | ${shown}`;
}
