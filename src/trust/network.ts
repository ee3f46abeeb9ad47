import { type Address, isLoopback, isPublic, isUnspecified, parseAddress, within } from "../base/address.ts";
import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";

// What of the network a guest may use. Three rules:
//   1. A grant of a name covers the addresses that this guest was given when it looked up that very name, and no
//      others: that some address belongs to a granted name elsewhere gives nothing.
//   2. Whoever runs a name's server decides what it resolves to, and could answer with 127.0.0.1 or with a machine
//      of the person's own network (DNS rebinding). So a name alone covers public addresses only; for a private
//      one the address has to be granted as well ("intranet.corp,10.0.0.0/8"). `localhost` means loopback and
//      nothing else, and is never asked of a server.
//   3. Names are looked up only where a grant names them: a look-up carries the name to whoever answers it.

export type NetworkHost =
  | { readonly kind: "any" }
  /** `below`: every name under it, and not itself (`*.example.com`). */
  | { readonly kind: "name"; readonly name: string; readonly below: boolean }
  | { readonly kind: "range"; readonly address: Address; readonly bits: number };

export interface NetworkGrant {
  readonly use: "connect" | "listen";
  readonly host: NetworkHost;
  /** Undefined is any. For `listen`, 0 is whichever port the system picks. */
  readonly port: number | undefined;
}

const form = "[listen=]HOST[:PORT], with HOST a name, *.NAME, an address, ADDRESS/BITS or *";

/**
 * Network grants as a person writes them, several with commas between: `api.example.com:443,*.example.org,
 * 10.0.0.0/8,[::1]:8080,listen=127.0.0.1:*`. No port, or `*`, is any port. Fault: LK0702.
 */
export const parseNetwork = (text: string): NetworkGrant[] => {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length > limits.networkGrantsMax)
    throw fault("LK0204", `--allow-net has ${parts.length} parts; the limit is ${limits.networkGrantsMax}`);
  return parts.map((part) => parseOne(part, text));
};

const parseOne = (part: string, text: string): NetworkGrant => {
  const use = part.startsWith("listen=") ? "listen" : "connect";
  const rest = use === "listen" ? part.slice("listen=".length) : part;
  const match = /^(\[[^\]]*\](?:\/\d+)?|[^:[\]]+)(?::(\d{1,5}|\*))?$/.exec(rest);
  const host = match ? parseHost(match[1]!, use) : bareSix(rest);
  const port = match?.[2] === undefined || match[2] === "*" ? undefined : Number(match[2]);
  if (!host || (port !== undefined && (port > 65535 || (port === 0 && use === "connect"))))
    throw fault("LK0702", `The network is granted as ${form}, and "${part || text}" was written`, {
      hint: "--allow-net=api.example.com:443",
    });
  return { use, host, port };
};

/** An IPv6 address, or range, that was written without brackets; it has no port. */
const bareSix = (text: string): NetworkHost | undefined =>
  (text.match(/:/g)?.length ?? 0) >= 2 ? parseRange(text) : undefined;

const parseHost = (text: string, use: NetworkGrant["use"]): NetworkHost | undefined => {
  if (text === "*") return { kind: "any" };
  if (text.startsWith("[")) return parseRange(text.replace(/[[\]]/g, ""));
  const range = parseRange(text);
  // Nobody listens at a name of somebody else's; `localhost` is the exception that everyone writes.
  if (range || (use === "listen" && text !== "localhost")) return range;
  const below = text.startsWith("*.");
  const name = hostName(below ? text.slice(2) : text);
  return name === undefined ? undefined : { kind: "name", name, below };
};

const parseRange = (text: string): NetworkHost | undefined => {
  const [written, size, ...surplus] = text.split("/");
  const address = parseAddress(written!);
  if (!address || surplus.length > 0) return undefined;
  const bitsMax = address.length * 8;
  const bits = size === undefined ? bitsMax : /^\d{1,3}$/.test(size) ? Number(size) : -1;
  return bits < 0 || bits > bitsMax ? undefined : { kind: "range", address, bits };
};

/**
 * A host name as it is compared and looked up: lower case, international letters as `xn--`, no dot at the end.
 * Undefined for what is none, addresses in whatever disguise included ("0x7f.1", "2130706433").
 */
export const hostName = (text: string): string | undefined => {
  if (text.length === 0 || text.length > 1024 || /[\s/\\?#@:[\]%]/.test(text)) return undefined;
  let host: string;
  try {
    host = new URL(`http://${text}/`).hostname;
  } catch {
    return undefined;
  }
  const name = host.replace(/\.$/, "");
  if (parseAddress(name) || name.startsWith("[") || name.length > 253) return undefined;
  return /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(name)
    ? name
    : undefined;
};

/** `localhost` and everything below it is this machine (RFC 6761) and is no business of a name server. */
export const isLocalName = (name: string): boolean => name === "localhost" || name.endsWith(".localhost");

const fitsPort = (grant: NetworkGrant, port: number | undefined): boolean =>
  grant.port === undefined || port === undefined || grant.port === port;

const fitsName = (host: NetworkHost, name: string): boolean => {
  if (host.kind !== "name") return host.kind === "any";
  return host.below ? name.endsWith(`.${host.name}`) : name === host.name;
};

const connects = (grants: readonly NetworkGrant[]) => grants.filter(({ use }) => use === "connect");

/** Whether some connection to this name (as `hostName` spells it) is granted, at `port` or at any. */
export const mayName = (grants: readonly NetworkGrant[], name: string, port?: number): boolean =>
  connects(grants).some((grant) => fitsName(grant.host, name) && fitsPort(grant, port));

/** Whether a connection to an address is granted, where the guest got it by looking up `names`. */
export const mayReach = (
  grants: readonly NetworkGrant[],
  address: Address,
  port: number | undefined,
  names: Iterable<string> = [],
): boolean => {
  const looked = [...names].filter((name) => (isLocalName(name) ? isLoopback(address) : isPublic(address)));
  return connects(grants).some(({ host, port: granted }) => {
    if (granted !== undefined && port !== undefined && granted !== port) return false;
    if (host.kind === "any") return true;
    if (host.kind === "range") return within(address, host.address, host.bits);
    return looked.some((name) => fitsName(host, name));
  });
};

/** Whether listening at an address of this machine is granted; port 0 asks for whichever is free. */
export const mayListen = (grants: readonly NetworkGrant[], address: Address, port: number): boolean =>
  grants.some(({ use, host, port: granted }) => {
    if (use !== "listen" || (granted !== undefined && granted !== port)) return false;
    if (host.kind === "any") return true;
    if (host.kind === "name") return isLoopback(address);
    // "0.0.0.0" as a grant is that address, every interface, and so any one of them too.
    return (
      within(address, host.address, host.bits) || (isUnspecified(host.address) && sameFamily(host, address))
    );
  });

const sameFamily = (host: { readonly address: Address }, address: Address): boolean =>
  host.address.length === address.length;
