import { FleetError } from "@fleet/base";
import { routes } from "./routes/index.js";
import { parseBody, parseQuery } from "./server.js";

const workspace = "3f8c5b6e-7c1b-4f0e-9a51-8f2f3a4c5d6e";
const nil = "00000000-0000-0000-0000-000000000000";

function refusal(call: () => unknown): FleetError {
  try {
    call();
  } catch (error) {
    if (error instanceof FleetError) return error;
    throw error;
  }
  throw new Error("Nothing was refused.");
}

describe("parseBody", () => {
  it("accepts what Go clients send for absent fields: null and the nil UUID", () => {
    const body = parseBody(routes.workspaceCreate, {
      name: "dev",
      template_id: workspace,
      template_version_id: nil,
      template_version_preset_id: "",
      ttl_ms: null,
      rich_parameter_values: null,
    });
    expect(body.template_id).toBe(workspace);
    expect(body.template_version_id).toBeUndefined();
    expect(body.template_version_preset_id).toBeUndefined();
    expect(body.ttl_ms).toBeUndefined();
    expect(body.rich_parameter_values).toBeUndefined();
  });

  it("accepts a body with only required fields, and drops unknown ones", () => {
    expect(parseBody(routes.workspaceBuildCreate, { transition: "start", surprise: 1 })).toEqual({
      transition: "start",
    });
  });

  it("names each invalid field", () => {
    const error = refusal(() => parseBody(routes.workspaceBuildCreate, { transition: "fly", orphan: "no" }));
    expect(error.code).toBe("invalid_argument");
    expect(error.validations.map(({ field }) => field)).toEqual(["transition", "orphan"]);
  });
});

describe("parseQuery", () => {
  it("parses numbers and booleans, and omits empty values", () => {
    const query = new URLSearchParams("limit=10&offset=&include_archived=true");
    expect(parseQuery(routes.templateVersionList, query)).toEqual({ limit: 10, include_archived: true });
  });

  it("rejects what is not a number", () => {
    const error = refusal(() => parseQuery(routes.userList, new URLSearchParams("limit=ten")));
    expect(error.validations.map(({ field }) => field)).toEqual(["limit"]);
  });

  it("returns an empty object for a route without a query", () => {
    expect(parseQuery(routes.buildInfo, new URLSearchParams("x=1"))).toEqual({});
  });
});
