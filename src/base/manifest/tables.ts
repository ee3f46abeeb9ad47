// The tables of loop.toml as they are written, after schema.json has been held to them.

export interface ComponentTable {
  readonly name: string;
  readonly version?: string;
  readonly language?: string;
  readonly world?: string;
  readonly description?: string;
  /** An identifier: what turns the state of its older versions into its own. */
  readonly migrate?: string;
}

export interface BuildTable {
  readonly main?: string;
  readonly engine?: "quickjs" | "starlingmonkey";
  readonly tsconfig?: string;
  readonly minify?: boolean;
  readonly clang?: string;
  readonly flags?: readonly string[];
  /** For a builder from elsewhere, as written: what JSON can hold. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** One `[slots.NAME]` table. With `contract` it declares the slot; `use` chooses what fills it. */
export interface SlotTable {
  readonly contract?: string;
  readonly summary?: string;
  readonly default?: readonly string[];
  readonly policy?: "core" | "default" | "plugin";
  readonly combination?: "one" | "first" | "all";
  readonly trust?: "untrusted" | "trusted";
  readonly use?: readonly string[];
  /** In the words of flags ("loop:storage", "--dir ./data"), or as `[grants]` has them. */
  readonly grants?: readonly string[] | GrantsTable;
  /** As written: "100ms". */
  readonly timeout?: string;
  /** An identifier. */
  readonly migrate?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** `[grants]`: what the component may do where it was built; each value as its flag of `loop run` has it. */
export interface GrantsTable {
  readonly dirs?: readonly string[];
  readonly net?: readonly string[];
  readonly env?: readonly string[];
  readonly run?: readonly string[];
  readonly capabilities?: readonly string[];
}

/** `[trust]`: whose signatures this workspace proposes to believe, and what it asks of them. */
export interface TrustTable {
  /** Public keys by the names of their holders, each perhaps with its last day (UTC). They count when a person agrees. */
  readonly keys?: Readonly<Record<string, string | { readonly key: string; readonly expires?: string }>>;
  /** How many different keys have to have signed a component. */
  readonly threshold?: number;
  /** Keys that count for nothing, whoever believes them. */
  readonly revoked?: readonly string[];
  /** Identifiers, or patterns of them, of what has to be signed. */
  readonly require?: readonly string[];
}

/** `[capabilities]`: for each a reason, or a reason with what is wanted. */
export type CapabilitiesTable = Readonly<
  Record<string, string | { readonly reason: string; readonly want?: readonly string[] }>
>;
