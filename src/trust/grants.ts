import type { NetworkGrant } from "./network.ts";

// What one instance may do. Grants are made per instance and never shared; whatever is absent is denied.

/** One folder of the host shown to a guest. */
export interface FolderGrant {
  /** Absolute path on the host; it exists and is a folder. */
  readonly host: string;
  /** Where the guest sees it ("/data", "."). */
  readonly guest: string;
  readonly readOnly: boolean;
}

export interface Grants {
  readonly folders: readonly FolderGrant[];
  /** Environment variables shown to the guest; the host's own are never inherited. */
  readonly env: ReadonlyArray<readonly [string, string]>;
  /**
   * Interfaces or whole packages granted beyond the default of the untrusted, unversioned ("loop:run",
   * "loop:slots/slots"), or "*" for all (the shipped commands).
   */
  readonly capabilities: ReadonlySet<string>;
  /**
   * Programs that `loop:process` may start: a name looked up on PATH ("git"), an absolute path, or "*" for any.
   * The component's trust is needed besides.
   */
  readonly runs?: readonly string[];
  /** What of the network it may use; absent is nothing. */
  readonly network?: readonly NetworkGrant[];
}

export const noGrants: Grants = { folders: [], env: [], capabilities: new Set(), runs: [], network: [] };

/** Whether an interface ("loop:run/runner@0.1.0") is covered by the capabilities of these grants. */
export const mayUse = (grants: Grants, interfaceName: string): boolean => {
  const plain = interfaceName.replace(/@.*$/, "");
  const { capabilities } = grants;
  return capabilities.has("*") || capabilities.has(plain) || capabilities.has(plain.replace(/\/.*$/, ""));
};
