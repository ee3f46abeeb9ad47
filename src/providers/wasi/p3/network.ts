import { addressText, parseAddress } from "../../../base/address.ts";
import { DeclaredError, declared } from "../../../base/fault.ts";
import { ClosedPipe } from "../../../host/provider.ts";
import type { Networking } from "../networking.ts";
import { fromAddress, type IpAddress, socketErrorCode } from "../p2/network.ts";
import type { Holding } from "./pipe.ts";

// wasi:sockets 0.3: ip-name-lookup, and what tcp and udp share.

/** What the sockets of one instance share. */
export type Sockets = Networking & Holding;

/** `error-code` of wasi:sockets/types and of wasi:sockets/ip-name-lookup: variants since 0.3. */
export type ErrorCode = { readonly tag: string; readonly val?: string | undefined };

/** 0.2's words that 0.3 has no case for. */
const renamed: Readonly<Record<string, ErrorCode>> = {
  unknown: { tag: "other", val: undefined },
  "would-block": { tag: "other", val: "it would have to wait" },
  "new-socket-limit": { tag: "other", val: "too many sockets" },
  "concurrency-conflict": { tag: "invalid-state" },
  "not-in-progress": { tag: "invalid-state" },
};

/** Of what the system, or the sandbox in its stead, refused; undefined for any other error. */
export const errorCode = (error: unknown): ErrorCode | undefined => {
  if (error instanceof ClosedPipe) return { tag: "connection-broken" };
  const name = error instanceof DeclaredError ? (error.payload as string) : socketErrorCode(error);
  return name === undefined ? undefined : (renamed[name] ?? { tag: name });
};

/** Runs what may be refused; the guest gets the refusal as its error-code, a bug stays one. */
export const refusable = <T>(work: () => T): T => {
  const refused = (error: unknown): never => {
    const err = errorCode(error);
    throw err === undefined ? error : declared(err);
  };
  try {
    const answer = work();
    return answer instanceof Promise ? (answer.catch(refused) as T) : answer;
  } catch (error) {
    return refused(error);
  }
};

export const invalidState = (): never => {
  throw declared("invalid-state");
};

/** An address as text is answered without asking anyone, and so without a grant. */
export const ipNameLookup = ({ network }: Sockets) => ({
  async resolveAddresses(name: string): Promise<IpAddress[]> {
    const literal = parseAddress(name.replace(/^\[(.*)\]$/, "$1"));
    const found = await refusable(async () =>
      network.lookUp(literal ? addressText(literal) : network.checkName(name)),
    );
    return found.map(fromAddress);
  },
});
