import type { SshDestinations } from "./destinations.js";
import type { SshKeys } from "./keys.js";
import type { SshSignIns } from "./sign-ins.js";

/** SSH clients that connect to the proxies: who they are, and what they may reach. */
export type SshAccess = { keys: SshKeys; signIns: SshSignIns; destinations: SshDestinations };
