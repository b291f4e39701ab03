import * as z from "zod";
import {
  DurationNs,
  Email,
  Id,
  Label,
  list,
  map,
  maybe,
  Name,
  Nanoseconds,
  Password,
  Timestamp,
} from "../wire.js";

export const LoginType = z.enum(["password", "github", "oidc", "token", "none", ""]);
export type LoginType = z.infer<typeof LoginType>;

export const UserStatus = z.enum(["active", "dormant", "suspended"]);
export type UserStatus = z.infer<typeof UserStatus>;

export const SlimRole = z.object({
  name: z.string(),
  display_name: z.string(),
  organization_id: z.string().optional(),
});
export type SlimRole = z.infer<typeof SlimRole>;

export const RolePermission = z.object({
  negate: z.boolean(),
  resource_type: z.string(),
  action: z.string(),
});
export type RolePermission = z.infer<typeof RolePermission>;

export const RoleDefinition = SlimRole.extend({
  /** Empty for a role of the whole deployment. */
  organization_id: z.string(),
  site_permissions: z.array(RolePermission),
  organization_permissions: z.array(RolePermission),
  organization_member_permissions: z.array(RolePermission),
  user_permissions: z.array(RolePermission),
});
export type RoleDefinition = z.infer<typeof RoleDefinition>;

/** A role, and whether the caller may assign it. */
export const AssignableRole = RoleDefinition.extend({ assignable: z.boolean(), built_in: z.boolean() });
export type AssignableRole = z.infer<typeof AssignableRole>;

/** Enough of a user to show who did something. */
export const MinimalUser = z.object({ id: Id, username: z.string(), avatar_url: z.string().optional() });
export type MinimalUser = z.infer<typeof MinimalUser>;

export const User = MinimalUser.extend({
  name: z.string(),
  email: z.string(),
  created_at: Timestamp,
  updated_at: Timestamp,
  last_seen_at: Timestamp,
  status: UserStatus,
  login_type: LoginType,
  organization_ids: z.array(Id),
  roles: z.array(SlimRole),
  theme_preference: z.string().optional(),
  /** A service account has no email address, and signs in only with tokens. */
  is_service_account: z.boolean().optional(),
});
export type User = z.infer<typeof User>;

export const UsersResponse = z.object({ users: z.array(User), count: z.number() });
export type UsersResponse = z.infer<typeof UsersResponse>;

export const CreateFirstUserRequest = z.object({
  email: Email,
  username: Name,
  name: maybe(Label),
  password: Password,
  trial: maybe(z.boolean()),
  trial_info: maybe(map(z.unknown())),
});
export type CreateFirstUserRequest = z.input<typeof CreateFirstUserRequest>;

export const CreateFirstUserResponse = z.object({ user_id: Id, organization_id: Id });
export type CreateFirstUserResponse = z.infer<typeof CreateFirstUserResponse>;

export const CreateUserRequest = z.object({
  /** Empty for a service account. */
  email: z.union([Email, z.literal("")]),
  username: Name,
  name: maybe(Label),
  password: maybe(Password),
  login_type: maybe(LoginType),
  user_status: maybe(UserStatus),
  service_account: maybe(z.boolean()),
  organization_ids: maybe(list(Id)),
});
export type CreateUserRequest = z.input<typeof CreateUserRequest>;

export const RequestPasswordReset = z.object({ email: Email });

export const ChangePasswordWithPasscode = z.object({
  email: Email,
  password: Password,
  one_time_passcode: Name.min(1),
});

export const LoginRequest = z.object({ email: Label, password: Password });
export type LoginRequest = z.infer<typeof LoginRequest>;

export const LoginResponse = z.object({ session_token: z.string() });
export type LoginResponse = z.infer<typeof LoginResponse>;

export const LogoutResponse = z.object({
  message: z.string(),
  /** Where the browser ends its session at the OpenID Connect provider, too. */
  oidc_logout_url: z.string().optional(),
});
export type LogoutResponse = z.infer<typeof LogoutResponse>;

/** `expires_in`, and `interval` between polls, in seconds. */
export const DeviceCode = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.string(),
  expires_in: z.number(),
  interval: z.number(),
});
export type DeviceCode = z.infer<typeof DeviceCode>;

/** What the provider said about the user: the claims of the ID token and of the userinfo endpoint, merged. */
export const OidcClaims = z.object({ claims: z.record(z.string(), z.unknown()) });
export type OidcClaims = z.infer<typeof OidcClaims>;

export const ConvertLoginRequest = z.object({ to_type: z.enum(["oidc", "github"]), password: Password });
export type ConvertLoginRequest = z.infer<typeof ConvertLoginRequest>;

/** `state_string` is the `oidc_merge_state` of the provider's callback. */
export const ConvertLoginResponse = z.object({
  state_string: z.string(),
  expires_at: Timestamp,
  to_type: LoginType,
  user_id: Id,
});
export type ConvertLoginResponse = z.infer<typeof ConvertLoginResponse>;

