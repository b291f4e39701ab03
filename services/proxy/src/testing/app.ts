import { startFleet, USER_TOKEN } from "./fleet.js";

/** The app's own host and its path on the deployment's host. */
export const HOST = "web--main--dev--ana.apps.test";
export const PATH = "/@ana/dev.main/apps/web";

export const signedIn = { Cookie: `coder_session_token=${USER_TOKEN}` };
export const onHost = { Host: HOST, Cookie: `coder_subdomain_app_session_token=${USER_TOKEN}` };
export const browser = { Accept: "text/html,*/*" };

/** A fleet with a connected agent and the app `web`. */
export async function fleetWithApp(options: Parameters<typeof startFleet>[0] = {}) {
  const fleet = await startFleet(options);
  const web = await fleet.startWeb();
  const app = fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  const agent = await fleet.connectAgent();
  return { ...fleet, web, app, agent, [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose]() };
}
