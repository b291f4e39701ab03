import { cleanup, configure, render } from "@testing-library/react";
import { App } from "../app.js";
import { type Answers, type Deployment, fakeDeployment } from "./deployment.js";
import { organization, user } from "./samples.js";

/** Generous, because loading a page's code takes time on a busy machine. */
const WAIT_MS = 10_000;

/** Requests of every signed-in page. */
const SIGNED_IN: Answers = {
  userGet: user,
  authCheck: ({ body }) =>
    Object.fromEntries(Object.keys((body as { checks: object }).checks).map((name) => [name, true])),
  appearance: { application_name: "", logo_url: "", announcement_banners: [], service_banner: {} } as never,
  buildInfo: { version: "v2.33.0" } as never,
  organizationList: [organization],
  inboxList: { notifications: [], unread_count: 0 },
  applicationsHost: { host: "" },
  userFirst: { message: "There is a first user." },
};

/** Opens the dashboard at an address, before a deployment that answers this, as a signed-in owner unless said otherwise. */
export function openPage(address: string, answers: Answers = {}): Deployment {
  configure({ asyncUtilTimeout: WAIT_MS });
  const deployment = fakeDeployment({ ...SIGNED_IN, ...answers });
  window.history.replaceState({}, "", address);
  render(<App />);
  const end = deployment[Symbol.dispose];
  deployment[Symbol.dispose] = () => {
    cleanup();
    end();
  };
  return deployment;
}
