import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { type Clock, createCache } from "@fleet/base";
import { fromBER } from "asn1js";
import { Certificate, ContentInfo, SignedData } from "pkijs";
import { IdentityRefused, type MachineIdentity, textIn } from "./documents.js";

/** The names that Azure's clouds sign attested documents under; a region may stand before them. */
const SIGNER = /(?:^|\.)metadata\.(?:azure\.com|azure\.us|azure\.cn|microsoftazure\.de)$/i;
/** The authorities that Azure's certificates come from. */
const ROOTS =
  /^CN=(?:DigiCert Global Root G[23]|Microsoft (?:RSA|ECC) Root Certificate Authority 2017|Microsoft TLS (?:RSA|ECC) Root G2)$/m;
/** Hosts that Azure's authorities publish their certificates on. No other is asked, whatever a certificate says. */
const PUBLISHERS = new Set(["www.microsoft.com", "caissuers.microsoft.com", "cacerts.digicert.com"]);
const MAX_CHAIN = 5;
const MAX_CERTIFICATE_BYTES = 64 * 1024;
const FETCH_TIMEOUT_MS = 5_000;
const KEPT_CERTIFICATES = 32;
const KEPT_MS = 24 * 3_600_000;

export type AzureVerifierOptions = {
  /** Trusted authorities besides the public ones, and intermediate certificates that need not be fetched. */
  extra: readonly X509Certificate[];
  clock: Clock;
};

/**
 * Verifies the attested document of an Azure machine: a PKCS #7 message (base64) whose certificate chains up to a public
 * root. https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service#attested-data
 */
export function createAzureVerifier({
  extra,
  clock,
}: AzureVerifierOptions): (signature: string) => Promise<MachineIdentity> {
  const roots = [
    ...rootCertificates.map((pem) => new X509Certificate(pem)).filter(({ subject }) => ROOTS.test(subject)),
    ...extra.filter((certificate) => certificate.checkIssued(certificate)),
  ];
  const published = createCache({
    clock,
    ttlMs: KEPT_MS,
    limit: KEPT_CERTIFICATES,
    load: fetchCertificate,
  });

  async function issuerOf(
    certificate: X509Certificate,
    given: readonly X509Certificate[],
  ): Promise<X509Certificate | undefined> {
    const isIssuer = (one: X509Certificate) =>
      one.ca && certificate.checkIssued(one) && certificate.verify(one.publicKey);
    const known = [...roots, ...extra, ...given].find(isIssuer);
    if (known) return known;
    for (const url of issuerUrls(certificate)) {
      const found = await published.get(url).catch(() => undefined);
      if (found && isIssuer(found)) return found;
    }
    return undefined;
  }

  async function requireTrusted(signer: X509Certificate, given: readonly X509Certificate[]): Promise<void> {
    let current = signer;
    for (let length = 0; length < MAX_CHAIN; length++) {
      const now = clock.now();
      if (now < current.validFromDate || now > current.validToDate) {
        throw new IdentityRefused("a certificate of the document has expired or is not valid yet.");
      }
      if (roots.some((root) => root.fingerprint256 === current.fingerprint256)) return;
      const issuer = await issuerOf(current, given);
      if (!issuer) break;
      current = issuer;
    }
    throw new IdentityRefused("the document's certificate does not come from an authority of Azure.");
  }

  return async (signature) => {
    const { content, signer, certificates } = await read(signature);
    if (!namesOf(signer).some((name) => SIGNER.test(name))) {
      throw new IdentityRefused("the document is not signed by Azure's metadata service.");
    }
    await requireTrusted(signer, certificates);
    const instanceId = textIn(content, "vmId");
    requireCurrent(content, clock.now());
    return { instanceId };
  };
}

type Attested = { content: string; signer: X509Certificate; certificates: X509Certificate[] };

/** The content of the message, if its signature is right, and the certificates in it. */
async function read(signature: string): Promise<Attested> {
  try {
    const { result, offset } = fromBER(new Uint8Array(Buffer.from(signature, "base64")));
    if (offset < 0) throw new Error("It is not ASN.1.");
    const signed = new SignedData({ schema: new ContentInfo({ schema: result }).content });
    const bytes = signed.encapContentInfo.eContent?.getValue();
    if (!bytes) throw new Error("It has no content.");
    const verified = await signed.verify({ signer: 0, checkChain: false, extendedMode: true });
    const { signerCertificate } = verified;
    if (!verified.signatureVerified || !signerCertificate) throw new Error("Its signature is wrong.");
    const certificates = (signed.certificates ?? []).filter((one) => one instanceof Certificate).map(toNode);
    return { content: Buffer.from(bytes).toString("utf8"), signer: toNode(signerCertificate), certificates };
  } catch (cause) {
    throw new IdentityRefused("the document is not a valid signed message.", cause);
  }
}

function toNode(certificate: Certificate): X509Certificate {
  return new X509Certificate(Buffer.from(certificate.toSchema(true).toBER()));
}

function namesOf({ subject, subjectAltName = "" }: X509Certificate): string[] {
  const common = /^CN=(.+)$/m.exec(subject)?.[1];
  const alternative = [...subjectAltName.matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name!);
  return [...(common ? [common] : []), ...alternative];
}

/** Azure's documents are valid for some hours. */
function requireCurrent(content: string, now: Date): void {
  const { timeStamp } = JSON.parse(content) as { timeStamp?: { expiresOn?: unknown } };
  const expires = typeof timeStamp?.expiresOn === "string" ? parseTime(timeStamp.expiresOn) : Number.NaN;
  if (!(expires > now.getTime())) throw new IdentityRefused("the document has expired.");
}

/** `11/28/18 06:16:17 -0000`. */
function parseTime(text: string): number {
  const match = /^(\d\d)\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)$/.exec(text);
  if (!match) return Date.parse(text);
  const [, month, day, year, time, hours, minutes] = match;
  return Date.parse(`20${year}-${month}-${day}T${time}${hours === "-00" ? "+00" : hours}:${minutes}`);
}

/** Where the certificate's authority publishes its own certificate, as far as that is a known publisher. */
function issuerUrls({ infoAccess = "" }: X509Certificate): string[] {
  const urls = [...infoAccess.matchAll(/^CA Issuers - URI:(\S+)$/gm)].map(([, url]) => url!);
  return urls.filter((url) => URL.canParse(url) && isPublisher(new URL(url))).slice(0, 2);
}

function isPublisher({ protocol, host }: URL): boolean {
  return (protocol === "http:" || protocol === "https:") && PUBLISHERS.has(host);
}

async function fetchCertificate(url: string): Promise<X509Certificate> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_CERTIFICATE_BYTES) throw new Error(`${url} is larger than a certificate.`);
    chunks.push(chunk);
  }
  return new X509Certificate(Buffer.concat(chunks));
}
