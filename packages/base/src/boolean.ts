/** True for `1`, `true`, `yes` and `on`, in any case; false for their opposites; undefined for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  return undefined;
}
