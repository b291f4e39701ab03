import * as z from "zod";
import { route } from "../route.js";
import { CreateUserSecretRequest, UpdateUserSecretRequest, UserSecret } from "../types/index.js";

export const userSecretRoutes = {
  userSecretList: route({
    method: "GET",
    path: "/api/v2/users/:user/secrets",
    summary: "List a user's secrets, without their values.",
    access: { resource: "user", action: "read_personal" },
    response: z.array(UserSecret),
  }),
  userSecretCreate: route({
    method: "POST",
    path: "/api/v2/users/:user/secrets",
    summary: "Store a secret for the user's workspaces.",
    access: { resource: "user", action: "update_personal" },
    status: 201,
    body: CreateUserSecretRequest,
    response: UserSecret,
  }),
  userSecretGet: route({
    method: "GET",
    path: "/api/v2/users/:user/secrets/:secret",
    summary: "Get a secret by name, without its value.",
    access: { resource: "user", action: "read_personal" },
    response: UserSecret,
  }),
  userSecretUpdate: route({
    method: "PATCH",
    path: "/api/v2/users/:user/secrets/:secret",
    summary: "Change a secret; fields that are omitted keep their values.",
    access: { resource: "user", action: "update_personal" },
    body: UpdateUserSecretRequest,
    response: UserSecret,
  }),
  userSecretDelete: route({
    method: "DELETE",
    path: "/api/v2/users/:user/secrets/:secret",
    summary: "Delete a secret. Running workspaces keep what they have received.",
    access: { resource: "user", action: "update_personal" },
    status: 204,
  }),
};
