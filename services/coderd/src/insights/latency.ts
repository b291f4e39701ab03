import { LATENCY_STEPS } from "./rollup-store.js";

/** The latency in milliseconds that this share of the minutes does not exceed. Buckets are in ascending order. */
export function percentileOf(buckets: readonly { bucket: number; minutes: number }[], share: number): number {
  const total = buckets.reduce((sum, { minutes }) => sum + minutes, 0);
  let passed = 0;
  for (const { bucket, minutes } of buckets) {
    passed += minutes;
    if (passed >= share * total) return Math.round(2 ** (bucket / LATENCY_STEPS) * 100) / 100;
  }
  return 0;
}