export const AuthMethods = z.object({
  terms_of_service_url: z.string().optional(),
  password: z.object({ enabled: z.boolean() }),
  github: z.object({ enabled: z.boolean(), default_provider_configured: z.boolean().optional() }),
  oidc: z.object({ enabled: z.boolean(), signInText: z.string(), iconUrl: z.string() }),
});
export type AuthMethods = z.infer<typeof AuthMethods>;

export const UpdateProfileRequest = z.object({ username: Name, name: maybe(Label) });
export type UpdateProfileRequest = z.input<typeof UpdateProfileRequest>;

/** `old_password` is required unless an administrator sets another user's password. */
export const UpdatePasswordRequest = z.object({ old_password: maybe(Password), password: Password });
export type UpdatePasswordRequest = z.input<typeof UpdatePasswordRequest>;

export const UserRoles = z.object({
  roles: z.array(z.string()),
  organization_roles: z.record(z.string(), z.array(z.string())),
});
export type UserRoles = z.infer<typeof UserRoles>;

export const UpdateRolesRequest = z.object({ roles: list(Name) });
export type UpdateRolesRequest = z.infer<typeof UpdateRolesRequest>;

export const LoginTypeResponse = z.object({ login_type: LoginType });
export type LoginTypeResponse = z.infer<typeof LoginTypeResponse>;

export const ValidatePasswordResponse = z.object({ valid: z.boolean(), details: z.string() });
export type ValidatePasswordResponse = z.infer<typeof ValidatePasswordResponse>;

export const UserAppearance = z.object({ theme_preference: z.string(), terminal_font: z.string() });
export type UserAppearance = z.infer<typeof UserAppearance>;

export const UpdateUserAppearanceRequest = z.object({
  theme_preference: Name,
  terminal_font: maybe(Name),
});
export type UpdateUserAppearanceRequest = z.input<typeof UpdateUserAppearanceRequest>;

/** How a key was obtained: `oauth2_provider_app` is an access token of an app that the user authorized. */
export const KeyLoginType = z.enum([...LoginType.options, "oauth2_provider_app"]);
export type KeyLoginType = z.infer<typeof KeyLoginType>;

/** A key or token, without its secret. */
export const ApiKey = z.object({
  id: z.string(),
  user_id: Id,
  last_used: Timestamp,
  expires_at: Timestamp,
  created_at: Timestamp,
  updated_at: Timestamp,
  login_type: KeyLoginType,
  scope: z.string(),
  scopes: z.array(z.string()).optional(),
  /** The only objects that the key reaches; `*` for any type or ID. */
  allow_list: z.array(z.object({ type: z.string(), id: z.string() })).optional(),
  token_name: z.string(),
  lifetime_seconds: z.number(),
  username: z.string(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** A sign-in of a user that has not ended: a browser's or a CLI's. Not in upstream's API. */
export const UserSession = z.object({
  /** Its key's id. */
  id: z.string(),
  created_at: Timestamp,
  last_used: Timestamp,
  expires_at: Timestamp,
  /** Where it was created; empty if unknown. */
  ip_address: z.string(),
  login_type: KeyLoginType,
  /** The session of this request. */
  current: z.boolean(),
});
export type UserSession = z.infer<typeof UserSession>;

/** `<10-character id>-<22-character secret>`; the secret is shown only once, here. */
export const GenerateKeyResponse = z.object({ key: z.string() });
export type GenerateKeyResponse = z.infer<typeof GenerateKeyResponse>;

/** An object that a token is limited to: `workspace:<id>`, `template:*` for all of a type, or `*:*` for all. */
const AllowListEntry = z.union([Name, z.object({ type: Name, id: Name })]);

/**
 * `lifetime` in nanoseconds. Scopes are those of `GET /auth/scopes`; `scope` is the older field for a single one.
 * `allow_list` names the only objects that the token reaches.
 */
export const CreateTokenRequest = z.object({
  lifetime: maybe(DurationNs),
  scope: maybe(Name),
  scopes: maybe(list(Name)),
  token_name: maybe(Name),
  allow_list: maybe(list(AllowListEntry)),
});
export type CreateTokenRequest = z.input<typeof CreateTokenRequest>;

/** `max_token_lifetime` in nanoseconds. */
export const TokenConfig = z.object({ max_token_lifetime: Nanoseconds });
export type TokenConfig = z.infer<typeof TokenConfig>;

export const GitSshKey = z.object({
  user_id: Id,
  created_at: Timestamp,
  updated_at: Timestamp,
  public_key: z.string(),
});
export type GitSshKey = z.infer<typeof GitSshKey>;

/** When the required stops of a user's workspaces may happen. `raw_schedule`: `CRON_TZ=Area/City m h * * *`. */
export const QuietHours = z.object({
  raw_schedule: z.string(),
  user_set: z.boolean(),
  user_can_set: z.boolean(),
  /** `HH:MM` in `timezone`. */
  time: z.string(),
  timezone: z.string(),
  next: Timestamp,
});
export type QuietHours = z.infer<typeof QuietHours>;

/** A blank schedule means the deployment's default. */
export const UpdateQuietHoursRequest = z.object({ schedule: Label });
export type UpdateQuietHoursRequest = z.infer<typeof UpdateQuietHoursRequest>;
