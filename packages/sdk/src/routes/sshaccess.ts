import * as z from "zod";
import { raw, route } from "../route.js";
import { CreateUserSshKeyRequest, UserSshKey } from "../types/index.js";
import { Name } from "../wire.js";

const FORM_LIMIT = 4 * 1_024;
const SignInQuery = z.object({ code: Name });

export const sshAccessRoutes = {
  userSshKeyList: route({
    method: "GET",
    path: "/api/v2/users/:user/ssh-keys",
    summary: "List the public keys with which a user's SSH clients sign in.",
    access: { resource: "user", action: "read_personal" },
    response: z.array(UserSshKey),
  }),
  userSshKeyCreate: route({
    method: "POST",
    path: "/api/v2/users/:user/ssh-keys",
    summary: "Register a public key for a user's SSH clients.",
    access: { resource: "user", action: "update_personal" },
    status: 201,
    body: CreateUserSshKeyRequest,
    response: UserSshKey,
  }),
  userSshKeyDelete: route({
    method: "DELETE",
    path: "/api/v2/users/:user/ssh-keys/:sshKey",
    summary: "Remove a public key. Connections that were opened with it end.",
    access: { resource: "user", action: "update_personal" },
    status: 204,
  }),
  sshSignIn: route({
    method: "GET",
    path: "/ssh/sign-in",
    summary: "Ask the user whether an SSH client may sign in.",
    access: "public",
    failure: "page",
    alsoStatus: [303],
    query: SignInQuery,
    response: raw("text/html"),
  }),
  sshSignInDecide: route({
    method: "POST",
    path: "/ssh/sign-in",
    summary: "Allow or deny the sign-in of an SSH client.",
    access: "public",
    failure: "page",
    alsoStatus: [303],
    query: SignInQuery,
    body: raw("application/x-www-form-urlencoded"),
    bodyLimit: FORM_LIMIT,
    response: raw("text/html"),
  }),
};
