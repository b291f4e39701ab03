import { StringDecoder } from "node:string_decoder";

/** Longer lines are split, in characters: coderd's maximum line length. */
export const MAX_LINE_LENGTH = 8 * 1024;

/** Splits a byte stream into lines of valid text without line ends. NUL, which Postgres rejects, is removed. */
export function createLineSplitter(onLine: (line: string) => void): {
  push(chunk: Buffer): void;
  end(): void;
} {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const emit = (line: string) => onLine(line.replaceAll("\0", "").replace(/\r$/, "").toWellFormed());
  function take(text: string): void {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) emitCut(line);
    while (rest.length > MAX_LINE_LENGTH) {
      emit(rest.slice(0, MAX_LINE_LENGTH));
      rest = rest.slice(MAX_LINE_LENGTH);
    }
  }
  function emitCut(line: string): void {
    for (let at = 0; at === 0 || at < line.length; at += MAX_LINE_LENGTH)
      emit(line.slice(at, at + MAX_LINE_LENGTH));
  }
  return {
    push: (chunk) => take(decoder.write(chunk)),
    end() {
      take(decoder.end());
      if (rest !== "") emit(rest);
      rest = "";
    },
  };
}
