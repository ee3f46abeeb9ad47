import { type Address, addressText, parseAddress } from "../../../base/address.ts";
import { limits } from "../../../base/limits.ts";
import {
  hostName,
  isLocalName,
  mayListen,
  mayName,
  mayReach,
  type NetworkGrant,
  parseNetwork,
} from "../../../trust/network.ts";
import { Budget } from "./handles.ts";
import { refusal } from "./refusal.ts";

/** An address and a port of it. `scope` is the interface that a link-local IPv6 address is of; else 0. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
  readonly scope?: number;
}

/** Addresses of a name, in the order in which to try them. Throws the system's errors. */
export type Resolve = (name: string) => Promise<readonly Address[]>;

const systemResolve: Resolve = async (name) => {
  const found = await Bun.dns.lookup(name, { backend: "system" });
  return found.map(({ address }) => parseAddress(address)).filter((address) => address !== undefined);
};

const loopbackAddresses = ["127.0.0.1", "::1"].map((text) => parseAddress(text)!);

export interface NetworkOptions {
  readonly resolve?: Resolve;
  /** Told of everything that is refused for want of a grant, and the grant that is wanted, as a person writes it. */
  readonly onDenied?: ((grant: string) => void) | undefined;
  /** Asks for what was not granted, as a person writes it; true where it is from now on. */
  readonly ask?: ((grant: string) => Promise<boolean>) | undefined;
  /** Told of what is done with the network: a verb, a host and port, and how many bytes. */
  readonly onUse?: OnUse | undefined;
}

export type OnUse = (action: string, target: string, bytes?: number) => void;

/** The network as one instance may use it: its grants, the names that it has looked up, and what it holds open. */
export class Network {
  readonly sockets = new Budget("sockets", limits.socketsMax);
  readonly lookups = new Budget("name look-ups", limits.lookupsMax);
  readonly requests = new Budget("HTTP requests", limits.outgoingRequestsMax);
  readonly #grants: NetworkGrant[];
  readonly #ask: NetworkOptions["ask"];
  readonly #resolve: Resolve;
  readonly #onDenied: (grant: string) => void;
  /** Absent where nobody wants to know. */
  readonly onUse: OnUse | undefined;
  /** By address, as text: the names that this instance got it for. */
  readonly #names = new Map<string, Set<string>>();
  readonly #open = new Set<() => void>();

  constructor(grants: readonly NetworkGrant[], options: NetworkOptions = {}) {
    this.#grants = [...grants];
    this.#ask = options.ask;
    this.#resolve = options.resolve ?? systemResolve;
    this.#onDenied = options.onDenied ?? (() => {});
    this.onUse = options.onUse;
  }

  /** Something was granted: to such a guest a socket that reaches nothing yet is worth having. */
  get granted(): boolean {
    return this.#grants.length > 0;
  }

  /**
   * The addresses of a name (or of an address as text) that may be reached at `port`, or at some port. Refusals:
   * EINVAL no name, EACCES not granted, ENOTFOUND, EPROHIBITED where the name resolves to what it may not.
   */
  async lookUp(text: string, port?: number): Promise<readonly Address[]> {
    const literal = parseAddress(text);
    if (literal) return [literal];
    const name = await this.admitName(text, port);
    this.onUse?.("look up", name);
    if (!this.lookups.tryTake()) throw refusal("EAI_AGAIN", "too many look-ups at once");
    try {
      const found = isLocalName(name) ? loopbackAddresses : await this.#resolve(name);
      for (const address of found) this.#remember(address, name);
      const reachable = () => found.filter((address) => this.mayReach(address, port));
      if (reachable().length === 0 && found[0]) await this.#askFor(endpointText(found[0], port));
      if (reachable().length > 0) return reachable();
      if (found.length === 0) throw refusal("ENOTFOUND", `${name} has no address`);
      this.#onDenied(endpointText(found[0]!, port));
      throw refusal("EPROHIBITED", `${name} resolves to addresses that were not granted`);
    } finally {
      this.lookups.give();
    }
  }

