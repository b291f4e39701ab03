/** Stops what the broker started. */
// biome-ignore lint/style/noDefaultExport: jest calls the default export.
export default async function globalTeardown() {
  await globalThis.fleetTestBroker?.close();
}
