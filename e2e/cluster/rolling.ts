import { buildImages, imagesOf, loadImages, SERVICES, tagServices } from "./images.js";
import { HARM, runUnderLoad } from "./under-load.js";

/** Each tier is scaled and rolled to another image under load: nobody may notice. */
await runUnderLoad(async ({ settings, stages, install }) => {
  if (!process.env.E2E_IMAGE_TAG) {
    await stages.run("images built", () => buildImages(settings));
    await stages.run("images loaded", () => loadImages(settings));
  }
  const next = await stages.run("second images", async () => {
    const renamed = await tagServices(settings, `${settings.tag}-next`);
    await loadImages(renamed, SERVICES);
    return imagesOf(renamed);
  });
  const one = { replicaCount: 1 };
  const installed = await install(imagesOf(settings), { coderd: one, provisionerd: one, proxy: one });
  const { tiers } = installed;
  const load = installed.load(false);
  const step = (name: string, change: () => Promise<void>) =>
    stages.run(name, () => Promise.race([change(), load.broken]));
  for (const tier of ["coderd", "proxy"] as const) {
    await step(`${tier} from one to three`, () => tiers.scale(tier, 3));
    await step(`${tier} to another image`, () => tiers.roll(tier, next[tier]));
    await step(`${tier} from three to one`, () => tiers.scale(tier, 1));
  }
  await step("provisionerd to another image", () => tiers.roll("provisionerd", next.provisionerd));
  await step("provisionerd from one to three", () => tiers.scale("provisionerd", 3));
  await step("provisionerd from three to one", () => tiers.scale("provisionerd", 1));
  await installed.finish(load);
  stages.report("e2e-rolling", HARM);
});
