import type { ReactNode } from "react";
import { ConnectionBanner } from "./connection-banner.js";
import { Mark } from "./mark.js";

/** Layout of pages outside the app: login, setup and CLI authentication. */
export function Gate(props: { title: string; lead?: ReactNode; children: ReactNode; foot?: ReactNode }) {
  return (
    <>
      <div className="fixed inset-x-0 top-0">
        <ConnectionBanner />
      </div>
      <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center gap-6 px-4 py-10">
        <div className="flex flex-col gap-3">
          <Mark size={36} />
          <div>
            <h1 className="text-xl">{props.title}</h1>
            {props.lead && <p className="mt-1 text-muted">{props.lead}</p>}
          </div>
        </div>
        {props.children}
        {props.foot && <div className="text-faint text-sm">{props.foot}</div>}
      </main>
    </>
  );
}
