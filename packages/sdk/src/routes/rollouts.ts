import * as z from "zod";
import { route } from "../route.js";
import { CreateRolloutRequest, RolloutProgress, TemplateRollout } from "../types/index.js";

const update = { resource: "template", action: "update" } as const;

export const rolloutRoutes = {
  rolloutCreate: route({
    method: "POST",
    path: "/api/v2/templates/:template/rollouts",
    summary:
      "Promote a version to a growing share of the template's workspaces. Replaces a running rollout of the same version whose share is not larger.",
    access: update,
    status: 201,
    body: CreateRolloutRequest,
    response: TemplateRollout,
  }),
  rolloutList: route({
    method: "GET",
    path: "/api/v2/templates/:template/rollouts",
    summary: "List the template's latest rollouts, latest first.",
    access: { resource: "template", action: "read" },
    response: z.array(TemplateRollout),
  }),
  rolloutGet: route({
    method: "GET",
    path: "/api/v2/templates/:template/rollouts/:rollout",
    summary: "Get a rollout and how the workspaces fare that took its version.",
    access: update,
    response: RolloutProgress,
  }),
  rolloutPause: route({
    method: "POST",
    path: "/api/v2/templates/:template/rollouts/:rollout/pause",
    summary: "Keep a rollout at its current share. It still stops if too many workspaces fail.",
    access: update,
    response: TemplateRollout,
  }),
  rolloutResume: route({
    method: "POST",
    path: "/api/v2/templates/:template/rollouts/:rollout/resume",
    summary:
      "Continue a paused or stopped rollout with its current step. After a stop, failures are counted anew.",
    access: update,
    response: TemplateRollout,
  }),
  rolloutAbort: route({
    method: "POST",
    path: "/api/v2/templates/:template/rollouts/:rollout/abort",
    summary: "End a rollout: all workspaces take the former version again when they are next started.",
    access: update,
    response: TemplateRollout,
  }),
  rolloutFinish: route({
    method: "POST",
    path: "/api/v2/templates/:template/rollouts/:rollout/finish",
    summary: "End a rollout by making its version the template's active version at once.",
    access: update,
    response: TemplateRollout,
  }),
};
