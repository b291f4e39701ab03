import { readFileSync } from "node:fs";
import { parseWorkspaceQuery, type WorkspaceFilter } from "./query.js";

const ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

const QUERIES: [query: string, filter: WorkspaceFilter][] = [
  ["", { parameters: [] }],
  ["dev", { text: "dev", parameters: [] }],
  ["ana/dev", { owner: "ana", name: "dev", parameters: [] }],
  ["owner:me status:running", { owner: "me", status: "running", parameters: [] }],
  ["outdated:true dormant:false", { outdated: true, dormant: false, parameters: [] }],
  ["healthy:false shared:true", { healthy: false, shared: true, parameters: [] }],
  ["shared_with_user:ana", { sharedWithUser: "ana", parameters: [] }],
  ["shared-with-user:me", { sharedWithUser: "me", parameters: [] }],
  ["shared_with_group:acme/ops", { sharedWithGroup: "acme/ops", parameters: [] }],
  ["shared-with-group:ops", { sharedWithGroup: "ops", parameters: [] }],
  ["name:dev organization:acme", { name: "dev", organization: "acme", parameters: [] }],
  [`template-ids:${ID}`, { templateId: ID, parameters: [] }],
  [`template_id:${ID}`, { templateId: ID, parameters: [] }],
  ["has-agent:connected", { hasAgent: "connected", parameters: [] }],
  ["has-external-agent:true", { hasExternalAgent: true, parameters: [] }],
  ["has_external_agent:false", { hasExternalAgent: false, parameters: [] }],
  [`id:${ID}`, { ids: [ID], parameters: [] }],
  [`ids:${ID},${ID}`, { ids: [ID, ID], parameters: [] }],
  ['template:docker "my dev"', { template: "docker", text: "my dev", parameters: [] }],
  [
    'param:"region=eu west" param:gpu',
    {
      parameters: [
        { name: "region", value: "eu west" },
        { name: "gpu", value: undefined },
      ],
    },
  ],
  [
    "last_used_after:2026-01-01T00:00:00Z",
    { lastUsedAfter: new Date("2026-01-01T00:00:00Z"), parameters: [] },
  ],
  [
    "last_used_before:2026-01-01T00:00:00Z",
    { lastUsedBefore: new Date("2026-01-01T00:00:00Z"), parameters: [] },
  ],
];

test.each(QUERIES)("%s", (query, filter) => {
  expect(parseWorkspaceQuery(query)).toEqual(filter);
});

test("every search key has a row above", () => {
  const source = readFileSync(new URL("query.ts", import.meta.url), "utf8");
  const keys = [...source.matchAll(/^ {4}case "([^"]+)":/gm)].map(([, key]) => key!);
  expect(keys.length).toBeGreaterThan(10);
  const untested = keys.filter((key) => !QUERIES.some(([query]) => ` ${query}`.includes(` ${key}:`)));
  expect(untested.map((key) => `Add a row for the search key ${key}.`)).toEqual([]);
});

test.each([
  ["colour:red", /colour.*is not a valid search key/],
  ["status:flying", /not a valid status.*running/],
  ["id:7", /UUID/],
  ["last_used_after:yesterday", /not a valid last_used_after/],
])("%s is rejected", (query, sentence) => {
  expect(() => parseWorkspaceQuery(query)).toThrow(sentence);
});
