import {
  type Address,
  addressText,
  fromGroups,
  isGroup,
  isMapped,
  isUnspecified,
  parseAddress,
  toGroups,
} from "../../../base/address.ts";
import { declared, errno } from "../../../base/fault.ts";
import type { Networking } from "../networking.ts";
import { Handle } from "../state/handles.ts";
import { Later } from "../state/later.ts";
import type { Family } from "../state/libc.ts";
import type { Endpoint } from "../state/network.ts";
import { type IoError, Pollable } from "./io.ts";

// wasi:sockets 0.2: network, instance-network, ip-name-lookup, and what tcp and udp share.

/** `error-code` of wasi:sockets/network by the system's errno. */
const codes: Readonly<Record<string, string>> = {
  EACCES: "access-denied",
  EPERM: "access-denied",
  EPROHIBITED: "access-denied",
  ENOTSUP: "not-supported",
  EOPNOTSUPP: "not-supported",
  EINVAL: "invalid-argument",
  EAFNOSUPPORT: "invalid-argument",
  ENOMEM: "out-of-memory",
  ENOBUFS: "out-of-memory",
  ETIMEDOUT: "timeout",
  EALREADY: "concurrency-conflict",
  EAGAIN: "would-block",
  EISCONN: "invalid-state",
  ENOTCONN: "invalid-state",
  EMFILE: "new-socket-limit",
  ENFILE: "new-socket-limit",
  EADDRNOTAVAIL: "address-not-bindable",
  EADDRINUSE: "address-in-use",
  ENETUNREACH: "remote-unreachable",
  ENETDOWN: "remote-unreachable",
  EHOSTUNREACH: "remote-unreachable",
  EHOSTDOWN: "remote-unreachable",
  ECONNREFUSED: "connection-refused",
  ECONNRESET: "connection-reset",
  EPIPE: "connection-reset",
  ECONNABORTED: "connection-aborted",
  EMSGSIZE: "datagram-too-large",
  ENOTFOUND: "name-unresolvable",
  DNS_ENOTFOUND: "name-unresolvable",
  DNS_ENODATA: "name-unresolvable",
  DNS_ENONAME: "name-unresolvable",
  DNS_EBADNAME: "name-unresolvable",
  EAI_AGAIN: "temporary-resolver-failure",
  DNS_ETIMEOUT: "temporary-resolver-failure",
  DNS_ESERVFAIL: "temporary-resolver-failure",
  DNS_ECONNREFUSED: "temporary-resolver-failure",
};

/** The error-code of what the system, or the sandbox in its stead, refused; undefined for any other error. */
export const socketErrorCode = (error: unknown): string | undefined => {
  const code = errno(error);
  if (code === undefined || code.startsWith("ERR_")) return undefined;
  return codes[code] ?? (code.startsWith("DNS_") ? "permanent-resolver-failure" : "unknown");
};

/** Runs what may be refused; the guest gets the refusal as its error-code, a bug stays one. */
export const socketed = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const code = socketErrorCode(error);
    throw code === undefined ? error : declared(code);
  }
};

/** `network`: what an instance was granted of it is the instance's, not the handle's. */
export class NetworkHandle extends Handle {}

/** `ip-address` in the JS mapping. */
export type IpAddress =
  | { readonly tag: "ipv4"; readonly val: readonly number[] }
  | { readonly tag: "ipv6"; readonly val: readonly number[] };

/** `ip-socket-address` in the JS mapping. */
export type IpSocketAddress =
  | { readonly tag: "ipv4"; readonly val: { readonly port: number; readonly address: readonly number[] } }
  | {
      readonly tag: "ipv6";
      readonly val: {
        readonly port: number;
        readonly flowInfo: number;
        readonly address: readonly number[];
        readonly scopeId: number;
      };
    };

export const fromAddress = (address: Address): IpAddress =>
  address.length === 4 ? { tag: "ipv4", val: Array.from(address) } : { tag: "ipv6", val: toGroups(address) };

export const fromEndpoint = ({ address, port, scope = 0 }: Endpoint): IpSocketAddress =>
  address.length === 4
    ? { tag: "ipv4", val: { port, address: Array.from(address) } }
    : { tag: "ipv6", val: { port, flowInfo: 0, address: toGroups(address), scopeId: scope } };

const invalid = () => declared("invalid-argument");

/** The address that a guest names, of the family that it has to be, and some single machine's. */
export const toEndpoint = (given: IpSocketAddress, family: Family): Endpoint => {
  if (given.tag !== family) throw invalid();
  const { port } = given.val;
  const endpoint =
    given.tag === "ipv4"
      ? { address: Uint8Array.from(given.val.address), port }
      : { address: fromGroups(given.val.address), port, scope: given.val.scopeId };
  if (isMapped(endpoint.address) || isGroup(endpoint.address)) throw invalid();
  return endpoint;
};

/** As `toEndpoint`, for the other side: a machine and a port of it. */
export const toRemote = (given: IpSocketAddress, family: Family): Endpoint => {
  const endpoint = toEndpoint(given, family);
  if (endpoint.port === 0 || isUnspecified(endpoint.address)) throw invalid();
  return endpoint;
};

/** `resolve-address-stream`. */
export class ResolveAddressStream extends Handle {
  readonly #common: Networking;
  readonly #found: Later<readonly Address[]>;
  #next = 0;

  constructor(common: Networking, found: Promise<readonly Address[]>) {
    super(common.handles);
    this.#common = common;
    this.#found = new Later(found);
  }

  resolveNextAddress(): IpAddress | undefined {
    if (!this.#found.ready) throw declared("would-block");
    const address = socketed(() => this.#found.get())[this.#next++];
    return address && fromAddress(address);
  }

  subscribe(): Pollable {
    return new Pollable(this.#common, this.#found.event);
  }
}

export const network = (common: Networking) => ({
  network: {
    Network: NetworkHandle,
    networkErrorCode: (error: IoError) => socketErrorCode(error.cause),
  },
  instanceNetwork: { instanceNetwork: () => new NetworkHandle(common.handles) },
  ipNameLookup: {
    ResolveAddressStream,
    /** An address as text is answered without asking anyone, and so without a grant. */
    resolveAddresses(_network: NetworkHandle, name: string) {
      const literal = parseAddress(name.replace(/^\[(.*)\]$/, "$1"));
      const wanted = literal ? addressText(literal) : socketed(() => common.network.checkLookUp(name));
      return new ResolveAddressStream(common, common.network.lookUp(wanted));
    },
  },
});
