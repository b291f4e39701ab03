export { freePort } from "@fleet/embedded";
export { type Broker, type SharedServer, sharedServerUrl, startBroker } from "./broker.js";
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from "./database.js";
export { engineForTests, linkMirror } from "./engine.js";
export { createFakeClock, type FakeClock } from "./fake-clock.js";
export { createGithubStandIn, GITHUB_CLIENT, type GithubAccount, type GithubStandIn } from "./github.js";
export { createHostile, type Hostile } from "./hostile.js";
export { captureLogs, createTestLogger, type LogCapture, type LogLine } from "./logs.js";
export {
  type MailServer,
  type MailServerOptions,
  type ReceivedMail,
  startMailServer,
} from "./mail-server.js";
export { createPtyExpecter, type PtyExpecter, type PtyOptions } from "./pty.js";
export { createTestRedis, type PrivateRedis, startPrivateRedis, type TestRedis } from "./redis.js";
export { type Relay, startRelay } from "./relay.js";
export { WAIT_LIMIT_MS, type WaitOptions, waitFor } from "./wait-for.js";
