export { packFiles, packFolder, readArchive, unpackArchive, writeEntries } from "./archive/archive.js";
export type { ArchiveEntry } from "./archive/entry.js";
export { ARCHIVE_LIMITS, TAR_MIMETYPE, ZIP_MIMETYPES } from "./archive/limits.js";
export { createEchoProvisioner } from "./echo/echo.js";
export { ECHO_FILE, type EchoStep, type EchoTemplate, echoTemplate } from "./echo/template.js";
export type * from "./provisioner.js";
export { readmeOf } from "./template/archive.js";
