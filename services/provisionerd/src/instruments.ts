/** What a daemon measures of itself. */
export type Instruments = {
  jobStarted(provisioner: string): void;
  jobEnded(provisioner: string, outcome: string, durationMs: number): void;
};
