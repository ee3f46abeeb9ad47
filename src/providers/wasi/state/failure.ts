/** What can go wrong between two HTTP parties, in no WIT's words. */
export type FailureKind =
  | "denied"
  | "prohibited address"
  | "name not found"
  | "name lookup failed"
  | "name lookup timeout"
  | "unreachable"
  | "refused"
  | "terminated"
  | "connect timeout"
  | "read timeout"
  | "response timeout"
  | "too many requests"
  | "certificate"
  | "tls"
  | "method"
  | "uri"
  | "request body size"
  | "response body size"
  | "incomplete"
  | "response head size"
  | "response trailer size"
  | "transfer coding"
  | "upgrade"
  | "protocol"
  | "configuration"
  | "internal";

/** Ends an HTTP exchange. `code` marks it as the world's, as a system's error is. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  readonly code = "EHTTP";
  readonly kind: FailureKind;
  /** Bytes, where the kind is about a size. */
  readonly size: number | undefined;

  constructor(kind: FailureKind, message: string, more: { cause?: unknown; size?: number } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.size = more.size;
  }
}

export const failure = (
  kind: FailureKind,
  message: string,
  more: { cause?: unknown; size?: number } = {},
): HttpFailure => new HttpFailure(kind, message, more);
