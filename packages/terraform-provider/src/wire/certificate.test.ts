import { createPrivateKey, X509Certificate } from "node:crypto";
import { selfSignedCertificate } from "./certificate.js";

test("the certificate is self-signed and valid for localhost, for server and client", () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);
  const { certificate, der, key } = selfSignedCertificate(now);
  const parsed = new X509Certificate(certificate);
  expect(parsed.raw.equals(der)).toBe(true);
  expect(parsed.ca).toBe(true);
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect(parsed.checkIssued(parsed)).toBe(true);
  expect(parsed.checkHost("localhost")).toBe("localhost");
  expect(parsed.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(parsed.validFromDate.getTime()).toBeLessThan(now);
  expect(parsed.validToDate.getTime()).toBeGreaterThan(now);
});
