import { parseProxyHeader } from "./proxy-protocol.js";

const bytes = (text: string) => Buffer.from(text, "latin1");
const found = (address: string, length: number) => ({ found: true, address, length });
const signature = "\r\n\r\n\0\r\nQUIT\n";
const binary = (command: number, family: number, fields: Buffer) =>
  Buffer.concat([
    bytes(signature),
    Buffer.from([0x20 | command, family, fields.length >> 8, fields.length & 255]),
    fields,
  ]);
const ipv4 = Buffer.from([192, 0, 2, 7, 10, 0, 0, 1, 0x9c, 0x40, 0, 22]);
const ipv6 = Buffer.concat([
  Buffer.from("20010db8000000000000000000000007", "hex"),
  Buffer.from("20010db8000000000000000000000001", "hex"),
  Buffer.from([0x9c, 0x40, 0, 22]),
]);

test.each<[string, Buffer, ReturnType<typeof parseProxyHeader>]>([
  ["a line", bytes("PROXY TCP4 192.0.2.7 10.0.0.1 40000 22\r\nSSH-"), found("192.0.2.7", 40) as never],
  [
    "a line of IPv6",
    bytes("PROXY TCP6 2001:db8::7 2001:db8::1 40000 22\r\n"),
    found("2001:db8::7", 45) as never,
  ],
  ["a line of a health check", bytes("PROXY UNKNOWN\r\n"), found("", 15) as never],
  ["version 2", binary(1, 0x11, ipv4), found("192.0.2.7", 28) as never],
  ["version 2 of IPv6", binary(1, 0x21, ipv6), found("2001:db8::7", 52) as never],
  [
    "version 2 with further fields",
    binary(1, 0x11, Buffer.concat([ipv4, Buffer.alloc(9)])),
    found("192.0.2.7", 37) as never,
  ],
  ["version 2 of a health check", binary(0, 0, Buffer.alloc(0)), found("", 16) as never],
  ["version 2 of a Unix socket", binary(1, 0x31, Buffer.alloc(216)), found("", 232) as never],
  ["an SSH client", bytes("SSH-2.0-OpenSSH_9.9\r\n"), { found: false, more: false }],
  ["nothing", Buffer.alloc(0), { found: false, more: true }],
])("%s", (_, header, result) => {
  expect(parseProxyHeader(header)).toEqual(result);
});

test.each([bytes("PROXY TCP4 192.0.2.7 10.0.0.1 40000 22\r\n"), binary(1, 0x11, ipv4)])(
  "a header that arrives byte by byte is waited for",
  (header) => {
    for (let length = 0; length < header.length; length++)
      expect(parseProxyHeader(header.subarray(0, length))).toEqual({ found: false, more: true });
    expect(parseProxyHeader(header)).toMatchObject({ found: true });
  },
);

test.each([
  ["a line without end", bytes(`PROXY TCP4 ${"1".repeat(100)}`)],
  ["an unknown protocol", bytes("PROXY UDP4 1 2 3 4\r\n")],
  ["another version", Buffer.concat([bytes(signature), Buffer.from([0x31, 0x11, 0, 12]), ipv4])],
  ["endless fields", Buffer.concat([bytes(signature), Buffer.from([0x21, 0x11, 0xff, 0xff])])],
])("%s is refused", (_, header) => {
  expect(() => parseProxyHeader(header)).toThrow("PROXY");
});
