import type { PublicKey } from "./key/public.ts";
import type { Signed } from "./signature/check.ts";
import type { RememberedKeys } from "./signers.ts";

/** What `[trust]` of one loop.toml says. It proposes keys, which count when the person agreed, and takes away. */
export interface WorkspaceTrust {
  /** Absolute: the folder of the loop.toml, which is the scope of what the person agreed to. */
  readonly folder: string;
  /** The file, for people: "/home/a/x/loop.toml". */
  readonly place: string;
  readonly keys: readonly {
    readonly name: string;
    readonly key: PublicKey;
    readonly expiresMs: number | undefined;
  }[];
  readonly revoked: readonly PublicKey[];
  readonly threshold: number | undefined;
}

/**
 * What a key's signature is worth here: `trusted` counts; `expired` and `revoked` did; `proposed` is named by a
 * loop.toml whose word the person has not taken; `own` is the person's, and counts only once they say so.
 */
export type Standing = "trusted" | "expired" | "revoked" | "proposed" | "own" | "unknown";

export interface KnownKey {
  readonly key: PublicKey;
  readonly name: string;
  readonly standing: Standing;
  /** Who says so: "you", "/home/a/x/loop.toml", "your key". */
  readonly place: string;
  readonly expiresMs: number | undefined;
}

export interface KeyringSources {
  readonly remembered: RememberedKeys;
  /** The loop.toml files that speak where the person stands. */
  readonly workspaces: readonly WorkspaceTrust[];
  /** The person's own keys. */
  readonly own: readonly { readonly name: string; readonly key: PublicKey }[];
  readonly nowMs: number;
}

/** What the signatures of one component come to. */
export interface Judgement {
  /** As many different trusted keys as are needed have signed it. */
  readonly trusted: boolean;
  readonly threshold: number;
  readonly signers: readonly KnownKey[];
  /** Ids of keys that nobody here knows. */
  readonly unknown: readonly string[];
  /** As what it was signed: "acme:tool@1.2.0". */
  readonly package: string | undefined;
}

/** Whose signatures count, where the person stands and now. */
export class Keyring {
  readonly threshold: number;
  readonly #known: ReadonlyMap<PublicKey, KnownKey>;

  constructor(sources: KeyringSources) {
    this.#known = knownKeys(sources);
    this.threshold = thresholdOf(sources);
  }

  /** All keys that have a standing, each once. */
  list(): readonly KnownKey[] {
    return [...this.#known.values()];
  }

  standing(key: PublicKey): KnownKey {
    return (
      this.#known.get(key) ?? { key, name: "", standing: "unknown", place: "nobody", expiresMs: undefined }
    );
  }

  /**
   * What signatures that hold come to. Of a component that was resolved as a package, a signature counts only where
   * it was signed as that package: nothing else binds the name.
   */
  judge({ signers, unknown, statement }: Signed, resolved: string | undefined): Judgement {
    const known = signers.map((key) => this.standing(key));
    const counted = known.filter(({ standing }) => standing === "trusted").length;
    const bound = resolved === undefined || statement?.package === resolved;
    return {
      trusted: bound && counted >= this.threshold,
      threshold: this.threshold,
      signers: known,
      unknown,
      package: statement?.package,
    };
  }
}

/** The strictest of those who ask for one. */
const thresholdOf = ({ remembered, workspaces }: KeyringSources): number =>
  Math.max(
    1,
    remembered.thresholds.get("") ?? 1,
    ...workspaces.flatMap(({ folder, threshold }) => [
      threshold ?? 1,
      remembered.thresholds.get(folder) ?? 1,
    ]),
  );

const knownKeys = (sources: KeyringSources): Map<PublicKey, KnownKey> => {
  const { remembered, workspaces, own, nowMs } = sources;
  const known = new Map<PublicKey, KnownKey>();
  /** Of two who speak of one key, the one that stands higher in `order` is heard. */
  const say = (one: KnownKey) => {
    const before = known.get(one.key);
    if (!before || order.indexOf(one.standing) < order.indexOf(before.standing)) known.set(one.key, one);
  };
  const folders = new Map(workspaces.map((one) => [one.folder, one]));
  for (const { key, name, scope, expiresMs } of remembered.believed) {
    const workspace = folders.get(scope);
    if (scope !== "" && !workspace) continue;
    const proposals = workspace
      ? workspaces.flatMap(({ keys }) => keys.filter((one) => one.key === key))
      : [];
    const ends = proposals.map((one) => one.expiresMs).reduce(earlier, expiresMs);
    const standing = ends !== undefined && ends <= nowMs ? "expired" : "trusted";
    const place = workspace ? `you, in ${workspace.folder}` : "you";
    say({ key, name, standing, place, expiresMs: ends });
  }
  for (const { keys, place } of workspaces)
    for (const { key, name, expiresMs } of keys) say({ key, name, standing: "proposed", place, expiresMs });
  for (const { key, name } of own)
    say({ key, name, standing: "own", place: "your key", expiresMs: undefined });
  const nameOf = (key: PublicKey) => known.get(key)?.name ?? "";
  for (const { key, name } of remembered.revoked)
    say({ key, name: name || nameOf(key), standing: "revoked", place: "you", expiresMs: undefined });
  for (const { revoked, place } of workspaces)
    for (const key of revoked)
      say({ key, name: nameOf(key), standing: "revoked", place, expiresMs: undefined });
  return known;
};

const order: readonly Standing[] = ["revoked", "trusted", "expired", "proposed", "own", "unknown"];

const earlier = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);

/** The keys whose signatures made a component trusted; none where it is not trusted by signature. */
export const countedSigners = (judgement: Judgement | undefined): readonly PublicKey[] =>
  judgement?.trusted
    ? judgement.signers.filter(({ standing }) => standing === "trusted").map(({ key }) => key)
    : [];
