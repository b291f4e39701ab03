import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ExternalAuthProviderSchema,
  ExternalAuthTokenSchema,
  LogLevel,
  MetadataSchema,
  NamedValueSchema,
  PreparedVersionSchema,
  PresetSchema,
  ResourceSchema,
  RichParameterSchema,
  TemplateVariableSchema,
  TimingSchema,
  VariableValueSchema,
} from "@fleet/proto-gen/provisioner";

export type ResourceInit = MessageInitShape<typeof ResourceSchema>;
export type RichParameterInit = MessageInitShape<typeof RichParameterSchema>;
export type PresetInit = MessageInitShape<typeof PresetSchema>;
export type ExternalAuthProviderInit = MessageInitShape<typeof ExternalAuthProviderSchema>;
export type TemplateVariableInit = MessageInitShape<typeof TemplateVariableSchema>;
export type TimingInit = MessageInitShape<typeof TimingSchema>;
export type MetadataInit = MessageInitShape<typeof MetadataSchema>;
export type PreparedVersionInit = MessageInitShape<typeof PreparedVersionSchema>;
export type NamedValueInit = MessageInitShape<typeof NamedValueSchema>;
export type VariableValueInit = MessageInitShape<typeof VariableValueSchema>;
export type ExternalAuthTokenInit = MessageInitShape<typeof ExternalAuthTokenSchema>;

/** What turns a template into resources. One for each value of `Job.provisioner`. */
export type Provisioner = {
  readonly name: string;
  /** Unpacks the template and makes ready. Throws a FleetError whose message the user reads. */
  open(request: SessionRequest): Promise<ProvisionerSession>;
};

export type SessionRequest = {
  jobId: string;
  source: TemplateSource;
  /** The state of the last build; empty for none. */
  state: Uint8Array;
  /** What the import found; undefined while importing. */
  prepared: PreparedVersionInit | undefined;
  /** True when the user asked for everything that the tool can tell. */
  debug: boolean;
  report: Report;
  stop: StopSignals;
};

/** An uploaded template. `read` gives its bytes, which hash to `sha256` (lower-case hex). */
export type TemplateSource = { sha256: string; mimetype: string; read(): Promise<Uint8Array> };

/** `graceful` asks the work to end in order; `forced` ends it at once. The first always aborts before the second. */
export type StopSignals = { readonly graceful: AbortSignal; readonly forced: AbortSignal };

/** Where a session tells how it goes. No call blocks. */
export type Report = {
  /** Begins a heading: later lines belong to it. */
  stage(name: string): void;
  log(level: LogLevel, output: string): void;
  timing(timing: TimingInit): void;
  /** The state that has been reached while apply runs. */
  checkpoint(state: Uint8Array): void;
};

/** The values that a plan is made with. */
export type PlanRequest = {
  metadata: MetadataInit;
  parameters: readonly NamedValueInit[];
  previousParameters: readonly NamedValueInit[];
  variables: readonly VariableValueInit[];
  externalAuth: readonly ExternalAuthTokenInit[];
};

export type ParseResult = { variables: TemplateVariableInit[]; readme: string };

export type PlanResult = {
  resources: ResourceInit[];
  parameters: RichParameterInit[];
  presets: PresetInit[];
  externalAuthProviders: ExternalAuthProviderInit[];
  workspaceTags: Record<string, string>;
};

/** What an apply came to. */
export type ApplyResult = {
  resources: ResourceInit[];
} & (
  | {
      /** Empty when nothing is left. */
      state: Uint8Array;
      error: undefined;
    }
  | {
      /** As it was left; undefined where the last one that was stored has to do. */
      state: Uint8Array | undefined;
      /** A sentence: the apply failed or was stopped. */
      error: string;
    }
);

/** One job's work with one template. Closing it removes its files and its processes. */
export type ProvisionerSession = AsyncDisposable & {
  /** Reads what the template declares, without running it. */
  parse(): Promise<ParseResult>;
  /**
   * False when it is known that no resource can cost anything: then nothing has to be decided between plan and apply,
   * and `apply` may be called alone.
   */
  readonly mayCost: boolean;
  plan(request: PlanRequest): Promise<PlanResult>;
  /** Plans as well, and tells only what it would cost: the credits a day of all resources. */
  price(request: PlanRequest): Promise<number>;
  /** Applies the last plan, or plans and applies in one go when there is none; `onPlanned` is called between the two. */
  apply(request: PlanRequest, onPlanned?: () => void): Promise<ApplyResult>;
  /** What later builds of this version can use again. Called after `plan`. */
  prepare(): Promise<PreparedVersionInit>;
};
