/** Fields of a cron line, as parsed by robfig/cron, the dialect that templates use. */
type Field = {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words?: readonly string[];
};

const SECOND: Field = { name: "second", min: 0, max: 59 };
const MINUTE: Field = { name: "minute", min: 0, max: 59 };
const HOUR: Field = { name: "hour", min: 0, max: 23 };
const DAY: Field = { name: "day of month", min: 1, max: 31 };
const MONTH: Field = {
  name: "month",
  min: 1,
  max: 12,
  words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Field = {
  name: "day of week",
  min: 0,
  max: 6,
  words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

const FIVE = [MINUTE, HOUR, DAY, MONTH, WEEKDAY];
const SIX = [SECOND, ...FIVE];
const DESCRIPTORS = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/** What is wrong with a script's schedule (seconds first, five fields tolerated), undefined if it is valid. */
export function scriptScheduleFault(line: string): string | undefined {
  const zone = /^(?:CRON_)?TZ=(\S+)\s+/.exec(line);
  if (zone && !isTimeZone(zone[1]!)) return `"${zone[1]}" is not a valid IANA time zone`;
  const rest = line.slice(zone?.[0].length ?? 0).trim();
  if (rest === "") return "it is empty";
  if (rest.startsWith("@")) return descriptorFault(rest);
  const fields = rest.split(/\s+/);
  if (fields.length === 5) return fieldsFault(FIVE, fields);
  if (fields.length === 6) return fieldsFault(SIX, fields);
  return `it has ${fields.length} fields where 6 are expected (second, minute, hour, day, month, day of week)`;
}

export function isFiveFieldSchedule(line: string): boolean {
  return !line.startsWith("@") && line.trim().split(/\s+/).length === 5;
}

/** What is wrong with a prebuild's schedule: whole hours only, so its minute is `*`. */
export function hourlyScheduleFault(line: string): string | undefined {
  const fields = line.trim().split(/\s+/).filter(Boolean);
  if (fields.length !== 5) return `it has ${fields.length} fields where 5 are expected`;
  if (fields[0] !== "*") return `its minute field must be "*", because a schedule covers whole hours`;
  return fieldsFault(FIVE, fields);
}

/** A name of the IANA database, spelled as there, or "Local", the time zone of the machine. */
export function isTimeZone(name: string): boolean {
  if (name === "Local") return true;
  if (!/^[A-Z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function descriptorFault(text: string): string | undefined {
  if (DESCRIPTORS.includes(text)) return undefined;
  const every = /^@every (.+)$/.exec(text);
  if (every) {
    return /^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(every[1]!)
      ? undefined
      : `"${every[1]}" is not a valid duration`;
  }
  return `"${text}" is not one of ${DESCRIPTORS.join(", ")} and @every`;
}

function fieldsFault(fields: readonly Field[], texts: readonly string[]): string | undefined {
  for (const [index, field] of fields.entries()) {
    for (const item of texts[index]!.split(",")) {
      const fault = rangeFault(field, item);
      if (fault) return fault;
    }
  }
  return undefined;
}

/** `*`, `?`, `a`, `a-b`, each with `/step`; `a/step` runs to the field's end. */
function rangeFault(field: Field, item: string): string | undefined {
  const [range, stepText, ...more] = item.split("/") as [string, string?, ...string[]];
  if (more.length > 0) return `its ${field.name} "${item}" has more than one "/"`;
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  if (!step) return `its ${field.name} "${item}" must step by a positive number`;
  if (range === "*" || range === "?") return undefined;
  const ends = range.split("-");
  if (ends.length > 2) return `its ${field.name} "${item}" has more than one "-"`;
  const from = parseNumber(ends[0]!, field);
  const to = ends.length === 2 ? parseNumber(ends[1]!, field) : stepText === undefined ? from : field.max;
  if (from === undefined || to === undefined) return `its ${field.name} "${item}" is not a number`;
  if (from < field.min || to > field.max) {
    return `its ${field.name} "${item}" must be between ${field.min} and ${field.max}`;
  }
  if (from > to) return `its ${field.name} "${item}" starts after its end`;
  return undefined;
}

function parseNumber(text: string, field?: Field): number | undefined {
  const word = field?.words?.indexOf(text.toLowerCase()) ?? -1;
  if (field && word >= 0) return field.min + word;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
