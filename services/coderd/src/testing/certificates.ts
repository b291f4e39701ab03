import { randomBytes, webcrypto } from "node:crypto";
import { Integer, OctetString, PrintableString } from "asn1js";
import {
  AccessDescription,
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  Extension,
  GeneralName,
  InfoAccess,
  IssuerAndSerialNumber,
  SignedData,
  SignerInfo,
} from "pkijs";

export type Issued = { certificate: Certificate; key: webcrypto.CryptoKey; privateKey: string };

const DAY_MS = 86_400_000;
const COMMON_NAME = "2.5.4.3";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
const CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
const DATA = "1.2.840.113549.1.7.1";
const SIGNED_DATA = "1.2.840.113549.1.7.2";

/** Makes a certificate: self-signed without an issuer. */
export async function issue(options: {
  name: string;
  issuer?: Issued;
  isAuthority?: boolean;
  /** Where its issuer's certificate is said to be. */
  issuerUrl?: string;
}): Promise<Issued> {
  const { name, issuer, isAuthority = true, issuerUrl } = options;
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 };
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(
    { ...algorithm, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ["sign", "verify"],
  );
  const certificate = new Certificate();
  certificate.version = 2;
  certificate.serialNumber = new Integer({ valueHex: new Uint8Array([1, ...randomBytes(8)]).buffer });
  const nameOf = (value: string) =>
    new AttributeTypeAndValue({ type: COMMON_NAME, value: new PrintableString({ value }) });
  certificate.subject.typesAndValues.push(nameOf(name));
  if (issuer) certificate.issuer = issuer.certificate.subject;
  else certificate.issuer.typesAndValues.push(nameOf(name));
  certificate.notBefore.value = new Date(Date.now() - DAY_MS);
  certificate.notAfter.value = new Date(Date.now() + DAY_MS);
  certificate.extensions = [
    extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: isAuthority }).toSchema().toBER(), true),
  ];
  if (issuerUrl) {
    const accessLocation = new GeneralName({ type: 6, value: issuerUrl });
    const access = new AccessDescription({ accessMethod: CA_ISSUERS, accessLocation });
    const value = new InfoAccess({ accessDescriptions: [access] }).toSchema().toBER();
    certificate.extensions.push(extension(AUTHORITY_INFO_ACCESS, value, false));
  }
  await certificate.subjectPublicKeyInfo.importKey(publicKey);
  await certificate.sign(issuer?.key ?? privateKey, "SHA-256");
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey)).toString("base64");
  return { certificate, key: privateKey, privateKey: armored("PRIVATE KEY", pkcs8) };
}

/** A PKCS #7 message with its content and certificates, in base64. */
export async function signedMessage(
  content: string,
  { certificate, key }: Issued,
  others: readonly Issued[] = [],
): Promise<string> {
  const signed = new SignedData({
    version: 1,
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: DATA,
      eContent: new OctetString({ valueHex: new Uint8Array(Buffer.from(content)).buffer }),
    }),
    signerInfos: [
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({
          issuer: certificate.issuer,
          serialNumber: certificate.serialNumber,
        }),
      }),
    ],
    certificates: [certificate, ...others.map((other) => other.certificate)],
  });
  await signed.sign(key, 0, "SHA-256", new Uint8Array(Buffer.from(content)).buffer);
  const message = new ContentInfo({ contentType: SIGNED_DATA, content: signed.toSchema(true) });
  return Buffer.from(message.toSchema().toBER()).toString("base64");
}

export function pemOf({ certificate }: Issued): string {
  return armored("CERTIFICATE", Buffer.from(certificate.toSchema(true).toBER()).toString("base64"));
}

function extension(extnID: string, value: ArrayBuffer, critical: boolean): Extension {
  return new Extension({ extnID, critical, extnValue: value });
}

function armored(what: string, base64: string): string {
  return `-----BEGIN ${what}-----\n${base64.match(/.{1,64}/g)!.join("\n")}\n-----END ${what}-----\n`;
}
