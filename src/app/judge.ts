import type { Manifest } from "../base/manifest/manifest.ts";
import { Decisions } from "../trust/decisions.ts";
import { KeyStore } from "../trust/key/store.ts";
import { Keyring } from "../trust/keyring.ts";
import { manifestsHere, requiring, workspaceTrust } from "../trust/policy.ts";
import type { Signers } from "../trust/signers.ts";
import type { Judge } from "../trust/verify.ts";

/** What the person decided and their workspace asks for, each looked up when it first matters. */
export const judgeFor = (folder: string, decisions: Decisions = new Decisions()): Judge => {
  let manifests: readonly Manifest[] | undefined;
  const here = (): readonly Manifest[] => {
    manifests ??= manifestsHere(folder);
    return manifests;
  };
  const signers = decisions.signers();
  return {
    trusts: (digest) => decisions.trust(digest).length > 0,
    requires: (identifier) => requiring(identifier, here(), folder),
    keyring: () => keyringOf(here(), signers),
    memory: signers,
  };
};

/** Whose signatures count in a folder. Faults: LK0810, LK0007, those of memory that cannot be read. */
export const keyringHere = (folder: string, decisions: Decisions = new Decisions()): Keyring =>
  keyringOf(manifestsHere(folder), decisions.signers());

/** The folder of the workspace here, or of the one project: that of the topmost loop.toml that speaks for it. */
export const workspaceHere = (folder: string): string | undefined => manifestsHere(folder).at(-1)?.folder;

const keyringOf = (manifests: readonly Manifest[], signers: Signers): Keyring =>
  new Keyring({
    remembered: signers.all(),
    workspaces: manifests.map(workspaceTrust),
    own: new KeyStore().readable(),
    nowMs: Date.now(),
  });
