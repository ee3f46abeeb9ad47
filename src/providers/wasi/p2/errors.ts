import { declared } from "../../../base/fault.ts";
import { type FailureKind, HttpFailure } from "../state/failure.ts";

/** `error-code` of wasi:http/types in the JS mapping. */
export interface ErrorCode {
  readonly tag: string;
  readonly val?: unknown;
}

const tags: Readonly<Record<FailureKind, string>> = {
  denied: "HTTP-request-denied",
  "prohibited address": "destination-IP-prohibited",
  "name not found": "DNS-error",
  "name lookup failed": "DNS-error",
  "name lookup timeout": "DNS-timeout",
  unreachable: "destination-unavailable",
  refused: "connection-refused",
  terminated: "connection-terminated",
  "connect timeout": "connection-timeout",
  "read timeout": "connection-read-timeout",
  "response timeout": "HTTP-response-timeout",
  "too many requests": "connection-limit-reached",
  certificate: "TLS-certificate-error",
  tls: "TLS-protocol-error",
  method: "HTTP-request-method-invalid",
  uri: "HTTP-request-URI-invalid",
  "request body size": "HTTP-request-body-size",
  "response body size": "HTTP-response-body-size",
  incomplete: "HTTP-response-incomplete",
  "response head size": "HTTP-response-header-section-size",
  "response trailer size": "HTTP-response-trailer-section-size",
  "transfer coding": "HTTP-response-transfer-coding",
  upgrade: "HTTP-upgrade-failed",
  protocol: "HTTP-protocol-error",
  configuration: "configuration-error",
  internal: "internal-error",
};

/** Of a failed exchange; undefined for any other error. */
export const httpErrorCode = (error: unknown): ErrorCode | undefined => {
  if (!(error instanceof HttpFailure)) return undefined;
  const tag = tags[error.kind];
  switch (error.kind) {
    case "name not found":
      return { tag, val: { rcode: "NXDOMAIN", infoCode: undefined } };
    case "name lookup failed":
      return { tag, val: { rcode: undefined, infoCode: undefined } };
    case "request body size":
    case "response body size":
      return { tag, val: error.size === undefined ? undefined : BigInt(error.size) };
    case "response head size":
    case "response trailer size":
      return { tag, val: error.size };
    case "transfer coding":
    case "internal":
      return { tag, val: error.message };
    default:
      return { tag };
  }
};

/** Runs what may fail as an exchange does; the guest gets its error-code, a bug stays one. */
export const exchanged = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const code = httpErrorCode(error);
    throw code === undefined ? error : declared(code);
  }
};
