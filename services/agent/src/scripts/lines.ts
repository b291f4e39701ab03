import { StringDecoder } from "node:string_decoder";

/** A longer line is cut into several, in characters: what coderd keeps as one. */
export const MAX_LINE_LENGTH = 8 * 1024;

/** Cuts a byte stream into lines of valid text, without their ends. NUL, which no database takes, is left out. */
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
