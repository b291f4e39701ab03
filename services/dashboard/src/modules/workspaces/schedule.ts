/** An autostart schedule as shown in the settings. `days`: 0 (Sunday) to 6. */
export type Schedule = { hour: number; minute: number; days: number[]; timeZone: string };

export const DAY_NAMES = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const CRON = /^(?:CRON_TZ=(\S+)\s+)?(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+(\S+)$/;

/** Reads `CRON_TZ=Europe/Berlin 30 9 * * 1-5`; undefined for any other form. */
export function parseSchedule(cron: string): Schedule | undefined {
  const [, timeZone = "UTC", minute, hour, days] = CRON.exec(cron.trim()) ?? [];
  if (minute === undefined || hour === undefined || days === undefined) return undefined;
  return { hour: Number(hour), minute: Number(minute), days: parseDays(days), timeZone };
}

function parseDays(text: string): number[] {
  if (text === "*") return [0, 1, 2, 3, 4, 5, 6];
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [from, to = from] = part.split("-").map(dayNumber);
    if (from === undefined || to === undefined) continue;
    for (let day = from; day <= (to < from ? to + 7 : to); day++) days.add(day % 7);
  }
  return [...days].sort();
}

function dayNumber(word: string): number | undefined {
  const named = DAY_NAMES.findIndex((name) => name.toLowerCase() === word.slice(0, 3).toLowerCase());
  if (named >= 0) return named;
  return /^\d$/.test(word) ? Number(word) % 7 : undefined;
}

export function formatSchedule({ hour, minute, days, timeZone }: Schedule): string {
  const list = days.length === 7 ? "*" : [...days].sort().join(",");
  return `CRON_TZ=${timeZone} ${minute} ${hour} * * ${list}`;
}

/** "09:30 on Mon, Tue (Europe/Berlin)"; the line itself if it has another form. */
export function describeSchedule(cron: string): string {
  const schedule = parseSchedule(cron);
  if (!schedule) return cron;
  const { hour, minute, days, timeZone } = schedule;
  const time = `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
  const when = days.length === 7 ? "every day" : `on ${days.map((day) => DAY_NAMES[day]).join(", ")}`;
  return `${time} ${when} (${timeZone})`;
}
