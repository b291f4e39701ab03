import { FleetError } from "@fleet/base";

/** How messages call the providers. */
const PROVIDER_NAMES = { oidc: "OpenID Connect", github: "GitHub" } as const;
const LOGIN_NAMES: Record<string, string> = { ...PROVIDER_NAMES, password: "a password" };

export class SignUpsDisabled extends FleetError {
  /** @param text the operator's own words, instead. */
  constructor(provider: keyof typeof PROVIDER_NAMES, text?: string) {
    super(
      "permission_denied",
      text ||
        `You do not have an account here, and ${PROVIDER_NAMES[provider]} cannot be used to sign up. Ask an administrator to create your account.`,
    );
  }
}

export class EmailMissing extends FleetError {
  constructor(provider: keyof typeof PROVIDER_NAMES, field: string) {
    super(
      "permission_denied",
      `${PROVIDER_NAMES[provider]} sent no valid email address (${field}). Ask an administrator to check which claims it sends.`,
    );
  }
}

export class EmailNotVerified extends FleetError {
  constructor(email: string) {
    super(
      "permission_denied",
      `Your email address ${email} is not verified. Verify it at your provider, then sign in again.`,
    );
  }
}

export class EmailDomainNotAllowed extends FleetError {
  constructor(email: string, domains: readonly string[]) {
    super(
      "permission_denied",
      `Your email address ${email} is not in an allowed domain (${domains.join(", ")}). Sign in with another account.`,
    );
  }
}

export class GroupNotAllowed extends FleetError {
  constructor() {
    super(
      "permission_denied",
      "You are not in a group that may use this deployment. Ask an administrator for access.",
    );
  }
}

export class NotInAllowedOrganization extends FleetError {
  constructor() {
    super(
      "permission_denied",
      "You are not in a GitHub organization or team that may use this deployment. Grant access to your organization on GitHub, or ask an administrator.",
    );
  }
}

export class LoginTypeMismatch extends FleetError {
  constructor(provider: keyof typeof PROVIDER_NAMES, loginType: string) {
    const how = LOGIN_NAMES[loginType];
    super(
      "permission_denied",
      how
        ? `The user with your email address signs in with ${how}, not with ${PROVIDER_NAMES[provider]}. Sign in with ${how}, or change the login type in your account settings.`
        : "The user with your email address is a service account, which cannot sign in.",
    );
  }
}

export class OtherAccountLinked extends FleetError {
  constructor(provider: keyof typeof PROVIDER_NAMES) {
    super(
      "permission_denied",
      `The user with your email address signs in with another ${PROVIDER_NAMES[provider]} account. Ask an administrator for help.`,
    );
  }
}

export class AccountSuspended extends FleetError {
  constructor() {
    super("permission_denied", "Your account is suspended. Ask an administrator to reactivate it.");
  }
}

export class ProviderNotConfigured extends FleetError {
  constructor(provider: keyof typeof PROVIDER_NAMES) {
    super(
      "failed_precondition",
      `Sign-in with ${PROVIDER_NAMES[provider]} is not configured on this deployment.`,
    );
  }
}

export class EmailDiffers extends FleetError {
  constructor(theirs: string, ours: string) {
    super(
      "permission_denied",
      `The account at the provider has the email address ${theirs}, but yours is ${ours}. They must be the same.`,
    );
  }
}
