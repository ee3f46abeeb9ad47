import { fault } from "../base/fault.ts";
import { nearest } from "../base/suggest.ts";
import type { FetchContext, Fetched, Fetcher, OnProgress } from "./fetch.ts";
import { type Identifier, parseIdentifier } from "./identifier.ts";
import { openPolicy, type Policy } from "./policy.ts";
import type { Remote } from "./remote.ts";

export interface ResolverOptions {
  /** Absolute; relative paths are relative to it. */
  readonly folder: string;
  /** What fills `fetcher:<scheme>`; undefined where nothing does. */
  readonly fetcherOf: (scheme: string) => Promise<Fetcher | undefined> | Fetcher | undefined;
  /** The schemes that there are, for saying so. */
  readonly schemes: () => readonly string[];
  /** Store and lock, opened when an identifier first names something from elsewhere. */
  readonly remote: (policy: Policy) => Promise<Remote>;
  /** What `[dependencies]` says that an identifier means; the identifier itself where it says nothing. */
  readonly meaning?: (identifier: Identifier) => Identifier;
  /** What loop.toml says of a registry's mirrors. */
  readonly mirrorsOf?: FetchContext["mirrorsOf"];
  readonly policy?: Policy;
  /** Shows how far a fetch is, where nobody else wants to; made when there is something to show. */
  readonly progress?: (() => Shown) | undefined;
}

/** Something that shows the progress of one fetch. */
export interface Shown {
  readonly update: OnProgress;
  finish(): void;
}

/** Identifiers of one folder: each through the fetcher of its scheme, and what is remote through lock and store. */
export class Resolver {
  readonly folder: string;
  readonly policy: Policy;
  readonly #options: ResolverOptions;
  #remote: Promise<Remote> | undefined;

  constructor(options: ResolverOptions) {
    this.folder = options.folder;
    this.policy = options.policy ?? openPolicy;
    this.#options = options;
  }

  /** Store and lock. Faults: LK05 where a loop.toml does not read. */
  remote(): Promise<Remote> {
    this.#remote ??= this.#options.remote(this.policy);
    return this.#remote;
  }

  /** The same without the network and without a change of the lock: for what is only to be shown. */
  get still(): Resolver {
    return new Resolver({ ...this.#options, policy: { ...this.policy, offline: true, locked: true } });
  }

  /** Fetches what an identifier names. Faults: LK0102, LK0103, LK0105 to LK0108, the fetcher's. */
  fetch(text: string, onProgress?: OnProgress): Promise<Fetched> {
    return this.#with(text, onProgress, async (identifier, fetcher, context) =>
      fetcher.remote
        ? (await this.remote()).fetch(identifier, fetcher, context)
        : fetcher.fetch(identifier, context),
    );
  }

  /** Asks anew what a remote identifier names, whatever loop.lock says, and locks that. Faults: as `fetch`. */
  update(text: string, onProgress?: OnProgress): Promise<Fetched> {
    return this.#with(text, onProgress, async (identifier, fetcher, context) =>
      fetcher.remote
        ? (await this.remote()).update(identifier, fetcher, context)
        : fetcher.fetch(identifier, context),
    );
  }

  /** Whether what an identifier names comes from elsewhere. Faults: LK0102, LK0103. */
  async isRemote(text: string): Promise<boolean> {
    return (await this.#prepare(text)).fetcher.remote;
  }

  /** What fetchers are told, for whoever asks a registry for something other than a component. */
  context(): FetchContext {
    const { folder, policy } = this;
    return { folder, allowHttp: policy.allowHttp, mirrorsOf: this.#options.mirrorsOf };
  }

  async #with(
    text: string,
    onProgress: OnProgress | undefined,
    work: (identifier: Identifier, fetcher: Fetcher, context: FetchContext) => Promise<Fetched>,
  ): Promise<Fetched> {
    const { identifier, fetcher } = await this.#prepare(text);
    let shown: Shown | undefined;
    const update: OnProgress = (...step) => {
      shown ??= this.#options.progress?.();
      shown?.update(...step);
    };
    try {
      return await work(identifier, fetcher, { ...this.context(), onProgress: onProgress ?? update });
    } finally {
      shown?.finish();
    }
  }

  async #prepare(text: string) {
    const { fetcherOf, schemes, meaning } = this.#options;
    const written = parseIdentifier(text);
    const identifier = written.scheme === "package" && meaning ? meaning(written) : written;
    const fetcher = await fetcherOf(identifier.scheme);
    if (!fetcher) throw noFetcher(identifier, schemes());
    return { identifier, fetcher };
  }
}

const noFetcher = ({ text, scheme }: Identifier, known: readonly string[]) => {
  if (scheme === "sidecar")
    return fault("LK0103", `${text} is a program, which fills a slot and is no component to be fetched`, {
      hint: `loop slot set SLOT ${text}`,
    });
  const sorted = [...known].sort();
  const near = nearest(scheme, sorted);
  return fault("LK0103", `${text} needs a fetcher for "${scheme}", and there are: ${sorted.join(", ")}`, {
    hint:
      near && near !== scheme
        ? `did you mean ${near}:?`
        : `loop slot set fetcher:${scheme} ./fetcher.wasm, or give a path such as ./component.wasm`,
  });
};
