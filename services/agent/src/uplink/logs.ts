import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { LogLevel } from "@fleet/proto-gen/agent";
import type { Delivery, Uplink } from "./delivery.js";

export type LogLine = {
  sourceId: string;
  createdAt: Date;
  level: "info" | "warn" | "error";
  output: string;
};

/** Maximum queued characters per source: as much as coderd stores, so that its beginning is never dropped. */
const SOURCE_CHARACTERS = 1024 * 1024;
/** Maximum queued characters of all sources together; beyond it, each source still has room for a few lines. */
const ALL_CHARACTERS = 4 * 1024 * 1024;
const SOURCE_SHARE = 64 * 1024;
/** Minimum size counted per line, in characters; the same as in coderd. */
const LINE_COST = 8;
/** Maximum characters and lines of one call, well below gRPC's message limit. */
const BATCH_CHARACTERS = 256 * 1024;
const BATCH_LINES = 2_000;
const DELAY_MS = 250;

const LEVEL = { info: LogLevel.INFO, warn: LogLevel.WARN, error: LogLevel.ERROR };

type NumberedLine = LogLine & { sequence: bigint };
type Source = {
  waiting: number;
  /** Lines dropped since the last accepted one. */
  dropped: number;
  /** coderd stores no more lines of this source. */
  full: boolean;
};

const costOf = ({ output }: LogLine) => Math.max(output.length + 1, LINE_COST);

/**
 * Sends scripts' log lines to coderd. If a source logs faster than its lines can be sent, its own later lines are
 * dropped, never its beginning or another source's, and a line reports how many.
 */
export function createLogs(uplink: Uplink, bootId: string): Pick<Delivery<LogLine>, "push" | "flush"> {
  const sources = new Map<string, Source>();
  let sequence = 0n;
  let waitingCharacters = 0;

  const delivery = uplink.delivery<NumberedLine>({
    name: "logs",
    limit: Number.POSITIVE_INFINITY, // Each line has already been counted.
    batch: BATCH_LINES,
    batchSize: BATCH_CHARACTERS,
    sizeOf: costOf,
    delayMs: DELAY_MS,
    async send(client, lines) {
      // One call per source, in order, numbered by its first line: coderd drops calls with a number that it has already
      // seen.
      for (const group of bySource(lines)) {
        const { sourceId, sequence } = group[0]!;
        const source = sourceOf(sourceId);
        if (source.full) continue;
        const { logLimitExceeded } = await client.batchCreateLogs({
          bootId,
          logSourceId: sourceId,
          sequence,
          logs: group.map(({ createdAt, level, output }) => ({
            createdAt: timestampFromDate(createdAt),
            level: LEVEL[level],
            output,
          })),
        });
        source.full ||= logLimitExceeded;
      }
      for (const line of lines) release(line);
    },
  });

  function sourceOf(id: string): Source {
    const known = sources.get(id);
    if (known) return known;
    const source = { waiting: 0, dropped: 0, full: false };
    sources.set(id, source);
    return source;
  }

  function release(line: LogLine): void {
    const cost = costOf(line);
    sourceOf(line.sourceId).waiting -= cost;
    waitingCharacters -= cost;
  }

  function add(source: Source, line: LogLine): void {
    const cost = costOf(line);
    source.waiting += cost;
    waitingCharacters += cost;
    delivery.push({ ...line, sequence: ++sequence });
  }

  return {
    push(line) {
      const source = sourceOf(line.sourceId);
      if (source.full) return;
      const waiting = source.waiting + costOf(line);
      const fits =
        waiting <= SOURCE_CHARACTERS &&
        (waitingCharacters + costOf(line) <= ALL_CHARACTERS || waiting <= SOURCE_SHARE);
      if (!fits) {
        source.dropped++;
        return;
      }
      if (source.dropped > 0) {
        const output = `${source.dropped} lines were dropped because the script logs faster than its log can be sent.`;
        source.dropped = 0;
        add(source, { ...line, level: "warn", output });
      }
      add(source, line);
    },
    flush: delivery.flush,
  };
}

/** Groups consecutive lines of one source. */
function bySource<T extends { sourceId: string }>(items: T[]): T[][] {
  const groups: T[][] = [];
  for (const item of items) {
    const last = groups.at(-1);
    if (last?.[0]?.sourceId === item.sourceId) last.push(item);
    else groups.push([item]);
  }
  return groups;
}
