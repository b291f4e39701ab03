import * as z from "zod";
import { route } from "../route.js";
import {
  DeleteExternalAuthResponse,
  ExternalAuth,
  ExternalAuthDevice,
  ExternalAuthDeviceExchange,
  ExternalAuthList,
} from "../types/index.js";
import { line, MAX_LENGTH, Url } from "../wire.js";

/** What a provider sends the browser back with; or, to begin, where the browser goes afterwards. */
const callbackQuery = z.object({
  code: line(MAX_LENGTH.query).optional(),
  state: line(MAX_LENGTH.query).optional(),
  error: line(MAX_LENGTH.query).optional(),
  error_description: line(MAX_LENGTH.query).optional(),
  redirect: Url.optional(),
});

export const externalAuthRoutes = {
  externalAuthList: route({
    method: "GET",
    path: "/api/v2/external-auth",
    summary: "List the external auth providers and the caller's links to them.",
    access: { resource: "user", action: "read_personal" },
    response: ExternalAuthList,
  }),
  externalAuthGet: route({
    method: "GET",
    path: "/api/v2/external-auth/:provider",
    summary: "Get an external auth provider, and whether the caller is signed in to it.",
    access: { resource: "user", action: "read_personal" },
    response: ExternalAuth,
  }),
  externalAuthDelete: route({
    method: "DELETE",
    path: "/api/v2/external-auth/:provider",
    summary: "Sign out of an external auth provider, and revoke the token there if it supports that.",
    access: { resource: "user", action: "update_personal" },
    response: DeleteExternalAuthResponse,
  }),
  externalAuthDevice: route({
    method: "GET",
    path: "/api/v2/external-auth/:provider/device",
    summary: "Start a sign-in with a code that is entered at the provider.",
    access: { resource: "user", action: "update_personal" },
    response: ExternalAuthDevice,
  }),
  externalAuthDeviceExchange: route({
    method: "POST",
    path: "/api/v2/external-auth/:provider/device",
    summary:
      "Complete a sign-in with a code. Until the code is entered, this fails with the detail `authorization_pending`.",
    access: { resource: "user", action: "update_personal" },
    status: 204,
    body: ExternalAuthDeviceExchange,
  }),
  externalAuthCallback: route({
    method: "GET",
    path: "/external-auth/:provider/callback",
    summary:
      "Send the browser to an external auth provider to sign in, and complete the sign-in when it returns.",
    access: "public",
    status: 303,
    query: callbackQuery,
  }),
  gitAuthCallback: route({
    method: "GET",
    path: "/gitauth/:provider/callback",
    summary: "The former path of `/external-auth/{provider}/callback`, for registered redirect URLs.",
    access: "public",
    status: 303,
    query: callbackQuery,
  }),
};
