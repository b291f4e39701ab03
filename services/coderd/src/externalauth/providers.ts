import { FleetError } from "@fleet/base";
import { boolean, choice, list, type NumberedEntry, numbered, parsed, text, url } from "@fleet/base/settings";
import {
  AZURE_GIT_HOSTS,
  type Endpoints,
  entraScopes,
  GENERIC,
  PROVIDER_TYPES,
  type ProviderType,
} from "./provider-types.js";

/** A configured provider, with its type's defaults filled in. */
export type Provider = {
  id: string;
  type: string;
  displayName: string;
  displayIcon: string;
  clientId: string;
  /** Empty for an app that only signs in by device codes. */
  clientSecret: string;
  authorizeUrl: string;
  endpoints: Partial<Endpoints> & { token: string };
  scopes: readonly string[];
  /** What the token is for, where the provider asks for that. */
  resource: string | undefined;
  /** Matches the addresses of git repositories that its tokens are for. */
  regex: RegExp | undefined;
  gitUsername: string;
  refresh: boolean;
  deviceFlow: boolean;
  pkce: boolean;
  extraKeys: readonly string[];
  /** Where users install the provider's app. */
  appInstallUrl: string;
};

const http = ["http", "https"] as const;
const endpoint = (help: string) => url({ schemes: http, help });

const fields = {
  ID: text({ help: "Name of the provider in URLs and templates; defaults to its type" }),
  TYPE: text({
    required: true,
    help: `Type of the provider: ${Object.keys(PROVIDER_TYPES).join(", ")}, or any other name for a generic OAuth 2.0 provider`,
  }),
  CLIENT_ID: text({ required: true, help: "Client ID of the OAuth app at the provider" }),
  CLIENT_SECRET: text({
    secret: true,
    help: "Client secret of the OAuth app; not needed for the device flow",
  }),
  AUTH_URL: endpoint("URL that users sign in at; for a self-hosted provider, the other URLs follow from it"),
  TOKEN_URL: endpoint("URL that issues and refreshes tokens"),
  VALIDATE_URL: endpoint("URL that accepts a valid token; without one, tokens are not validated"),
  REVOKE_URL: endpoint("URL that revokes a token when its user signs out"),
  API_BASE_URL: endpoint(
    "URL of the API of a GitHub Enterprise server, for example https://github.example.com/api/v3",
  ),
  APP_INSTALL_URL: endpoint("URL where users install the provider's app"),
  APP_INSTALLATIONS_URL: endpoint("URL that lists where the provider's app is installed"),
  DEVICE_FLOW: boolean({ default: "false", help: "Sign in with a code that is entered at the provider" }),
  DEVICE_CODE_URL: endpoint("URL that issues codes for the device flow"),
  SCOPES: list({ help: "OAuth scopes to request, separated by spaces or commas" }),
  REGEX: parsed({
    type: "regex",
    parse: parseRegex,
    help: "Which git repositories the tokens are for, matched against the repository's URL; defaults to the provider's host",
  }),
  NO_REFRESH: boolean({
    default: "false",
    help: "Do not refresh tokens: users sign in again when one expires",
  }),
  PKCE_METHODS: choice({
    values: ["S256", "none"],
    help: "PKCE challenge method; defaults to what the type supports",
  }),
  EXTRA_TOKEN_KEYS: list({
    help: "Fields of the token response to keep, for external-auth access-token --extra",
  }),
  DISPLAY_NAME: text({ help: "Name that users see" }),
  DISPLAY_ICON: text({ help: "URL of the icon that users see" }),
};

type Values = NumberedEntry<typeof fields>["values"];

/** External auth providers, numbered from 0: CODER_EXTERNAL_AUTH_0_TYPE=github, … */
export const externalAuthSetting = numbered({
  help: "External auth providers, numbered from 0",
  fields,
  also: "CODER_GITAUTH",
  parse: parseProviders,
  show: (providers) =>
    providers.map(({ id, type, clientId, authorizeUrl, endpoints, scopes, regex, ...rest }) => ({
      id,
      type,
      client_id: clientId,
      auth_url: authorizeUrl,
      token_url: endpoints.token,
      validate_url: endpoints.validate ?? "",
      revoke_url: endpoints.revoke ?? "",
      device_code_url: endpoints.device ?? "",
      app_install_url: rest.appInstallUrl,
      app_installations_url: endpoints.installations ?? "",
      scopes,
      regex: regex?.source ?? "",
      no_refresh: !rest.refresh,
      device_flow: rest.deviceFlow,
      display_name: rest.displayName,
      display_icon: rest.displayIcon,
    })),
});

