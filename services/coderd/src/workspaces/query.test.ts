import { parseWorkspaceQuery } from "./query.js";

const ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

test.each([
  ["", { parameters: [] }],
  ["dev", { text: "dev", parameters: [] }],
  ["ana/dev", { owner: "ana", name: "dev", parameters: [] }],
  ["owner:me status:running", { owner: "me", status: "running", parameters: [] }],
  ["outdated:true dormant:false", { outdated: true, dormant: false, parameters: [] }],
  ["has-agent:connected", { hasAgent: "connected", parameters: [] }],
  ["has-external-agent:true", { hasExternalAgent: true, parameters: [] }],
  [`id:${ID}`, { ids: [ID], parameters: [] }],
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
    "last_used_before:2026-01-01T00:00:00Z",
    { lastUsedBefore: new Date("2026-01-01T00:00:00Z"), parameters: [] },
  ],
])("%s", (query, filter) => {
  expect(parseWorkspaceQuery(query)).toEqual(filter);
});

test.each([
  ["colour:red", /colour.*is not a valid search key/],
  ["status:flying", /not a valid status.*running/],
  ["id:7", /UUID/],
  ["last_used_after:yesterday", /not a valid last_used_after/],
])("%s is rejected", (query, sentence) => {
  expect(() => parseWorkspaceQuery(query)).toThrow(sentence);
});
