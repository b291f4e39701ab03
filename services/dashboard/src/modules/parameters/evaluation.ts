import type {
  Diagnostic,
  DynamicParametersRequest,
  DynamicParametersResponse,
  Exchange,
  FormField,
} from "@fleet/sdk";
import { FleetError, formFieldOf } from "@fleet/sdk/browser";
import { type FollowOptions, follow, type LiveState } from "../../api/live.js";
import type { ParameterValues } from "./values.js";

/** How long to wait after a change before it is evaluated, so that typing a word is one evaluation. */
const DEBOUNCE_MS = 250;
/** Maximum time for an evaluation; after it, another connection is tried. The first one of a version may be slow. */
const ANSWER_LIMIT_MS = 60_000;
/** The server's id of the form that it sends before anything was entered. */
const UNASKED = -1;

export type EvaluationState = {
  /** The parameters that exist for the evaluated inputs; undefined before the first answer. */
  fields: readonly FormField[] | undefined;
  /** Errors and warnings of the template as a whole. */
  diagnostics: readonly Diagnostic[];
  /** What the user or the link entered, including values of parameters that do not exist at present. */
  inputs: ParameterValues;
  /** The inputs that `fields` were evaluated for. */
  evaluated: ParameterValues | undefined;
  connection: LiveState;
};

/** A form whose fields the server evaluates for the values entered. */
export type Evaluation = {
  state(): EvaluationState;
  subscribe(listener: () => void): () => void;
  /** Enters values; they are evaluated together after a moment. */
  enter(values: ParameterValues): void;
  /** Evaluates the same values again, after an evaluation that failed. */
  retry(): void;
  /** Resolves when all entered values have been evaluated. @throws unavailable if the server does not answer in time. */
  settled(): Promise<EvaluationState>;
  /** Connects until the returned function is called. */
  start(): () => void;
};

export type EvaluationOptions = {
  open(signal: AbortSignal): Exchange<DynamicParametersRequest, DynamicParametersResponse>;
  ownerId: string;
  /** Values to start with, from a link, a preset or the workspace. */
  known: ParameterValues;
  /** For tests: how streams are followed. */
  following?: Pick<FollowOptions<never>, "pulse" | "wait">;
};

export function createEvaluation({ open, ownerId, known, following }: EvaluationOptions): Evaluation {
  const listeners = new Set<() => void>();
  let state: EvaluationState = {
    fields: undefined,
    diagnostics: [],
    inputs: known,
    evaluated: undefined,
    connection: "opening",
  };
  const entered = new Set<string>();
  let exchange: ReturnType<typeof open> | undefined;
  /** The last request, and whether it still has no answer. */
  let asked = { id: UNASKED, inputs: {} as ParameterValues };
  let debounce: ReturnType<typeof setTimeout> | undefined;
  let patience: ReturnType<typeof setTimeout> | undefined;
  let reconnect = () => {};

  function change(changes: Partial<EvaluationState>): void {
    state = { ...state, ...changes };
    for (const listener of listeners) listener();
  }

  function ask(): void {
    clearTimeout(debounce);
    debounce = undefined;
    asked = { id: asked.id + 1, inputs: state.inputs };
    exchange?.send({ id: asked.id, inputs: state.inputs, owner_id: ownerId });
    expectAnswer();
  }

  function expectAnswer(): void {
    clearTimeout(patience);
    patience = setTimeout(() => reconnect(), ANSWER_LIMIT_MS);
  }

  /** An answer to anything but the last request is out of date. */
  function receive(response: DynamicParametersResponse): void {
    if (response.id !== asked.id) return;
    clearTimeout(patience);
    // An evaluation that failed has no parameters: what is shown stays, with the error above it.
    const failed = response.diagnostics.some(({ severity }) => severity === "error");
    const found = response.parameters.map(formFieldOf);
    const fields = failed && found.length === 0 ? (state.fields ?? found) : found;
    change({ fields, diagnostics: response.diagnostics, evaluated: asked.inputs });
    // The last build's ephemeral values do not apply to the next one.
    const stale = fields.filter(
      ({ name, ephemeral }) => ephemeral && name in state.inputs && !entered.has(name),
    );
    if (stale.length === 0) return;
    const names = new Set(stale.map(({ name }) => name));
    change({ inputs: Object.fromEntries(Object.entries(state.inputs).filter(([name]) => !names.has(name))) });
    ask();
  }

  function connect(signal: AbortSignal): void {
    void follow<DynamicParametersResponse>({
      ...following,
      open(opened) {
        exchange = open(opened);
        if (Object.keys(state.inputs).length > 0) ask();
        else {
          asked = { id: UNASKED, inputs: state.inputs };
          expectAnswer();
        }
        return exchange;
      },
      onItem: receive,
      onState: (connection) => change({ connection }),
      isOver: () => false,
      signal,
    });
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    enter(values) {
      for (const name of Object.keys(values)) entered.add(name);
      change({ inputs: { ...state.inputs, ...values } });
      clearTimeout(debounce);
      debounce = setTimeout(ask, DEBOUNCE_MS);
    },
    retry: ask,
    async settled() {
      if (debounce !== undefined) ask();
      if (state.evaluated !== state.inputs) await until(() => state.evaluated === state.inputs, listeners);
      return state;
    },
    start() {
      let controller = new AbortController();
      reconnect = () => {
        controller.abort();
        controller = new AbortController();
        connect(controller.signal);
      };
      connect(controller.signal);
      return () => {
        clearTimeout(debounce);
        clearTimeout(patience);
        controller.abort();
      };
    },
  };
}

function until(isSo: () => boolean, listeners: Set<() => void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (finish: () => void) => {
      clearTimeout(timer);
      listeners.delete(check);
      finish();
    };
    const check = () => isSo() && end(resolve);
    const timer = setTimeout(() => {
      const message = "The parameters could not be evaluated in time. Try again.";
      end(() => reject(new FleetError("unavailable", message)));
    }, ANSWER_LIMIT_MS);
    listeners.add(check);
  });
}
