import { createBatcher } from "./batch.js";

test("calls made during a batch form the next one, in order and bounded in size", async () => {
  const batches: number[][] = [];
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const double = createBatcher<number, number>(
    async (items) => {
      batches.push(items);
      if (batches.length === 1) await gate;
      return items.map((item) => item * 2);
    },
    { limit: 3 },
  );
  const first = double(1);
  await new Promise((resolve) => setImmediate(resolve));
  const rest = [2, 3, 4, 5].map((item) => double(item));
  release();
  expect(await Promise.all([first, ...rest])).toEqual([2, 4, 6, 8, 10]);
  expect(batches).toEqual([[1], [2, 3, 4], [5]]);
});

test("a failing item does not fail the others", async () => {
  const check = createBatcher<number, number>(
    async (items) => {
      if (items.includes(0)) throw new Error("zero");
      return items;
    },
    { limit: 10 },
  );
  const results = await Promise.allSettled([check(1), check(0), check(2)]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});
