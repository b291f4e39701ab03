import * as z from "zod";
import { route } from "../route.js";
import {
  ExternalAuth,
  ExternalAuthDevice,
  ExternalAuthList,
  UnlinkExternalAuthResponse,
} from "../types/index.js";

export const externalAuthRoutes = {
  externalAuthList: route({
    method: "GET",
    path: "/api/v2/external-auth",
    summary: "List the providers, and those that the caller has signed in to.",
    access: "session",
    response: ExternalAuthList,
  }),
  externalAuthGet: route({
    method: "GET",
    path: "/api/v2/external-auth/:provider",
    summary: "Tell whether the caller has signed in to a provider.",
    access: "session",
    response: ExternalAuth,
  }),
  externalAuthUnlink: route({
    method: "DELETE",
    path: "/api/v2/external-auth/:provider",
    summary: "Forget the caller's credentials at a provider.",
    access: "session",
    response: UnlinkExternalAuthResponse,
  }),
  externalAuthDeviceStart: route({
    method: "GET",
    path: "/api/v2/external-auth/:provider/device",
    summary: "Begin to sign in by a code on another device.",
    access: "session",
    response: ExternalAuthDevice,
  }),
  externalAuthDeviceExchange: route({
    method: "POST",
    path: "/api/v2/external-auth/:provider/device",
    summary: "Take the credentials once the code was entered.",
    access: "session",
    status: 204,
    body: z.object({ device_code: z.string() }),
  }),
  externalAuthCallback: route({
    method: "GET",
    path: "/external-auth/:provider/callback",
    summary: "Begin to sign in to a provider in the browser, and come back from it.",
    access: "session",
    status: 307,
    query: z.object({
      code: z.string().optional(),
      state: z.string().optional(),
      redirect: z.string().optional(),
      error: z.string().optional(),
    }),
  }),
};
