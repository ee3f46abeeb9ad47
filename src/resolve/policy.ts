import type { Identifier } from "./identifier.ts";

/** What one invocation said about the network, and about what may change. */
export interface Policy {
  /** Nothing is asked of the network; what is not here is LK0106. */
  readonly offline: boolean;
  /** loop.lock stands as it is; what it does not hold is LK0107. */
  readonly locked: boolean;
  /** Plain http may be spoken beyond this machine. */
  readonly allowHttp: boolean;
}

export const openPolicy: Policy = { offline: false, locked: false, allowHttp: false };

/** Whether an identifier names its content, so that it never means anything else: `…@sha256:…`, `…#sha256-…`. */
export const pinned = ({ text }: Identifier): boolean =>
  /(?:@sha256:[0-9a-f]{64}|#sha256-(?:[0-9a-f]{64}|[A-Za-z0-9+/]{43}=))$/.test(text);
