import { LIMITS } from "../limits.js";

type Limits = {
  sshPendingPerAddress: number;
  sshPending: number;
  sshLinksPerAddress: number;
  sshClients: number;
};

/** Limits the clients that have not signed in, so that guessing is slow and cannot keep others out. */
export type SshAdmission = {
  /** Counts a client that connects; a sentence if it has to wait. */
  enter(address: string): { pass: SshPass } | { refusal: string };
  readonly size: number;
};

export type SshPass = {
  /** The client has signed in: it does not count against its address any more. */
  signedIn(): void;
  /** Counts a sign-in by link until the returned function is called; undefined if too many wait. */
  waitForUser(): (() => void) | undefined;
  /** The client has left. */
  leave(): void;
};

export function createSshAdmission(limits: Limits = LIMITS): SshAdmission {
  const pending = new Map<string, number>();
  const links = new Map<string, number>();
  let pendingTotal = 0;
  let clients = 0;

  function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
    const count = (counts.get(key) ?? 0) + change;
    if (count > 0) counts.set(key, count);
    else counts.delete(key);
  }

  return {
    get size() {
      return clients;
    },
    enter(address) {
      if (clients >= limits.sshClients) return { refusal: "Too many SSH clients are connected." };
      const full =
        pendingTotal >= limits.sshPending || (pending.get(address) ?? 0) >= limits.sshPendingPerAddress;
      if (full) return { refusal: "Too many SSH clients are signing in. Try again in a moment." };
      clients += 1;
      pendingTotal += 1;
      add(pending, address, 1);
      let isPending = true;
      let isIn = true;
      function signedIn(): void {
        if (!isPending) return;
        isPending = false;
        pendingTotal -= 1;
        add(pending, address, -1);
      }
      const pass: SshPass = {
        signedIn,
        waitForUser() {
          if ((links.get(address) ?? 0) >= limits.sshLinksPerAddress) return undefined;
          add(links, address, 1);
          let isWaiting = true;
          return () => {
            if (isWaiting) add(links, address, -1);
            isWaiting = false;
          };
        },
        leave() {
          signedIn();
          if (isIn) clients -= 1;
          isIn = false;
        },
      };
      return { pass };
    },
  };
}
