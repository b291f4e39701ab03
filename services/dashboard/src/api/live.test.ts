import { FleetError } from "@fleet/sdk";
import { follow, type LiveState } from "./live.js";

type Script = (readonly string[] | FleetError)[];

/** Runs `follow` over streams that end, or break, one after another. The last one aborts it. */
async function run(script: Script, isOver: boolean) {
  const controller = new AbortController();
  const items: string[] = [];
  const states: LiveState[] = [];
  let opened = 0;
  await follow<string>({
    async *open() {
      const step = script[opened++];
      if (step === undefined) return controller.abort();
      if (step instanceof FleetError) throw step;
      yield* step;
    },
    onItem: (item) => items.push(item),
    onState: (state) => states.push(state),
    isOver: () => isOver,
    signal: controller.signal,
    wait: async () => {},
  });
  return { items, states, opened };
}

const away = new FleetError("unavailable", "away");

test("a stream that breaks off is opened again", async () => {
  const { items, states } = await run([["a"], away, ["b"]], false);
  expect(items).toEqual(["a", "b"]);
  expect(states).toEqual(["live", "opening", "opening", "live", "opening"]);
});

test("a stream that the server ends is over, if nothing more can come", async () => {
  expect(await run([away, ["a"]], true)).toEqual({
    items: ["a"],
    states: ["opening", "live", "ended"],
    opened: 2,
  });
});

test("what is gone or forbidden is not asked for again", async () => {
  const gone = await run([["a"], new FleetError("not_found", "gone"), ["b"]], false);
  expect(gone.items).toEqual(["a"]);
  expect(gone.states.at(-1)).toBe("ended");
});
