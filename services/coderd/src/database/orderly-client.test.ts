import { setImmediate } from "node:timers/promises";
import { createTestDatabase } from "@fleet/testkit";
import type pg from "pg";
import { OrderlyClient } from "./orderly-client.js";

test("statements are sent to pg one at a time in order, and a failing one blocks none", async () => {
  await using database = await createTestDatabase({ template: "empty", migrate: async () => {} });
  const client: pg.Client = new OrderlyClient({ connectionString: database.url });
  await client.connect();
  const asked = ["SELECT pg_sleep(0.1)", "SELECT 1/0", "SELECT 3 AS three"].map((text) => client.query(text));
  const settled = Promise.allSettled(asked);
  await setImmediate();
  // Statements that pg has accepted but not sent: its internal queue, which pg 9 removes.
  expect(client).toHaveProperty("_queryQueue", []);
  expect(await settled).toMatchObject([
    { status: "fulfilled" },
    { status: "rejected", reason: { message: "division by zero" } },
    { status: "fulfilled", value: { rows: [{ three: 3 }] } },
  ]);
  await client.end();
});
