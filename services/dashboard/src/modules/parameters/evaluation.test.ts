/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import type { DynamicParametersRequest, DynamicParametersResponse } from "@fleet/sdk";
import { waitFor } from "@testing-library/react";
import { evaluateClouds } from "../../testing/dynamic.js";
import { uuid } from "../../testing/samples.js";
import { createEvaluation } from "./evaluation.js";
import type { ParameterValues } from "./values.js";

/** An evaluation over streams whose answers the test sends. */
function startEvaluation(known: ParameterValues = {}) {
  const streams: {
    sent: DynamicParametersRequest[];
    answer(response: DynamicParametersResponse): void;
    close(): void;
  }[] = [];
  const controller = new AbortController();
  const pulse = {
    heard() {},
    doubt() {},
    lost: () => controller.signal,
    reachable: async () => {},
  };
  const evaluation = createEvaluation({
    ownerId: uuid(1),
    known,
    following: { pulse, wait: async () => {} },
    open() {
      const sent: DynamicParametersRequest[] = [];
      const queue: DynamicParametersResponse[] = [];
      let closed = false;
      let wake = () => {};
      streams.push({
        sent,
        answer(response) {
          queue.push(response);
          wake();
        },
        close() {
          closed = true;
          wake();
        },
      });
      return {
        send: (message: DynamicParametersRequest) => void sent.push(message),
        async *[Symbol.asyncIterator]() {
          while (!closed) {
            for (let next = queue.shift(); next; next = queue.shift()) yield next;
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        },
      };
    },
  });
  const stop = evaluation.start();
  return {
    evaluation,
    streams,
    names: () => evaluation.state().fields?.map(({ name }) => name),
    answer: (response: DynamicParametersResponse) => streams.at(-1)!.answer(response),
    /** Waits for a request on the latest stream, and returns it. */
    async asked(count: number) {
      await waitFor(() => expect(streams.at(-1)?.sent.length ?? 0).toBeGreaterThanOrEqual(count));
      return streams.at(-1)!.sent.at(-1)!;
    },
    [Symbol.dispose]: stop,
  };
}

test("a form without known values shows what the server sends unasked", async () => {
  using form = startEvaluation();
  await waitFor(() => expect(form.streams).toHaveLength(1));
  form.streams[0]!.answer(evaluateClouds({ id: -1, inputs: {} }));
  await waitFor(() => expect(form.names()).toBeDefined());
  expect(form.names()).toEqual(["cloud", "region", "size"]);
  expect(form.streams[0]!.sent).toEqual([]);
});

test("changes within a moment are one request, and answers to earlier ones are dropped", async () => {
  using form = startEvaluation({ cloud: "hetzner" });
  const first = await form.asked(1);
  expect(first).toMatchObject({ inputs: { cloud: "hetzner" }, owner_id: uuid(1) });
  for (const text of ["l", "la", "large"]) form.evaluation.enter({ size: text });
  const second = await form.asked(2);
  expect(second.inputs).toEqual({ cloud: "hetzner", size: "large" });
  const stream = form.streams[0]!;
  stream.answer(evaluateClouds(second));
  await waitFor(() => expect(form.names()).toContain("model"));
  const shown: unknown[] = [];
  form.evaluation.subscribe(() => shown.push(form.names()?.length));
  stream.answer(evaluateClouds({ id: -1, inputs: {} }));
  stream.answer(evaluateClouds(first));
  form.evaluation.enter({ model: "a100" });
  const third = await form.asked(3);
  stream.answer(evaluateClouds(third));
  await form.evaluation.settled();
  expect(new Set(shown)).toEqual(new Set([4]));
});

test("fields stay while an evaluation fails, which can be tried again", async () => {
  using form = startEvaluation({ size: "large" });
  form.answer(evaluateClouds(await form.asked(1)));
  form.evaluation.enter({ size: "small" });
  const { id } = await form.asked(2);
  const error = { severity: "error" as const, summary: "No provisioner.", detail: "", extra: { code: "" } };
  form.answer({ id, diagnostics: [error], parameters: [] });
  await waitFor(() => expect(form.evaluation.state().diagnostics).toEqual([error]));
  expect(form.names()).toContain("model");
  form.evaluation.retry();
  form.answer(evaluateClouds(await form.asked(3)));
  await waitFor(() => expect(form.names()).toHaveLength(3));
  expect(form.evaluation.state().diagnostics).toEqual([]);
});

test("what was entered into a field that disappears is kept", async () => {
  using form = startEvaluation({ size: "large", model: "a100" });
  form.answer(evaluateClouds(await form.asked(1)));
  form.evaluation.enter({ size: "small" });
  form.answer(evaluateClouds(await form.asked(2)));
  await waitFor(() => expect(form.names()).toHaveLength(3));
  form.evaluation.enter({ size: "large" });
  expect((await form.asked(3)).inputs).toEqual({ size: "large", model: "a100" });
});

test("another connection evaluates the same values", async () => {
  using form = startEvaluation();
  await waitFor(() => expect(form.streams).toHaveLength(1));
  form.answer(evaluateClouds({ id: -1, inputs: {} }));
  form.evaluation.enter({ size: "large" });
  await form.asked(1);
  form.streams[0]!.close();
  await waitFor(() => expect(form.streams).toHaveLength(2));
  const request = await form.asked(1);
  expect(request.inputs).toEqual({ size: "large" });
  form.streams[1]!.answer(evaluateClouds(request));
  const { fields, evaluated } = await form.evaluation.settled();
  expect(fields).toHaveLength(4);
  expect(evaluated).toEqual({ size: "large" });
});

test("ephemeral values of the last build are not used again", async () => {
  using form = startEvaluation({ size: "large", wipe: "yes" });
  const wipe = (request: DynamicParametersRequest): DynamicParametersResponse => {
    const form = evaluateClouds(request);
    const [cloud] = form.parameters;
    return { ...form, parameters: [...form.parameters, { ...cloud!, name: "wipe", ephemeral: true }] };
  };
  form.answer(wipe(await form.asked(1)));
  expect((await form.asked(2)).inputs).toEqual({ size: "large" });
  form.evaluation.enter({ wipe: "yes" });
  form.answer(wipe(await form.asked(3)));
  expect((await form.evaluation.settled()).inputs).toEqual({ size: "large", wipe: "yes" });
});
