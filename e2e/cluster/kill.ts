import { setTimeout as sleep } from "node:timers/promises";
import { SERVICES } from "./images.js";
import { onCluster } from "./on-cluster.js";
import { say } from "./stages.js";
import type { Tiers } from "./tiers.js";
import { HARM, installUnderLoad } from "./under-load.js";

const MINUTES = Number(process.env.MINUTES ?? 10);
const REPLICAS = 2;
/** Delay between two kills: minimum, and random addition, in seconds. */
const LEAST_SECONDS = 6;
const MORE_SECONDS = 8;
/** Seed of the random kills; set `E2E_SEED` to repeat a run. */
const SEED = Number(process.env.E2E_SEED ?? Date.now() % 1_000_000);

/** Kills random pods of every tier under load and restarts both stores; users must not notice. */
await onCluster(async (context) => {
  const { cluster, stages } = context;
  const each = { replicaCount: REPLICAS };
  const values = { coderd: each, provisionerd: each, proxy: each };
  const installed = await installUnderLoad(context, await context.provideImages(), values);
  const { tiers, installation } = installed;
  const load = installed.load(true);
  const inStore = (store: string, ...command: string[]) =>
    cluster.kubectl(["exec", "--namespace", installation.namespace, `deployment/${store}`, "--", ...command]);
  const stores = [
    // Like a crash: it recovers from its log.
    { at: 0.35, name: "Postgres", restart: () => inStore("postgres", "sh", "-c", "kill -QUIT 1") },
    { at: 0.7, name: "Redis, emptied", restart: () => inStore("redis", "redis-cli", "shutdown", "nosave") },
  ];
  say(`Kills for ${MINUTES} minutes, E2E_SEED=${SEED}.`);
  const kills = await stages.run("kills", () => Promise.race([killAtRandom(tiers, stores), load.broken]));
  stages.note("kills", kills);
  await stages.run("tiers whole again", () =>
    Promise.all(SERVICES.map((tier) => tiers.scale(tier, REPLICAS))),
  );
  await installed.finish(load);
  stages.report("e2e-kill", HARM);
});

async function killAtRandom(
  tiers: Tiers,
  stores: readonly { at: number; name: string; restart(): Promise<unknown> }[],
): Promise<number> {
  const random = createRandom(SEED);
  const begun = performance.now();
  const share = () => (performance.now() - begun) / (MINUTES * 60_000);
  const pending = [...stores];
  let kills = 0;
  while (share() < 1) {
    await sleep((LEAST_SECONDS + random() * MORE_SECONDS) * 1_000);
    const store = pending.findIndex(({ at }) => share() >= at);
    if (store >= 0) {
      const [{ name, restart }] = pending.splice(store, 1) as [(typeof stores)[number]];
      say(`${new Date().toISOString()} restarts ${name}`);
      // This also ends the command's own connection.
      await restart().catch(() => {});
    } else {
      const tier = SERVICES[Math.floor(random() * SERVICES.length)]!;
      const pods = await tiers.pods(tier);
      const pod = pods[Math.floor(random() * pods.length)];
      if (pod === undefined) continue;
      say(`${new Date().toISOString()} kills ${pod}`);
      await tiers.kill(pod);
    }
    kills++;
  }
  return kills;
}

/** Random numbers in [0, 1) from a seed: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
