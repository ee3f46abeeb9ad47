import { limits } from "../../base/limits.ts";
import type { ResourceType } from "../../contract/model.ts";
import type { ObjectOf } from "../../contract/wrpc/decode.ts";
import type { HandleOf, HandleType } from "../../contract/wrpc/encode.ts";

// Resources of a sidecar in the host's hands. What they are its process alone knows; here each is an object, and bytes
// that mean something to that very process and to no other.

/** An object cannot be said to a process, which did not make it, or has it no more: the rest of "it was given". */
export class Stale extends Error {
  override readonly name = "Stale";
}

/** A process named a resource by what cannot be its name. */
export class Foreign extends Error {
  override readonly name = "Foreign";
}

/** A process holds as many resources as it may: the rest of a sentence that begins with its name. */
export class Full extends Error {
  override readonly name = "Full";
}

interface Held {
  readonly maker: Handles;
  readonly resource: string;
  readonly bytes: Uint8Array;
  /** Until it was dropped or given away. */
  open: boolean;
}

const held = new WeakMap<object, Held>();

/** Makes the object that stands for a resource of this type. */
export type Make = (resource: ResourceType) => object;

/** What tells one resource type from another. */
export const resourceKey = ({ owner = "", name }: ResourceType): string => `${owner}#${name}`;

/** Whether an object's process has ended, so that nobody need be asked. */
export const isGone = (value: unknown): boolean => lookUp(value)?.maker.ended === true;

/** Tells the process that made it that an object is used no more. Nothing where it was given away, or its maker ended. */
export const letGo = (value: object): void => {
  const one = held.get(value);
  if (one?.open) one.maker.drop(one);
};

const lookUp = (value: unknown): Held | undefined =>
  typeof value === "object" && value !== null ? held.get(value) : undefined;

/** The resources that one process has made and still has to keep. */
export class Handles {
  readonly #open = new Set<string>();
  readonly #tell: (handle: Uint8Array) => void;
  #ended = false;

  /** `tell` lets the process know that it need not keep one any more. */
  constructor(tell: (handle: Uint8Array) => void) {
    this.#tell = tell;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The process is gone, and all that it made. */
  end(): void {
    this.#ended = true;
    this.#open.clear();
  }

  drop(one: Held): void {
    this.#forget(one);
    if (!this.#ended) this.#tell(one.bytes);
  }

  #forget(one: Held): void {
    one.open = false;
    this.#open.delete(keyOf(one.bytes));
  }

  /**
   * What a call gives: objects as bytes. Afterwards either `done`, since what it owns is its own from then on, or `lost`,
   * since its caller has given it away all the same.
   */
  giving() {
    const given = new Set<Held>();
    const handleOf: HandleOf = (value, type) => {
      const one = this.#own(value, type);
      if (given.has(one)) throw new Stale(`a ${type.resource.name} that is given away in the same call`);
      if (type.kind === "own") given.add(one);
      return one.bytes;
    };
    return {
      handleOf,
      done: () => {
        for (const one of given) this.#forget(one);
      },
      lost: () => {
        for (const one of given) this.drop(one);
      },
    };
  }

  #own(value: unknown, { resource }: HandleType): Held {
    const one = lookUp(value);
    if (!one || one.resource !== resourceKey(resource))
      throw new Stale(`a ${resource.name} that it did not make`);
    if (one.maker !== this) throw new Stale(`a ${resource.name} of a process that was there before it`);
    if (!one.open) throw new Stale(`a ${resource.name} that was dropped or given away`);
    return one;
  }

  /** What an answer brings: bytes as objects, which count once it is `done`. Whatever keeps it from that, they are `lost`. */
  taking(make: Make) {
    const taken = new Map<string, { readonly object: object; readonly held: Held }>();
    const objectOf: ObjectOf = (bytes, { kind, resource }) => {
      const { name } = resource;
      if (kind === "borrow")
        throw new Foreign(`a ${name} that it does not give away, which no result can hold`);
      const { sidecarHandleBytesMax: most } = limits;
      if (bytes.length === 0 || bytes.length > most)
        throw new Foreign(
          `a ${name} that is named in ${bytes.length} bytes, where 1 to ${most} are looked for`,
        );
      const key = keyOf(bytes);
      if (this.#open.has(key) || taken.has(key))
        throw new Foreign(`a ${name} by a name that another resource has, 0x${bytes.toHex()}`);
      if (this.#open.size + taken.size >= limits.handlesMax)
        throw new Full(
          `has made ${limits.handlesMax} resources that nobody has dropped, and that is the limit`,
        );
      const object = make(resource);
      taken.set(key, { object, held: { maker: this, resource: resourceKey(resource), bytes, open: true } });
      return object;
    };
    return {
      objectOf,
      done: () => {
        for (const [key, one] of taken) {
          this.#open.add(key);
          held.set(one.object, one.held);
        }
      },
      lost: () => {
        for (const one of taken.values()) if (!this.#ended) this.#tell(one.held.bytes);
      },
    };
  }
}

/** Bytes as a key: each is one character. */
const keyOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
