import type { IncomingMessage } from "node:http";
import { agentCredentials } from "./credentials.js";

const request = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;
const read = (headers: Record<string, string>, query = "") => {
  const { sessionToken, ambient } = agentCredentials(request(headers), new URLSearchParams(query));
  return [sessionToken, ambient];
};
const cookie = "coder_session_token=of-cookie";
const authorization = "Bearer of-app";

test("a session token is found in our header, the query, the cookie, and as a bearer token, in this order", () => {
  const all = { "coder-session-token": "of-header", cookie, authorization };
  expect(read(all, "coder_session_token=of-query")).toEqual(["of-header", false]);
  expect(read({ cookie, authorization }, "coder_session_token=of-query")).toEqual(["of-query", false]);
  expect(read({ cookie, authorization })).toEqual(["of-cookie", true]);
  expect(read({ authorization })).toEqual(["of-app", false]);
  for (const other of ["Basic b2Y6YXBw", "Bearer", "Bearer a b", "Bearer\tx"])
    expect(read({ authorization: other })[0]).toBe("");
});
