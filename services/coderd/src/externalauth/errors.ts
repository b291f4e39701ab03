import { FleetError } from "@fleet/base";

export class ProviderNotFound extends FleetError {
  constructor(id: string) {
    super("not_found", `External auth provider "${id}" is not configured.`);
  }
}

export class NotLinked extends FleetError {
  constructor(name: string) {
    super("not_found", `You are not signed in to ${name}.`);
  }
}

/** The workspace's owner has to sign in before the workspace can start. */
export class SignInRequired extends FleetError {
  constructor(missing: readonly { name: string; url: string | undefined }[]) {
    const [first] = missing;
    const sentences = missing.map(({ name, url }) =>
      url
        ? `The template requires the workspace's owner to sign in to ${name} first: ${url}`
        : `The template requires the external auth provider "${name}", which is not configured on this deployment. Ask an administrator.`,
    );
    super("failed_precondition", sentences.join("\n"), {
      validations: first ? [{ field: "external_auth", detail: sentences[0]! }] : [],
    });
  }
}