/** @throws invalid_argument with a sentence for what cannot work. */
function parseProviders(entries: NumberedEntry<typeof fields>[]): Provider[] {
  const providers: Provider[] = [];
  for (const { name, values } of entries) {
    const provider = providerOf(name, values);
    if (providers.some(({ id }) => id === provider.id)) {
      throw refuse(`${name}_ID: another provider has the ID "${provider.id}"; set a different one`);
    }
    providers.push(provider);
  }
  return providers;
}

function providerOf(name: string, values: Values): Provider {
  const { TYPE: type, ID: id = type } = values;
  if (!/^[a-z0-9][\w.-]{0,63}$/i.test(id)) {
    throw refuse(
      `${name}_ID: "${id}" may contain letters, digits, "-", "_" and "." only, and at most 64 of them`,
    );
  }
  const known: ProviderType | undefined = Object.hasOwn(PROVIDER_TYPES, type)
    ? PROVIDER_TYPES[type as keyof typeof PROVIDER_TYPES]
    : undefined;
  const kind = known ?? GENERIC;
  const authorizeUrl = values.AUTH_URL ?? (kind.home && `${kind.home}${kind.authorizePath}`);
  if (!authorizeUrl) {
    throw refuse(
      known
        ? `${name}_AUTH_URL is required for the type ${type}`
        : `${name}_AUTH_URL and ${name}_TOKEN_URL are required: "${type}" is not one of the types with defaults (${Object.keys(PROVIDER_TYPES).join(", ")})`,
    );
  }
  const base = baseOf(authorizeUrl, kind);
  const endpoints = endpointsOf(values, kind, base);
  if (!endpoints.token) throw refuse(`${name}_TOKEN_URL is required for the type ${type}`);
  if (values.DEVICE_FLOW && !endpoints.device) {
    throw refuse(`${name}_DEVICE_CODE_URL is required for the device flow of the type ${type}`);
  }
  if (!values.CLIENT_SECRET && !values.DEVICE_FLOW) throw refuse(`${name}_CLIENT_SECRET is required`);
  const scopes = (values.SCOPES ?? kind.scopes).flatMap((scope) => scope.split(/\s+/)).filter(Boolean);
  return {
    id,
    type,
    displayName: values.DISPLAY_NAME ?? (kind.displayName || id),
    displayIcon: values.DISPLAY_ICON ?? kind.icon,
    clientId: values.CLIENT_ID,
    clientSecret: values.CLIENT_SECRET ?? "",
    authorizeUrl,
    endpoints: { ...endpoints, token: endpoints.token },
    ...(type === "azure-devops-entra" ? entraScopes(authorizeUrl, scopes) : { scopes, resource: undefined }),
    regex: values.REGEX ?? defaultRegex(type, kind, base),
    gitUsername: kind.gitUsername,
    refresh: !values.NO_REFRESH,
    deviceFlow: values.DEVICE_FLOW,
    pkce: values.PKCE_METHODS ? values.PKCE_METHODS === "S256" : kind.pkce,
    extraKeys: values.EXTRA_TOKEN_KEYS ?? kind.extraKeys ?? [],
    appInstallUrl: values.APP_INSTALL_URL ?? "",
  };
}

function endpointsOf(values: Values, kind: ProviderType, base: string): Partial<Endpoints> {
  const defaults = kind.endpoints(base);
  const api = values.API_BASE_URL?.replace(/\/+$/, "");
  const found = {
    token: values.TOKEN_URL ?? defaults.token,
    validate: values.VALIDATE_URL ?? (api ? `${api}/user` : defaults.validate),
    revoke: values.REVOKE_URL ?? defaults.revoke,
    device: values.DEVICE_CODE_URL ?? defaults.device,
    installations:
      values.APP_INSTALLATIONS_URL ?? (api ? `${api}/user/installations` : defaults.installations),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** The address of the service: that of its authorize endpoint without the endpoint's own path. */
function baseOf(authorizeUrl: string, { authorizePath }: ProviderType): string {
  const { origin, pathname } = new URL(authorizeUrl);
  const known = authorizePath !== "" && pathname.endsWith(authorizePath);
  return known ? `${origin}${pathname.slice(0, -authorizePath.length)}` : origin;
}

function defaultRegex(type: string, { git }: ProviderType, base: string): RegExp | undefined {
  if (!git) return undefined;
  const host = type.startsWith("azure-devops")
    ? AZURE_GIT_HOSTS
    : new URL(base).host.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return new RegExp(`^(?:https?://)?${host}(?:/.*)?$`);
}

/** Expressions are written for RE2, which has flags for the whole expression at its start. */
function parseRegex(source: string): RegExp {
  const [, flags = "", rest = source] = /^\(\?([is]+)\)(.*)$/s.exec(source) ?? [];
  try {
    return new RegExp(rest, flags);
  } catch {
    throw refuse("must be a regular expression");
  }
}

function refuse(message: string): FleetError {
  return new FleetError("invalid_argument", message);
}
