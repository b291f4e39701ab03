import type { MessageInitShape } from "@bufbuild/protobuf";
import { FleetError } from "@fleet/base";
import type {
  DiagnosticSchema,
  EvaluatedParameterSchema,
  EvaluatedParametersSchema,
  ExternalAuthProviderSchema,
  ExternalAuthTokenSchema,
  LogLevel,
  MetadataSchema,
  NamedValueSchema,
  PlanSummarySchema,
  PreparedVersionSchema,
  PresetSchema,
  ResourceSchema,
  RichParameterSchema,
  TemplateVariableSchema,
  TimingSchema,
  UserSecretSchema,
  VariableValueSchema,
} from "@fleet/proto-gen/provisioner";

export type ResourceInit = MessageInitShape<typeof ResourceSchema>;
export type RichParameterInit = MessageInitShape<typeof RichParameterSchema>;
export type PlanSummaryInit = MessageInitShape<typeof PlanSummarySchema>;
export type PresetInit = MessageInitShape<typeof PresetSchema>;
export type ExternalAuthProviderInit = MessageInitShape<typeof ExternalAuthProviderSchema>;
export type TemplateVariableInit = MessageInitShape<typeof TemplateVariableSchema>;
export type TimingInit = MessageInitShape<typeof TimingSchema>;
export type MetadataInit = MessageInitShape<typeof MetadataSchema>;
export type PreparedVersionInit = MessageInitShape<typeof PreparedVersionSchema>;
export type InstallationInit = NonNullable<PreparedVersionInit["installation"]>;
export type NamedValueInit = MessageInitShape<typeof NamedValueSchema>;
export type VariableValueInit = MessageInitShape<typeof VariableValueSchema>;
export type EvaluatedParametersInit = MessageInitShape<typeof EvaluatedParametersSchema>;
export type EvaluatedParameterInit = MessageInitShape<typeof EvaluatedParameterSchema>;
export type DiagnosticInit = MessageInitShape<typeof DiagnosticSchema>;
export type ExternalAuthTokenInit = MessageInitShape<typeof ExternalAuthTokenSchema>;
export type UserSecretInit = MessageInitShape<typeof UserSecretSchema>;

/** What turns a template into resources. One for each value of `Job.provisioner`. */
export type Provisioner = {
  readonly name: string;
  /** Unpacks the template and prepares the session. Throws a FleetError whose message is shown to the user. */
  open(request: SessionRequest): Promise<ProvisionerSession>;
  /**
   * What the template asks for, with the values given so far. Runs none of the template's resources, and reaches nothing
   * outside of it. Absent if the provisioner's templates always ask for the same. Throws a FleetError whose message is
   * shown to the user.
   */
  evaluate?(request: EvaluateRequest): Promise<EvaluatedParametersInit>;
};

export type EvaluateRequest = {
  source: TemplateSource;
  metadata: MetadataInit;
  parameters: readonly NamedValueInit[];
  variables: readonly VariableValueInit[];
  /** What the version's import installed. */
  installation: InstallationInit | undefined;
  archives: Pick<ArchiveTransfer, "download">;
  /** Ends the evaluation, and whatever it started. */
  signal: AbortSignal;
};

export type SessionRequest = {
  jobId: string;
  source: TemplateSource;
  /** The state of the last build; empty if there is none. */
  state: Uint8Array;
  /** What the import found; undefined during an import. */
  prepared: PreparedVersionInit | undefined;
  /** True if the user asked for the tool's full debug output. */
  debug: boolean;
  report: Report;
  stop: StopSignals;
  archives: ArchiveTransfer;
};

/** Bytes by the lowercase hex SHA-256 of their content. */
export type ArchiveRef = { sha256: string; size: number };

/** The server's store of what imports installed. */
export type ArchiveTransfer = {
  /** During an import: which of the archives the server needs, or a sentence why it stores none. */
  offer(archives: readonly ArchiveRef[]): Promise<{ missing: string[]; refusal: string }>;
  upload(archive: ArchiveRef, file: string): Promise<void>;
  /** Writes the bytes, verified against their hash, into a file that must not exist. */
  download(archive: ArchiveRef, file: string): Promise<void>;
};

