import * as z from "zod";
import { route } from "../route.js";
import {
  ApiKey,
  CreateTokenRequest,
  GenerateKeyResponse,
  GitSshKey,
  TokenConfig,
  UserSession,
} from "../types/index.js";
import { queryBoolean } from "../wire.js";

export const keyRoutes = {
  scopeList: route({
    method: "GET",
    path: "/api/v2/auth/scopes",
    summary: "List the scopes that tokens can be limited to.",
    access: "public",
    response: z.object({ external: z.array(z.string()) }),
  }),
  keyCreate: route({
    method: "POST",
    path: "/api/v2/users/:user/keys",
    summary: "Create a session token.",
    access: { resource: "api_key", action: "create" },
    status: 201,
    response: GenerateKeyResponse,
  }),
  sessionList: route({
    method: "GET",
    path: "/api/v2/users/:user/sessions",
    summary:
      "List where a user is signed in, last used first. Ends one with `DELETE /users/{user}/keys/{key}`.",
    access: { resource: "api_key", action: "read" },
    response: z.array(UserSession),
  }),
  tokenList: route({
    method: "GET",
    path: "/api/v2/users/:user/keys/tokens",
    summary:
      "List a user's tokens that have not expired; with `include_all`, of all users; with `include_expired`, expired ones, too.",
    access: { resource: "user", action: "read" },
    query: z.object({
      include_all: queryBoolean.optional(),
      include_expired: queryBoolean.optional(),
    }),
    response: z.array(ApiKey),
  }),
  tokenCreate: route({
    method: "POST",
    path: "/api/v2/users/:user/keys/tokens",
    summary: "Create a token.",
    access: { resource: "api_key", action: "create" },
    status: 201,
    body: CreateTokenRequest,
    response: GenerateKeyResponse,
  }),
  tokenConfig: route({
    method: "GET",
    path: "/api/v2/users/:user/keys/tokens/tokenconfig",
    summary: "Get the token lifetime limits.",
    access: "session",
    response: TokenConfig,
  }),
  tokenGetByName: route({
    method: "GET",
    path: "/api/v2/users/:user/keys/tokens/:keyName",
    summary: "Get a token by name.",
    access: { resource: "api_key", action: "read" },
    response: ApiKey,
  }),
  keyGet: route({
    method: "GET",
    path: "/api/v2/users/:user/keys/:key",
    summary: "Get an API key by ID.",
    access: { resource: "api_key", action: "read" },
    response: ApiKey,
  }),
  keyDelete: route({
    method: "DELETE",
    path: "/api/v2/users/:user/keys/:key",
    summary: "Delete an API key.",
    access: { resource: "api_key", action: "delete" },
    status: 204,
  }),
  keyExpire: route({
    method: "PUT",
    path: "/api/v2/users/:user/keys/:key/expire",
    summary: "Expire an API key without deleting it.",
    access: { resource: "api_key", action: "update" },
    status: 204,
  }),
  gitSshKeyGet: route({
    method: "GET",
    path: "/api/v2/users/:user/gitsshkey",
    summary: "Get a user's public Git SSH key.",
    access: { resource: "user", action: "read_personal" },
    response: GitSshKey,
  }),
  gitSshKeyRegenerate: route({
    method: "PUT",
    path: "/api/v2/users/:user/gitsshkey",
    summary: "Regenerate a user's Git SSH key.",
    access: { resource: "user", action: "update_personal" },
    response: GitSshKey,
  }),
};
