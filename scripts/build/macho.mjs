// Code signatures of Mach-O executables (64 bit, one architecture). macOS runs no unsigned executables; an ad hoc
// signature (without an identity, as its own linker creates) needs no Mac. Layout: Apple's <mach-o/loader.h> and
// xnu's osfmk/kern/cs_blobs.h.
import { createHash } from "node:crypto";

const MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const SIGNATURE_COMMAND_BYTES = 16;
const CPU_ARM64 = 0x0100000c;

const SUPER_BLOB_MAGIC = 0xfade0cc0;
const CODE_DIRECTORY_MAGIC = 0xfade0c02;
const CODE_DIRECTORY_VERSION = 0x20400;
const CODE_DIRECTORY_BYTES = 88;
/** Ad hoc, and made by a linker. */
const FLAGS = 0x20002;
const PAGE_SHIFT = 12;
const HASH_BYTES = 32;
const SHA256 = 2;
const MAIN_BINARY = 1n;

/** Returns the executable without its signature. Throws if anything follows the signature. */
export function removeSignature(file) {
  const { commands, signature, linkedit } = parse(file);
  if (!signature) return file;
  const { offset, size } = dataOf(file, signature);
  if (offset + size !== file.length) throw new Error("The signature is not at the end of the file.");
  const stripped = Buffer.from(file.subarray(0, offset));
  const end = HEADER_BYTES + stripped.readUInt32LE(20);
  const next = signature.at + SIGNATURE_COMMAND_BYTES;
  stripped.copyWithin(signature.at, next, end);
  stripped.fill(0, end - SIGNATURE_COMMAND_BYTES, end);
  setCommands(stripped, commands.length - 1, end - HEADER_BYTES - SIGNATURE_COMMAND_BYTES);
  const moved = linkedit.at > signature.at ? linkedit.at - SIGNATURE_COMMAND_BYTES : linkedit.at;
  setFileEnd(stripped, moved, offset);
  return stripped;
}

/** Returns the unsigned executable with an ad hoc signature for the identifier. */
export function sign(file, identifier) {
  const { commands, signature, linkedit, text } = parse(file);
  if (signature) throw new Error("The file is already signed.");
  const codeLimit = alignUp(file.length, 16);
  const name = Buffer.from(`${identifier}\0`);
  const pages = Math.ceil(codeLimit / 2 ** PAGE_SHIFT);
  const hashOffset = CODE_DIRECTORY_BYTES + name.length;
  const directoryBytes = hashOffset + pages * HASH_BYTES;
  const blobBytes = 20 + directoryBytes;

  const signed = Buffer.alloc(codeLimit + alignUp(blobBytes, 16));
  file.copy(signed);
  const at = HEADER_BYTES + signed.readUInt32LE(20);
  if (signed.subarray(at, at + SIGNATURE_COMMAND_BYTES).some((byte) => byte !== 0))
    throw new Error("No space for the signature's load command.");
  writeWords(signed, at, [LC_CODE_SIGNATURE, SIGNATURE_COMMAND_BYTES, codeLimit, signed.length - codeLimit]);
  setCommands(signed, commands.length + 1, at - HEADER_BYTES + SIGNATURE_COMMAND_BYTES);
  setFileEnd(signed, linkedit.at, signed.length);

  // Blobs are big-endian, whatever the file's byte order.
  const blob = signed.subarray(codeLimit);
  writeBigEndian(blob, [SUPER_BLOB_MAGIC, blobBytes, 1, 0, 20]);
  const directory = blob.subarray(20);
  writeBigEndian(directory, [
    CODE_DIRECTORY_MAGIC,
    directoryBytes,
    CODE_DIRECTORY_VERSION,
    FLAGS,
    hashOffset,
    CODE_DIRECTORY_BYTES,
    0,
    pages,
    codeLimit,
  ]);
  directory.set([HASH_BYTES, SHA256, 0, PAGE_SHIFT], 36);
  directory.writeBigUInt64BE(signed.readBigUInt64LE(text.at + 40), 64);
  directory.writeBigUInt64BE(signed.readBigUInt64LE(text.at + 48), 72);
  directory.writeBigUInt64BE(MAIN_BINARY, 80);
  name.copy(directory, CODE_DIRECTORY_BYTES);
  for (const [index, hash] of pageHashes(signed, codeLimit).entries())
    hash.copy(directory, hashOffset + index * HASH_BYTES);
  return signed;
}

/** True if every page matches the signature. */
export function isSignatureValid(file) {
  const { signature } = parse(file);
  if (!signature) return false;
  const { offset, size } = dataOf(file, signature);
  const directory = file.subarray(offset + 20, offset + size);
  const hashOffset = directory.readUInt32BE(16);
  return (
    offset + size === file.length &&
    directory.readUInt32BE(0) === CODE_DIRECTORY_MAGIC &&
    directory.readUInt32BE(32) === offset &&
    pageHashes(file, offset).every((hash, index) =>
      hash.equals(directory.subarray(hashOffset + index * HASH_BYTES, hashOffset + (index + 1) * HASH_BYTES)),
    )
  );
}

function pageHashes(file, limit) {
  const hashes = [];
  for (let start = 0; start < limit; start += 2 ** PAGE_SHIFT) {
    const page = file.subarray(start, Math.min(start + 2 ** PAGE_SHIFT, limit));
    hashes.push(createHash("sha256").update(page).digest());
  }
  return hashes;
}

function parse(file) {
  if (file.readUInt32LE(0) !== MAGIC_64) throw new Error("This is not a 64-bit Mach-O file.");
  const commands = [];
  let at = HEADER_BYTES;
  for (let index = 0; index < file.readUInt32LE(16); index++) {
    commands.push({ at, type: file.readUInt32LE(at) });
    at += file.readUInt32LE(at + 4);
  }
  const segment = (name) =>
    commands.find(
      ({ at: start, type }) =>
        type === LC_SEGMENT_64 && file.toString("latin1", start + 8, start + 24).replace(/\0+$/, "") === name,
    );
  return {
    commands,
    text: segment("__TEXT"),
    linkedit: segment("__LINKEDIT"),
    signature: commands.find(({ type }) => type === LC_CODE_SIGNATURE),
  };
}

function dataOf(file, { at }) {
  return { offset: file.readUInt32LE(at + 8), size: file.readUInt32LE(at + 12) };
}

function setCommands(file, count, bytes) {
  writeWords(file, 16, [count, bytes]);
}

/** Makes the last segment end where the file does. */
function setFileEnd(file, linkeditAt, end) {
  const size = end - Number(file.readBigUInt64LE(linkeditAt + 40));
  const page = file.readUInt32LE(4) === CPU_ARM64 ? 0x4000 : 0x1000;
  file.writeBigUInt64LE(BigInt(alignUp(size, page)), linkeditAt + 32);
  file.writeBigUInt64LE(BigInt(size), linkeditAt + 48);
}

function writeWords(file, at, words) {
  for (const [index, word] of words.entries()) file.writeUInt32LE(word, at + index * 4);
}

function writeBigEndian(blob, words) {
  for (const [index, word] of words.entries()) blob.writeUInt32BE(word, index * 4);
}

function alignUp(value, to) {
  return Math.ceil(value / to) * to;
}
