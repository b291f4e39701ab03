/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";
import { agent, build, workspace } from "../testing/samples.js";

const RECONNECT = "reconnect=3f8c5b6e-7c1b-4f0e-9a51-8f2f3a4c5d6e";

test("a command from a link is shown, and runs only after consent", async () => {
  using deployment = openPage(`/@ana/dev/terminal?command=curl+evil.example&${RECONNECT}`, {
    workspaceGetByName: workspace(),
  });
  await screen.findByText("curl evil.example");
  screen.getByRole("button", { name: "Run command" });
  screen.getByRole("button", { name: "Open a shell instead" });
  expect(deployment.streams.filter(({ url }) => url.includes("/pty"))).toEqual([]);
});

test("a terminal waits for an agent that has not connected yet", async () => {
  using _ = openPage(`/@ana/dev/terminal?${RECONNECT}`, {
    workspaceGetByName: workspace({ latest_build: build({}, [agent({ status: "connecting" })]) }),
  });
  await screen.findByText(/Waiting for the agent to connect/);
});
