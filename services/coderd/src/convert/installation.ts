import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  Archive,
  Installation as InstallationMessage,
  InstallationSchema,
} from "@fleet/proto-gen/provisioner";
import type { ArchiveName } from "../archives/service.js";
import type { Installation } from "../templateversions/work-store.js";

export function toInstallation({
  engine,
  modules,
  providers,
}: Installation): MessageInitShape<typeof InstallationSchema> {
  return {
    engine,
    ...(modules && { modules: toArchive(modules) }),
    providers: providers.map((provider) => ({ ...provider, archive: toArchive(provider.archive) })),
  };
}

function toArchive({ sha256, size }: ArchiveName) {
  return { sha256, size: BigInt(size) };
}

/** An archive without a hash is refused where archives are looked up. */
export function fromInstallation({ engine, modules, providers }: InstallationMessage): Installation {
  return {
    engine,
    modules: modules ? fromArchive(modules) : null,
    providers: providers.map(({ address, version, platform, hash, archive }) => ({
      address,
      version,
      platform,
      hash,
      archive: fromArchive(archive),
    })),
  };
}

export function fromArchive(archive: Archive | undefined): ArchiveName {
  return { sha256: archive?.sha256 ?? "", size: Number(archive?.size ?? 0n) };
}
