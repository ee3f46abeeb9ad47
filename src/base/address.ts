/** An IP address: 4 bytes, or 16. A mapped one (`::ffff:1.2.3.4`) is never kept as such by `parseAddress`. */
export type Address = Uint8Array;

/** Reads `1.2.3.4` (four plain decimals) or any spelling of IPv6, without brackets or zone; else undefined. */
export const parseAddress = (text: string): Address | undefined =>
  text.includes(":") ? unmapped(parseSix(text)) : parseFour(text);

const parseFour = (text: string): Address | undefined => {
  const parts = text.split(".");
  // A leading zero is octal to some readers and decimal to others, so nobody gets to choose.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined;
};

const parseSix = (text: string): Address | undefined => {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : groups(half)));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const zeroes = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? zeroes < 1 : zeroes !== 0) return undefined;
  return fromGroups([...head, ...new Array<number>(zeroes).fill(0), ...(tail ?? [])]);
};

/** 16-bit groups; the last may be written as an IPv4 address. */
const groups = (text: string): number[] | undefined => {
  const parts = text.split(":");
  const last = parts.at(-1)!;
  const four = last.includes(".") ? parseFour(last) : undefined;
  if (four) parts.splice(-1, 1, ...[0, 2].map((at) => ((four[at]! << 8) | four[at + 1]!).toString(16)));
  return parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))
    ? parts.map((part) => Number.parseInt(part, 16))
    : undefined;
};

/** An IPv6 address of eight 16-bit groups. */
export const fromGroups = (parts: readonly number[]): Address =>
  Uint8Array.from(parts.flatMap((part) => [part >> 8, part & 0xff]));

/** The eight groups of an IPv6 address. */
export const toGroups = (address: Address): number[] =>
  Array.from({ length: 8 }, (_, at) => (address[2 * at]! << 8) | address[2 * at + 1]!);

/** Whether an IPv6 address stands for an IPv4 one (`::ffff:0:0/96`). */
export const isMapped = (address: Address): boolean =>
  address.length === 16 && within(address, mappedPrefix, 96);

const mappedPrefix = fromGroups([0, 0, 0, 0, 0, 0xffff, 0, 0]);

const unmapped = (address: Address | undefined): Address | undefined =>
  address && isMapped(address) ? address.subarray(12) : address;

/** Whether the first `bits` bits of two addresses of one family are the same. */
export const within = (address: Address, range: Address, bits: number): boolean => {
  if (address.length !== range.length) return false;
  for (let at = 0, left = bits; left > 0; at++, left -= 8) {
    const mask = left >= 8 ? 0xff : 0xff << (8 - left);
    if ((address[at]! & mask) !== (range[at]! & mask)) return false;
  }
  return true;
};

/** As RFC 5952 writes it but for the choice among equal runs of zeroes; no brackets. */
export const addressText = (address: Address): string => {
  if (address.length === 4) return address.join(".");
  const text = toGroups(address)
    .map((group) => group.toString(16))
    .join(":");
  const runs = text.match(/\b0(:0)+\b/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  if (longest === "") return text;
  const at = text.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  return `${text.slice(0, at).replace(/:$/, "")}::${text.slice(at + longest.length).replace(/^:/, "")}`;
};

const ranges = (texts: readonly string[]): readonly (readonly [Address, number])[] =>
  texts.map((text) => {
    const [address, bits] = text.split("/");
    return [parseAddress(address!)!, Number(bits)];
  });

const inAny = (address: Address, list: ReturnType<typeof ranges>): boolean =>
  list.some(([range, bits]) => within(address, range, bits));

const loopback = ranges(["127.0.0.0/8", "::1/128"]);

export const isLoopback = (address: Address): boolean => inAny(address, loopback);

/** 0.0.0.0 or ::, "any of this machine's". */
export const isUnspecified = (address: Address): boolean => address.every((byte) => byte === 0);

const groupRanges = ranges(["224.0.0.0/4", "ff00::/8", "255.255.255.255/32"]);

/** Multicast or broadcast: no single machine's. */
export const isGroup = (address: Address): boolean => inAny(address, groupRanges);

// IANA's special-purpose registries, what is not "globally reachable" there (RFC 6890 and its updates).
const closedFour = ranges([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
]);
const openSix = ranges(["2000::/3"]);
const closedSix = ranges(["2001::/23", "2001:db8::/32", "3fff::/20"]);
/** Ranges whose addresses carry an IPv4 address that the packet ends at, and where in the address it is. */
const carrying = [
  { range: ranges(["64:ff9b::/96"]), at: 12 },
  { range: ranges(["2002::/16"]), at: 2 },
] as const;

/** Whether an address is one of the public internet: no machine's own, no private network's, no group's. */
export const isPublic = (address: Address): boolean => {
  if (address.length === 4) return !inAny(address, closedFour);
  for (const { range, at } of carrying)
    if (inAny(address, range)) return isPublic(address.subarray(at, at + 4));
  return inAny(address, openSix) && !inAny(address, closedSix);
};
