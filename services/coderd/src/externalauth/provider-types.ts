/** What a type of provider brings along, from its public documentation. A setting overrides each of them. */
export type ProviderType = {
  displayName: string;
  icon: string;
  /** Where the service of this type is; undefined if everybody runs their own. */
  home: string | undefined;
  /** The path of the authorize endpoint, below the service's address. */
  authorizePath: string;
  /** Endpoints of the service at this address. Absent ones do not exist. */
  endpoints(base: string): Partial<Endpoints>;
  scopes: readonly string[];
  /** Its repositories are at this address, so git's questions about it are answered. */
  git: boolean;
  /** The name that git sends with the token as password. */
  gitUsername: string;
  pkce: boolean;
  /** Fields of the token's answer that users may read. */
  extraKeys?: readonly string[];
};

export type Endpoints = {
  token: string;
  validate: string;
  revoke: string;
  device: string;
  /** Lists where the provider's app is installed. */
  installations: string;
};

/** Gitea, and Forgejo, which continues it. */
const GITEA: Omit<ProviderType, "displayName" | "icon" | "home"> = {
  authorizePath: "/login/oauth/authorize",
  endpoints: (base) => ({
    token: `${base}/login/oauth/access_token`,
    validate: `${base}/login/oauth/userinfo`,
  }),
  scopes: ["read:repository", "write:repository", "read:user"],
  git: true,
  gitUsername: "oauth2",
  pkce: true,
};

const AZURE_SCOPES = ["vso.code_write"];
/** The application ID of Azure DevOps in every tenant of Entra. */
const AZURE_DEVOPS_RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798";

export const PROVIDER_TYPES = {
  github: {
    displayName: "GitHub",
    icon: "/icon/github.svg",
    home: "https://github.com",
    authorizePath: "/login/oauth/authorize",
    endpoints(base) {
      const api = base === "https://github.com" ? "https://api.github.com" : `${base}/api/v3`;
      return {
        token: `${base}/login/oauth/access_token`,
        validate: `${api}/user`,
        device: `${base}/login/device/code`,
        installations: `${api}/user/installations`,
      };
    },
    scopes: ["repo", "workflow"],
    git: true,
    gitUsername: "x-access-token",
    pkce: true,
  },
  gitlab: {
    displayName: "GitLab",
    icon: "/icon/gitlab.svg",
    home: "https://gitlab.com",
    authorizePath: "/oauth/authorize",
    endpoints: (base) => ({
      token: `${base}/oauth/token`,
      validate: `${base}/oauth/token/info`,
      revoke: `${base}/oauth/revoke`,
      device: `${base}/oauth/authorize_device`,
    }),
    scopes: ["write_repository", "read_api"],
    git: true,
    gitUsername: "oauth2",
    pkce: true,
  },
  gitea: { ...GITEA, displayName: "Gitea", icon: "/icon/gitea.svg", home: "https://gitea.com" },
  forgejo: { ...GITEA, displayName: "Forgejo", icon: "/icon/forgejo.svg", home: "https://codeberg.org" },
  "bitbucket-cloud": {
    displayName: "Bitbucket",
    icon: "/icon/bitbucket.svg",
    home: "https://bitbucket.org",
    authorizePath: "/site/oauth2/authorize",
    endpoints: (base) => ({
      token: `${base}/site/oauth2/access_token`,
      validate: "https://api.bitbucket.org/2.0/user",
    }),
    scopes: ["account", "repository:write"],
    git: true,
    gitUsername: "x-token-auth",
    pkce: false,
  },
  "bitbucket-server": {
    displayName: "Bitbucket Server",
    icon: "/icon/bitbucket.svg",
    home: undefined,
    authorizePath: "/rest/oauth2/latest/authorize",
    endpoints: (base) => ({
      token: `${base}/rest/oauth2/latest/token`,
      revoke: `${base}/rest/oauth2/latest/revoke`,
      validate: `${base}/rest/api/latest/inbox/pull-requests/count`,
    }),
    scopes: ["REPO_WRITE"],
    git: true,
    gitUsername: "x-token-auth",
    pkce: true,
  },
  "azure-devops": {
    displayName: "Azure DevOps",
    icon: "/icon/azure-devops.svg",
    home: "https://app.vssps.visualstudio.com",
    authorizePath: "/oauth2/authorize",
    endpoints: (base) => ({ token: `${base}/oauth2/token` }),
    scopes: AZURE_SCOPES,
    git: true,
    gitUsername: "oauth2",
    pkce: false,
  },
  "azure-devops-entra": {
    displayName: "Azure DevOps (Entra ID)",
    icon: "/icon/azure-devops.svg",
    home: undefined,
    authorizePath: "/authorize",
    endpoints: (base) => ({ token: `${base}/token` }),
    scopes: AZURE_SCOPES,
    git: true,
    gitUsername: "oauth2",
    pkce: true,
  },
  slack: {
    displayName: "Slack",
    icon: "/icon/slack.svg",
    home: "https://slack.com",
    authorizePath: "/oauth/v2/authorize",
    endpoints: (base) => ({
      token: `${base}/api/oauth.v2.access`,
      validate: `${base}/api/auth.test`,
      revoke: `${base}/api/auth.revoke`,
    }),
    scopes: [],
    git: false,
    gitUsername: "",
    pkce: false,
    extraKeys: ["authed_user", "team"],
  },
  jfrog: {
    displayName: "JFrog",
    icon: "/icon/jfrog.svg",
    home: undefined,
    authorizePath: "/ui/authorization",
    endpoints: (base) => ({
      token: `${base}/access/api/v1/oauth/token`,
      validate: `${base}/access/api/v1/system/ping`,
    }),
    scopes: ["applied-permissions/user"],
    git: false,
    gitUsername: "",
    pkce: false,
  },
} as const satisfies Record<string, ProviderType>;

/** Any other service that speaks OAuth 2.0 (RFC 6749). */
export const GENERIC: ProviderType = {
  displayName: "",
  icon: "",
  home: undefined,
  authorizePath: "",
  endpoints: () => ({}),
  scopes: [],
  git: false,
  gitUsername: "oauth2",
  pkce: true,
};

/** Where Azure DevOps' repositories are: not where its users sign in. */
export const AZURE_GIT_HOSTS = "(?:dev\\.azure\\.com|[\\w-]+\\.visualstudio\\.com)";

/** Entra's first version of OAuth names what a token is for in a parameter of its own, the second one in the scopes. */
export function entraScopes(authorizeUrl: string, scopes: readonly string[]) {
  const second = authorizeUrl.includes("/oauth2/v2.0/");
  if (!second) return { scopes: [...scopes], resource: AZURE_DEVOPS_RESOURCE };
  const qualified = scopes.map((scope) =>
    scope.includes("/") ? scope : `${AZURE_DEVOPS_RESOURCE}/${scope}`,
  );
  return { scopes: [...qualified, "offline_access"], resource: undefined };
}
