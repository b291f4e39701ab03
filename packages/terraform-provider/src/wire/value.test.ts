import { Encoder, ExtData } from "@msgpack/msgpack";
import { decodeValue, encodeValue, isUnknown, UNKNOWN, type Value } from "./value.js";

const json = new Uint8Array();

test.each<Value>([
  null,
  "text",
  "",
  0,
  -1,
  4_294_967_296,
  Number.MAX_SAFE_INTEGER,
  9_007_199_254_740_993n,
  true,
  [1, "a", null],
  { a: { b: [] } },
])("%j round-trips", (value) => {
  expect(decodeValue({ ...encodeValue(value), json })).toEqual(value);
});

test("an unknown value is encoded like go-cty's", () => {
  expect([...encodeValue(UNKNOWN).msgpack]).toEqual([0xd4, 0, 0]);
  expect(decodeValue({ ...encodeValue({ id: UNKNOWN }), json })).toEqual({ id: UNKNOWN });
});

test("a refined unknown value is decoded as unknown", () => {
  const msgpack = new Encoder().encode({ id: new ExtData(12, new Uint8Array([0x81, 1, 0xc2])) });
  const { id } = decodeValue({ msgpack, json }) as { id: Value };
  expect(isUnknown(id)).toBe(true);
});

test("a value can be JSON or absent", () => {
  const empty = new Uint8Array();
  expect(decodeValue({ msgpack: empty, json: Buffer.from('{"a":1}') })).toEqual({ a: 1 });
  expect(decodeValue({ msgpack: empty, json: empty })).toBeNull();
  expect(decodeValue(undefined)).toBeNull();
});
