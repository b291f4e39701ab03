import * as z from "zod";
import { route } from "../route.js";
import { ApiKey, CreateTokenRequest, GenerateKeyResponse, GitSshKey, TokenConfig } from "../types/index.js";
import { queryBoolean } from "../wire.js";

export const keyRoutes = {
  scopeList: route({
    method: "GET",
    path: "/api/v2/auth/scopes",
    summary: "List what a token can be limited to.",
    access: "public",
    response: z.object({ external: z.array(z.string()) }),
  }),
  keyCreate: route({
    method: "POST",
    path: "/api/v2/users/:user/keys",
    summary: "Create a session key.",
    access: { resource: "api_key", action: "create" },
    status: 201,
    response: GenerateKeyResponse,
  }),
  tokenList: route({
    method: "GET",
    path: "/api/v2/users/:user/keys/tokens",
    summary: "List a user's tokens; with `include_all`, those of every user.",
    access: { resource: "user", action: "read" },
    query: z.object({ include_all: queryBoolean.optional() }),
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
    summary: "Tell how long a token may live.",
    access: "session",
    response: TokenConfig,
  }),
  tokenGetByName: route({
    method: "GET",
    path: "/api/v2/users/:user/keys/tokens/:keyName",
    summary: "Get a token by its name.",
    access: { resource: "api_key", action: "read" },
    response: ApiKey,
  }),
  keyGet: route({
    method: "GET",
    path: "/api/v2/users/:user/keys/:key",
    summary: "Get a key or token by its id.",
    access: { resource: "api_key", action: "read" },
    response: ApiKey,
  }),
  keyDelete: route({
    method: "DELETE",
    path: "/api/v2/users/:user/keys/:key",
    summary: "Delete a key or token.",
    access: { resource: "api_key", action: "delete" },
    status: 204,
  }),
  keyExpire: route({
    method: "PUT",
    path: "/api/v2/users/:user/keys/:key/expire",
    summary: "End a key or token, and keep its record.",
    access: { resource: "api_key", action: "update" },
    status: 204,
  }),
  gitSshKeyGet: route({
    method: "GET",
    path: "/api/v2/users/:user/gitsshkey",
    summary: "Get the public key with which a user's workspaces sign in to git servers.",
    access: { resource: "user", action: "read_personal" },
    response: GitSshKey,
  }),
  gitSshKeyRegenerate: route({
    method: "PUT",
    path: "/api/v2/users/:user/gitsshkey",
    summary: "Replace a user's git SSH key.",
    access: { resource: "user", action: "update_personal" },
    response: GitSshKey,
  }),
};
