/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { waitFor } from "@testing-library/react";
import { fakeDeployment } from "../../testing/deployment.js";
import { uuid } from "../../testing/samples.js";
import { connectTerminal, type TerminalState } from "./connection.js";

/** A server whose loss the test decides. */
function connectionOf() {
  let lost = new AbortController();
  const listeners = new Set<() => void>();
  let reach: "ok" | "lost" = "ok";
  const become = (next: "ok" | "lost") => {
    reach = next;
    if (next === "lost") lost.abort();
    else lost = new AbortController();
    for (const listener of listeners) listener();
  };
  return {
    become,
    pulse: {
      heard() {},
      doubt() {},
      lost: () => lost.signal,
      state: () => reach,
      subscribe(listener: () => void) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
}

test("a terminal disconnects from a lost server immediately, and reconnects to its shell", async () => {
  using deployment = fakeDeployment({});
  const { pulse, become } = connectionOf();
  const states: TerminalState["kind"][] = [];
  const connection = connectTerminal({
    agent: uuid(20),
    reconnect: uuid(50),
    command: undefined,
    screen: { write: (_bytes, drawn) => drawn(), reset() {}, size: () => ({ rows: 24, cols: 80 }) },
    onState: ({ kind }) => states.push(kind),
    pulse,
  });
  await waitFor(() => expect(states.at(-1)).toBe("connected"));
  expect(deployment.streams[0]!.url).toContain("heartbeat=true");
  // It answers nothing any more, the closing handshake included.
  deployment.frozen = true;
  become("lost");
  await waitFor(() => expect(states.at(-1)).toBe("reconnecting"));
  deployment.frozen = false;
  become("ok");
  await waitFor(() => expect(states.at(-1)).toBe("connected"));
  const shells = deployment.streams.map(({ url }) => new URL(url).searchParams.get("reconnect"));
  expect(shells).toEqual([uuid(50), uuid(50)]);
  connection.close();
});