/** Stands for a server that stores nothing. */
export const NO_ARCHIVES: ArchiveTransfer = {
  offer: async () => ({ missing: [], refusal: "The server stores none." }),
  upload: async () => {},
  download: async () => {
    throw new FleetError("not_found", "The server stores none.");
  },
};

/** An uploaded template. `read` returns its bytes, whose hash is `sha256` (lowercase hex). */
export type TemplateSource = { sha256: string; mimetype: string; read(): Promise<Uint8Array> };

/** `graceful` asks the work to stop in order; `forced` stops it at once. The first always aborts before the second. */
export type StopSignals = { readonly graceful: AbortSignal; readonly forced: AbortSignal };

/** Receives a session's progress. No call blocks. */
export type Report = {
  /** Starts a heading: later lines belong to it. */
  stage(name: string): void;
  log(level: LogLevel, output: string): void;
  timing(timing: TimingInit): void;
  /** The state reached so far during apply. */
  checkpoint(state: Uint8Array): void;
};

/** The values that a plan is made with. */
export type PlanRequest = {
  metadata: MetadataInit;
  parameters: readonly NamedValueInit[];
  previousParameters: readonly NamedValueInit[];
  variables: readonly VariableValueInit[];
  externalAuth: readonly ExternalAuthTokenInit[];
  /** The owner's secrets for data.coder_secret. */
  userSecrets?: readonly UserSecretInit[];
  /** Plan without calling any provider but coder's: their data and computed values are made up. */
  mockProviders?: boolean;
  /** Compare with the state only, without asking providers for what exists. */
  skipRefresh?: boolean;
  /** `plan` returns what would change, too. */
  withChanges?: boolean;
};

/** What a build would change. */
export type PreviewResult = {
  summary: PlanSummaryInit;
  /** Credits per day of all resources. */
  dailyCost: number;
};

export type ParseResult = { variables: TemplateVariableInit[]; readme: string };

export type PlanResult = {
  resources: ResourceInit[];
  parameters: RichParameterInit[];
  presets: PresetInit[];
  externalAuthProviders: ExternalAuthProviderInit[];
  workspaceTags: Record<string, string>;
  /** If the request is `withChanges`. */
  preview?: PreviewResult;
};

/** The result of an apply. */
export type ApplyResult = {
  resources: ResourceInit[];
} & (
  | {
      /** Empty if nothing is left. */
      state: Uint8Array;
      error: undefined;
    }
  | {
      /** The state as it was left; undefined to keep the last stored one. */
      state: Uint8Array | undefined;
      /** A sentence: the apply failed or was stopped. */
      error: string;
    }
);

/** One job's work on one template. Closing it removes its files and its processes. */
export type ProvisionerSession = AsyncDisposable & {
  /** Reads what the template declares, without running it. */
  parse(): Promise<ParseResult>;
  /**
   * False if no resource can have a cost: then no decision is needed between plan and apply,
   * and `apply` may be called alone.
   */
  readonly mayCost: boolean;
  /** The file that has the state while `apply` runs; undefined if there is none. */
  readonly stateFile: string | undefined;
  /** Installs what the template needs, so that `apply` only has to plan and apply. */
  init(request: PlanRequest): Promise<void>;
  plan(request: PlanRequest): Promise<PlanResult>;
  /** Plans as well, and returns the cost: the total credits per day of all resources. */
  price(request: PlanRequest): Promise<number>;
  /** Plans as well, and returns the cost and what would change. */
  preview(request: PlanRequest): Promise<PreviewResult>;
  /** Applies the last plan, or plans and applies in one go if there is none; calls `onPlanned` between the two. */
  apply(request: PlanRequest, onPlanned?: () => void): Promise<ApplyResult>;
  /** Results that later builds of this version can reuse. Called after `plan`. */
  prepare(): Promise<PreparedVersionInit>;
};