  /** As `checkName`, for what `lookUp` looks up: where somebody can be asked, it asks. */
  checkLookUp(text: string, port?: number): string {
    return this.#ask ? validName(text) : this.checkName(text, port);
  }

  /** As `checkReach`, after asking where somebody can be asked. */
  async admit(endpoint: Endpoint): Promise<void> {
    const { address, port } = endpoint;
    if (!this.mayReach(address, port)) await this.#askFor(endpointText(address, port));
    this.checkReach(endpoint);
  }

  /** Whether a person can be asked for what was not granted. */
  get asks(): boolean {
    return this.#ask !== undefined;
  }

  /** As `checkName`, after asking where somebody can be asked. */
  async admitName(text: string, port?: number): Promise<string> {
    if (!this.#ask) return this.checkName(text, port);
    const name = validName(text);
    if (!mayName(this.#grants, name, port)) await this.#askFor(port === undefined ? name : `${name}:${port}`);
    return this.checkName(text, port);
  }

  async #askFor(grant: string): Promise<void> {
    if (await this.#ask?.(grant)) this.#grants.push(...parseNetwork(grant));
  }

  /** The name as it is looked up. Refusals: EINVAL no name, EACCES not granted. */
  checkName(text: string, port?: number): string {
    const name = validName(text);
    if (!mayName(this.#grants, name, port)) {
      this.#onDenied(port === undefined ? name : `${name}:${port}`);
      throw refusal("EACCES", `${name} was not granted`);
    }
    return name;
  }

  /** Refusal: EACCES unless this may be connected, or sent, to. */
  checkReach({ address, port }: Endpoint): void {
    if (this.mayReach(address, port)) return;
    this.#onDenied(endpointText(address, port));
    throw refusal("EACCES", `${endpointText(address, port)} was not granted`);
  }

  /** Refusal: EACCES unless this address may be listened at; port 0 asks for whichever is free. */
  checkListen({ address, port }: Endpoint): void {
    if (this.mayListen(address, port)) return;
    this.#onDenied(`listen=${endpointText(address, port)}`);
    throw refusal("EACCES", `listening at ${endpointText(address, port)} was not granted`);
  }

  mayReach(address: Address, port?: number): boolean {
    return mayReach(this.#grants, address, port, this.#names.get(addressText(address)));
  }

  mayListen(address: Address, port: number): boolean {
    return mayListen(this.#grants, address, port);
  }

  /** Knows an address by the names for which another instance got it: the same host looked them up. */
  learn(address: Address, from: Network): void {
    for (const name of from.#names.get(addressText(address)) ?? []) this.#remember(address, name);
  }

  /** Something open that has to end with the instance; the answer takes it off again. */
  hold(close: () => void): () => void {
    this.#open.add(close);
    return () => this.#open.delete(close);
  }

  closeAll(): void {
    for (const close of [...this.#open]) close();
    this.#open.clear();
  }

  #remember(address: Address, name: string): void {
    const key = addressText(address);
    const names = this.#names.get(key) ?? new Set();
    // Taken out and put back, it is the youngest again.
    this.#names.delete(key);
    this.#names.set(key, names.add(name));
    const [oldest] = this.#names.keys();
    if (this.#names.size > limits.knownAddressesMax && oldest !== undefined) this.#names.delete(oldest);
  }
}

const validName = (text: string): string => {
  const name = hostName(text);
  if (name === undefined) throw refusal("EINVAL", `no host name: ${text.slice(0, 256)}`);
  return name;
};

/** As a grant is written: "127.0.0.1:80", "[::1]:80". */
export const endpointText = (address: Address, port: number | undefined): string => {
  const host = address.length === 4 ? addressText(address) : `[${addressText(address)}]`;
  return port === undefined ? host : `${host}:${port}`;
};
