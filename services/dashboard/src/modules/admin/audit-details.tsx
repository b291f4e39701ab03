import type { AuditLog } from "@fleet/sdk";
import type { ReactNode } from "react";
import { Ago } from "../format/time.js";
import { Dialog } from "../ui/dialog.js";

function textOf(value: unknown): string {
  if (value === undefined || value === null || value === "") return "(empty)";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The sentence of an entry, with its placeholders filled in. */
export function sentenceOf({ description, user, resource_target }: AuditLog): string {
  return description
    .replace("{user}", () => user?.username ?? "Somebody")
    .replace("{target}", () => resource_target);
}

/** An entry of the audit log: who, from where, and what changed. */
export function AuditDetails({ entry, onClose }: { entry: AuditLog; onClose(): void }) {
  const { time, user, ip, user_agent, status_code, organization, request_id, diff } = entry;
  const facts: [string, ReactNode][] = [
    ["When", <Ago key="time" time={time} />],
    ["User", user?.email || user?.username || "Unknown"],
    ["Address", ip],
    ["Client", user_agent],
    ["Status", status_code > 0 ? String(status_code) : ""],
    ["Organization", organization?.display_name || organization?.name],
    ["Request", request_id],
  ];
  const changes = Object.entries(diff);
  return (
    <Dialog open wide onClose={onClose} title={sentenceOf(entry)}>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-1.5">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-muted">{name}</dt>
              <dd className="[overflow-wrap:anywhere]">{value}</dd>
            </div>
          ))}
      </dl>
      {changes.length > 0 && (
        <table className="w-full table-fixed text-sm">
          <thead>
            <tr className="text-left text-muted text-xs">
              <th scope="col" className="w-1/4 pb-1 font-normal">
                Field
              </th>
              <th scope="col" className="pb-1 font-normal">
                Before
              </th>
              <th scope="col" className="pb-1 font-normal">
                After
              </th>
            </tr>
          </thead>
          <tbody>
            {changes.map(([field, { old, new: next, secret }]) => (
              <tr key={field} className="border-line border-t align-top">
                <th
                  scope="row"
                  className="py-1.5 pr-3 text-left font-mono font-normal [overflow-wrap:anywhere]"
                >
                  {field}
                </th>
                <td className="py-1.5 pr-3 font-mono text-muted [overflow-wrap:anywhere]">
                  {secret ? "(secret)" : textOf(old)}
                </td>
                <td className="py-1.5 font-mono [overflow-wrap:anywhere]">
                  {secret ? "(secret)" : textOf(next)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Dialog>
  );
}
