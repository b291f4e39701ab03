import { createDbcrypt } from "./dbcrypt.js";

const HERE = "user_secrets.value";
const ELSEWHERE = "external_auth_links.token";

const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const bytes = (value: string) => Buffer.from(value);

test("the first key encrypts, all keys decrypt, and plain values stay readable", () => {
  const off = createDbcrypt(undefined);
  const old = createDbcrypt(key(1));
  const rotated = createDbcrypt(` ${key(2)}, ${key(1)} `);
  expect(off.keyId).toBeUndefined();
  expect(text(off.seal(bytes("secret"), HERE))).toBe("secret");

  const sealed = old.seal(bytes("secret"), HERE);
  expect(text(sealed)).not.toContain("secret");
  expect(sealed).not.toEqual(old.seal(bytes("secret"), HERE));
  for (const reader of [old, rotated]) {
    expect(text(reader.open(sealed, HERE))).toBe("secret");
    expect(text(reader.open(bytes("plain"), HERE))).toBe("plain");
  }
  expect(rotated.keyIds).toHaveLength(2);
  expect(rotated.keyId).not.toBe(old.keyId);
  const again = rotated.seal(bytes("secret"), HERE);
  expect(() => old.open(again, HERE)).toThrow(`the key ${rotated.keyId}`);
  expect(() => off.open(again, HERE)).toThrow("does not contain");
});

test("an empty value stays empty, and a value that was changed or moved is refused", () => {
  const crypt = createDbcrypt(key(1));
  expect(crypt.seal(new Uint8Array(), HERE)).toHaveLength(0);
  const sealed = crypt.seal(bytes("secret"), HERE);
  expect(() => crypt.open(sealed, ELSEWHERE)).toThrow("could not be decrypted");
  for (const at of [12, 24, sealed.length - 1]) {
    const changed = new Uint8Array(sealed);
    changed[at]! ^= 1;
    expect(() => crypt.open(changed, HERE)).toThrow("could not be decrypted");
  }
});

test("a key that is not one is refused, with how to make one", () => {
  for (const wrong of ["x", key(1).slice(4), `${key(1)},short`, Buffer.alloc(16).toString("base64")]) {
    expect(() => createDbcrypt(wrong)).toThrow("openssl rand -base64 32");
  }
});
