import { inParallel } from "./parallel.js";

test("every item is processed, with at most the limit at once", async () => {
  const done: number[] = [];
  let running = 0;
  let most = 0;
  await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    done.push(item);
  });
  expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test("a failure is thrown, and no further item is started", async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    if (item === 2) throw new Error("no");
  };
  await expect(inParallel([1, 2, 3, 4, 5], 1, work)).rejects.toThrow("no");
  expect(begun).toEqual([1, 2]);
});
