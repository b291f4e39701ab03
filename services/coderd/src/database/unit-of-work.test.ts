import { createTestDatabase } from "@fleet/testkit";
import { createDatabase, inTransaction } from "./client.js";

/** A database with one table, `words`, and a unit of work over it. */
async function createWords() {
  const database = await createTestDatabase({ template: "empty", migrate: async () => {} });
  const { db, unitOfWork, connections, close } = createDatabase({ url: database.url, poolSize: 4 });
  await db.$executeRaw`CREATE TABLE words (word text PRIMARY KEY)`;
  const add = (word: string) => db.$executeRaw`INSERT INTO words VALUES (${word})`;
  /** What other connections see. */
  const seen = async () => {
    const rows = await db.$queryRaw<{ word: string }[]>`SELECT word FROM words ORDER BY word`;
    return rows.map(({ word }) => word);
  };
  return {
    db,
    unitOfWork,
    connections,
    add,
    seen,
    async [Symbol.asyncDispose]() {
      await close();
      await database[Symbol.asyncDispose]();
    },
  };
}

test("a unit's writes and effects become visible on commit", async () => {
  await using words = await createWords();
  const { unitOfWork, add, seen } = words;
  const outside = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const effects: string[] = [];
  const done = unitOfWork.run(async () => {
    await Promise.all([add("one"), add("two")]);
    unitOfWork.afterCommit(() => effects.push("told"));
    expect(await seen()).toEqual(["one", "two"]);
    written.resolve();
    await outside.promise;
    return "done";
  });
  await written.promise;
  expect(await seen()).toEqual([]);
  expect(effects).toEqual([]);
  outside.resolve();
  expect(await done).toBe("done");
  expect(await seen()).toEqual(["one", "two"]);
  expect(effects).toEqual(["told"]);
  unitOfWork.afterCommit(() => effects.push("at once"));
  expect(effects).toEqual(["told", "at once"]);
});

test("a failed unit leaves nothing behind, whatever was committed inside it", async () => {
  await using words = await createWords();
  const { db, unitOfWork, add, seen } = words;
  const effects: string[] = [];
  const failed = unitOfWork.run(async () => {
    await inTransaction(db, async () => add("one"));
    await unitOfWork.run(() => add("two"));
    await unitOfWork.outside.$executeRaw`INSERT INTO words VALUES ('kept')`;
    unitOfWork.afterCommit(() => effects.push("told"));
    throw new Error("The last step failed.");
  });
  await expect(failed).rejects.toThrow("The last step failed.");
  expect(await seen()).toEqual(["kept"]);
  expect(effects).toEqual([]);
  await expect(
    unitOfWork.run(async () => Promise.reject(new Error("Nothing was written."))),
  ).rejects.toThrow();
});

test("a failed transaction inside a unit is rolled back alone, and the unit continues", async () => {
  await using words = await createWords();
  const { db, unitOfWork, add, seen } = words;
  await unitOfWork.run(async () => {
    await add("one");
    const taken = inTransaction(db, async () => {
      await add("two");
      await add("one");
    });
    await expect(taken).rejects.toThrow();
    await db.$transaction([add("three"), add("four")] as never);
  });
  expect(await seen()).toEqual(["four", "one", "three"]);
});

test("no connection is held before the first write, and work after the end is not part of the unit", async () => {
  await using words = await createWords();
  const { unitOfWork, connections, add, seen } = words;
  const goOn = Promise.withResolvers<void>();
  let behind: Promise<unknown> = Promise.resolve();
  await unitOfWork.run(async () => {
    expect(connections().used).toBe(0);
    await add("one");
    expect(connections().used).toBe(1);
    behind = goOn.promise.then(() => add("two"));
  });
  expect(connections().used).toBe(0);
  goOn.resolve();
  await behind;
  expect(await seen()).toEqual(["one", "two"]);
});
