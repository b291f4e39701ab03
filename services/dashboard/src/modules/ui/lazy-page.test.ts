import { loadPatiently } from "./lazy-page.js";

const doubted = { doubt() {}, reachable: async () => {} };
const wait = async () => {};

test("a page whose code could not be loaded is retried when the server is reachable", async () => {
  const back = Promise.withResolvers<void>();
  let tries = 0;
  const load = async () => {
    if (++tries === 1) throw new TypeError("Failed to fetch dynamically imported module");
    return "page";
  };
  let found: string | undefined;
  const loading = loadPatiently(load, { pulse: { doubt() {}, reachable: () => back.promise }, wait });
  void loading.then((page) => {
    found = page;
  });
  await new Promise((resolve) => setTimeout(resolve));
  expect([tries, found]).toEqual([1, undefined]);
  back.resolve();
  await loading;
  expect([tries, found]).toEqual([2, "page"]);
});

test("missing code is reported, not retried forever", async () => {
  let tries = 0;
  const load = async () => {
    tries += 1;
    throw new TypeError("Failed to fetch dynamically imported module");
  };
  await expect(loadPatiently(load, { pulse: doubted, wait })).rejects.toThrow("dynamically imported");
  expect(tries).toBe(3);
});
