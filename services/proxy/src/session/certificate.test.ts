import { execFileSync } from "node:child_process";
import { parseHostPattern } from "@fleet/app-url";
import { findUncoveredHosts } from "./certificate.js";

function makeCertificate(names: string): string {
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  return execFileSync(
    "openssl",
    [...args, "-keyout", "/dev/null", "-subj", "/CN=front", "-addext", `subjectAltName=${names}`],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
}

const accessUrl = new URL("https://coder.example.com");
const wildcard = parseHostPattern("*--apps.example.com:8443");

test.each([
  ["DNS:coder.example.com,DNS:*.example.com", wildcard, undefined],
  ["DNS:*.example.com", undefined, undefined],
  ["DNS:coder.example.com", wildcard, "is not valid for *--apps.example.com."],
  ["DNS:other.example.org", wildcard, "is not valid for coder.example.com and *--apps.example.com."],
  ["DNS:coder.example.com,DNS:*.apps.example.com", parseHostPattern("*.apps.example.com"), undefined],
])("a certificate for %s", (names, pattern, sentence) => {
  const found = findUncoveredHosts(makeCertificate(names), { accessUrl, wildcard: pattern });
  if (sentence) expect(found).toContain(sentence);
  else expect(found).toBeUndefined();
});

test("IP addresses are accepted, and nothing is checked without TLS", () => {
  const cert = makeCertificate("IP:127.0.0.1");
  const at = (url: string) => findUncoveredHosts(cert, { accessUrl: new URL(url), wildcard: undefined });
  expect(at("https://127.0.0.1:3000")).toBeUndefined();
  expect(at("https://[::1]:3000")).toContain("is not valid for [::1].");
  expect(at("http://coder.example.com")).toBeUndefined();
});
