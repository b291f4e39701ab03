import { FleetError } from "@fleet/base";
import { parsed, url } from "@fleet/base/settings";
import { type SupportLink, SupportLinks } from "@fleet/sdk";

const EXAMPLE = '[{"name":"Help desk","target":"https://help.example.com","icon":"chat"}]';

function supportLinks(text: string): SupportLink[] {
  const refuse = (problem: string): never => {
    throw new FleetError("invalid_argument", `must be a JSON list of links such as ${EXAMPLE} (${problem})`);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    refuse("it is not JSON");
  }
  const { data, error } = SupportLinks.safeParse(value);
  const [issue] = error?.issues ?? [];
  return data ?? refuse(`${issue!.path.join(".")}: ${issue!.message}`);
}

/** What the dashboard says on behalf of the organization that runs it. */
export const appearanceSettings = {
  CODER_TERMS_OF_SERVICE_URL: url({
    schemes: ["https", "http"],
    help: "Terms of service, which the sign-in page links to",
  }),
  CODER_DOCS_URL: url({
    schemes: ["https", "http"],
    help: "Documentation that the dashboard links to",
  }),
  CODER_SUPPORT_LINKS: parsed({
    type: "json",
    default: "[]",
    parse: supportLinks,
    help: `Links in the dashboard's account menu, for example ${EXAMPLE}`,
  }),
};
