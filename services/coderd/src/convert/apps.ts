import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AuthorizeAppResponseSchema } from "@fleet/proto-gen/proxy";
import type { AppDecision } from "../apps/service.js";

export function toAppDecision(decision: AppDecision): MessageInitShape<typeof AuthorizeAppResponseSchema> {
  switch (decision.kind) {
    case "granted":
      return {
        decision: {
          case: "granted",
          value: {
            signedToken: decision.token,
            expiresAtMs: BigInt(decision.expiresAtMs),
            target: decision.target,
          },
        },
      };
    case "redirect":
      return { decision: { case: "redirectUrl", value: decision.url } };
    case "refused":
      return {
        decision: {
          case: "refused",
          value: {
            status: decision.status,
            title: decision.title,
            message: decision.message,
            actionUrl: decision.action?.url ?? "",
            actionLabel: decision.action?.label ?? "",
          },
        },
      };
  }
}
