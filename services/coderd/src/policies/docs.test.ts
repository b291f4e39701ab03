import { readFileSync } from "node:fs";
import { systemClock } from "@fleet/base";
import { parseAllDocuments } from "yaml";
import { createEvaluator, type Evaluator } from "./cel/evaluator.js";
import type { EvaluationInput } from "./cel/types.js";
import { inputOf, type JudgedChange } from "./judge.js";
import type { Subject } from "./judge-store.js";

const DOCS = readFileSync(new URL("../../../../docs/policy.md", import.meta.url), "utf8");

let evaluator: Evaluator;
beforeAll(() => {
  evaluator = createEvaluator({ clock: systemClock });
});
afterAll(() => evaluator.close());

const SUBJECT: Subject = {
  transition: "start",
  reason: "initiator",
  initiatorName: "ana",
  workspaceId: "1",
  workspaceName: "dev",
  templateId: "2",
  templateName: "docker",
  versionName: "v1",
  organizationId: "3",
  organizationName: "acme",
  ownerId: "4",
  ownerName: "ana",
  ownerEmail: "ana@example.com",
  ownerLoginType: "password",
  ownerGroups: ["Everyone"],
  ownerRoles: [],
  ownerOrganizationRoles: [],
  parameters: [{ name: "cpus", value: "4" }],
  dailyCost: 0,
  policies: null,
};

function inputWith(
  changes: Partial<JudgedChange>[],
  { cost = 0, groups = [] as string[], loses = false } = {},
) {
  const plan = {
    truncated: false,
    drift: [{ address: "a.b", type: "a", deleted: true }],
    changes: changes.map((change) => ({
      address: `${change.type}.main`,
      moduleAddress: "",
      mode: "managed",
      type: "",
      name: "main",
      provider: "registry.terraform.io/hashicorp/aws",
      actions: ["create"],
      previousAddress: "",
      reasons: [],
      before: "",
      after: "{}",
      unknown: [],
      sensitive: [],
      ...change,
    })),
  };
  const losses = new Set(loses ? plan.changes.map(({ address }) => address) : []);
  return inputOf({ ...SUBJECT, ownerGroups: ["Everyone", ...groups] }, plan, cost, losses);
}

test("every field that a policy sees is described, and declared", async () => {
  const input = inputWith([{ type: "aws_lb" }]);
  const { changes, drift } = input.plan;
  const objects: Record<string, object> = {
    ...(input as unknown as Record<string, object>),
    "plan.changes[0]": changes[0]!,
    "plan.drift[0]": drift[0]!,
  };
  for (const [variable, fields] of Object.entries(objects)) {
    for (const field of variable === "parameters" ? [] : Object.keys(fields)) {
      expect(DOCS).toContain(`\`${field}\``);
      const rule = { expression: `size([${variable}.${field}]) == 1`, message: "", messageExpression: "" };
      expect(await evaluator.check(rule)).toEqual({});
      expect(await evaluator.judge([rule], input)).toMatchObject([{ outcome: "violated" }]);
    }
  }
});

const after = (values: object) => JSON.stringify(values);
/** What violates each of the useful policies, and what does not. */
const EXAMPLES: Record<string, { violates: EvaluationInput[]; passes: EvaluationInput[]; message: string }> =
  {
    "no-public-load-balancer": {
      violates: [
        inputWith([{ type: "aws_lb", after: after({ internal: false }) }]),
        inputWith([{ type: "aws_lb", after: after({ internal: null }) }]),
        inputWith([{ type: "aws_lb", unknown: ["internal"] }]),
      ],
      passes: [
        inputWith([{ type: "aws_lb", after: after({ internal: true }) }]),
        inputWith([{ type: "aws_lb", actions: ["delete"], after: "" }]),
      ],
      message: "Set internal = true: aws_lb.main.",
    },
    "gpu-for-ml": {
      violates: [
        inputWith([{ type: "aws_instance", after: after({ instance_type: "p4d.24xlarge" }) }]),
        inputWith([{ type: "aws_instance", unknown: ["instance_type"] }]),
      ],
      passes: [
        inputWith([{ type: "aws_instance", after: after({ instance_type: "p4d.24xlarge" }) }], {
          groups: ["ml"],
        }),
        inputWith([{ type: "aws_instance", after: after({ instance_type: "t3.large" }) }]),
      ],
      message: "GPU machines are for members of the group ml.",
    },
    "cost-limit": {
      violates: [inputWith([], { cost: 101 })],
      passes: [inputWith([], { cost: 100 })],
      message: "Workspaces may cost at most 100 credits per day.",
    },
    "machine-types": {
      violates: [
        inputWith([{ type: "google_compute_instance", after: after({ machine_type: "a2-highgpu-1g" }) }]),
        inputWith([{ type: "google_compute_instance", unknown: ["machine_type"] }]),
      ],
      passes: [
        inputWith([{ type: "google_compute_instance", after: after({ machine_type: "e2-standard-4" }) }]),
        inputWith([
          { type: "google_compute_instance", actions: ["no-op"], after: after({ machine_type: "x" }) },
        ]),
      ],
      message: "Choose e2-standard-4 or e2-standard-8.",
    },
    "required-tags": {
      violates: [
        inputWith([{ type: "aws_instance", after: after({ tags: null }) }]),
        inputWith([{ type: "aws_instance", after: after({ tags: { name: "x" } }) }]),
      ],
      passes: [
        inputWith([{ type: "aws_instance", after: after({ tags: { team: "a" } }) }]),
        inputWith([{ type: "coder_agent" }]),
      ],
      message: "Tag every resource with its team.",
    },
    "keep-volumes": {
      violates: [inputWith([{ type: "aws_ebs_volume", actions: ["delete"], after: "" }], { loses: true })],
      passes: [inputWith([{ type: "aws_ebs_volume", actions: ["delete"], after: "" }])],
      message: "aws_ebs_volume.main keeps data and would be destroyed.",
    },
  };

test("the policies of the documentation do what they say", async () => {
  const blocks = [...DOCS.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block!);
  const policies = parseAllDocuments(blocks.at(-1)!).map(
    (document) =>
      document.toJS() as { name: string; expression: string; message: string; message_expression?: string },
  );
  expect(policies.map(({ name }) => name)).toEqual(Object.keys(EXAMPLES));
  for (const { name, expression, message, message_expression: messageExpression = "" } of policies) {
    const rule = { expression, message, messageExpression };
    expect(await evaluator.check(rule)).toEqual({});
    const example = EXAMPLES[name]!;
    for (const input of example.violates) {
      expect([name, ...(await evaluator.judge([rule], input))]).toMatchObject([
        name,
        { outcome: "violated", message: example.message },
      ]);
    }
    for (const input of example.passes) {
      expect([name, ...(await evaluator.judge([rule], input))]).toMatchObject([name, { outcome: "passed" }]);
    }
  }
});
