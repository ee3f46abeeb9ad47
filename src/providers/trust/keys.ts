import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { errno, fault } from "../../base/fault.ts";
import { writeFileAtomic } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";
import { readPrivateKey, writePrivateKey } from "../../trust/key/private.ts";
import { type KeyForm, noKey, writePublicKey } from "../../trust/key/public.ts";
import { type KeyInfo, KeyStore } from "../../trust/key/store.ts";
import { passphraseVariable, type TrustServices } from "./index.ts";

/** `loop:trust/keys#key`. */
const record = ({ name, key, locked, path, createdAt }: KeyInfo) => ({
  name,
  publicKey: key,
  locked,
  path,
  created: createdAt,
});

export const list = () => new KeyStore().list().map(record);

/** The passphrase that was typed, or else that of the environment. */
export const passphraseOf = ({ environment }: TrustServices, typed: string | undefined): string | undefined =>
  typed ?? environment[passphraseVariable];

/** The passphrase for a key that is to be kept; undefined where it is to lie open. Faults: LK0808. */
const protection = (
  services: TrustServices,
  locked: boolean,
  typed: string | undefined,
): string | undefined => {
  if (!locked) return undefined;
  const passphrase = passphraseOf(services, typed);
  if (passphrase) return passphrase;
  throw fault("LK0808", "A passphrase was looked for to lock the key with, and it is empty", {
    hint: "to keep it without one: --no-passphrase",
  });
};

export const create = async (
  services: TrustServices,
  name: string,
  locked: boolean,
  typed: string | undefined,
) => record(await new KeyStore().create(name, protection(services, locked, typed)));

export const importKey = async (
  services: TrustServices,
  name: string,
  written: string,
  locked: boolean,
  typed: string | undefined,
) => {
  const path = resolve(services.folder, written);
  const key = await readPrivateKey(readBounded(path));
  if (!key) throw noKey(path, "a private key");
  return record(await new KeyStore().keep(name, key, protection(services, locked, typed)));
};

/** The old passphrase may come from the environment; the new one is typed, since the environment has one only. */
export const relock = async (
  services: TrustServices,
  name: string,
  before: string | undefined,
  locked: boolean,
  typed: string | undefined,
) => {
  const passphrase = locked ? typed || undefined : undefined;
  if (locked && passphrase === undefined)
    throw fault("LK0808", `Another passphrase was looked for to lock the key ${name} with, and it is empty`, {
      hint: "to keep it without one: --no-passphrase",
    });
  return record(await new KeyStore().relock(name, passphraseOf(services, before), passphrase));
};

const readBounded = (path: string): Uint8Array => {
  try {
    const { size } = statSync(path);
    if (size > limits.keyFileBytesMax)
      throw fault("LK0204", `${path} is ${size} bytes; the limit of a key is ${limits.keyFileBytesMax}`);
    return readFileSync(path);
  } catch (error) {
    const code = errno(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw fault("LK0101", `A key was looked for at ${path}, and there is no such file`, {
        hint: "loop key new NAME makes one",
        cause: error,
      });
    if (code) throw fault("LK0007", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
};

export interface ExportRequest {
  readonly name: string;
  readonly form: KeyForm;
  /** The private half too. */
  readonly whole: boolean;
  readonly passphrase: string | undefined;
  readonly output: string | undefined;
}

/** The text, where it is one and no file was named for it. */
export const exportKey = async (services: TrustServices, request: ExportRequest): Promise<string> => {
  const { name, form, whole, passphrase, output } = request;
  const store = new KeyStore();
  const bytes = whole
    ? writePrivateKey(await store.open(name, passphraseOf(services, passphrase)), form)
    : writePublicKey(store.info(name).key, form, name);
  if (!bytes)
    throw fault("LK0004", `A private key is written as wasmsign2, pem or der, and ${form} was asked for`, {
      hint: `loop key export ${name} --private --form pem --output FILE`,
    });
  if (output !== undefined) {
    write(resolve(services.folder, output), bytes, whole ? 0o600 : 0o644);
    return "";
  }
  if (form !== "wasmsign2" && form !== "der") return Buffer.from(bytes).toString();
  throw fault("LK0003", `A file was looked for to write the key to, since ${form} is no text`, {
    hint: `loop key export ${name} --form ${form} --output FILE`,
  });
};

/** A key never takes the place of a file: that may be the only copy of another. */
const write = (path: string, bytes: Uint8Array, mode: number): void => {
  if (existsSync(path))
    throw fault("LK0807", `A key was to be written to ${path}, and a file is there`, {
      hint: "--output OTHER",
    });
  writeFileAtomic(path, bytes, { mode });
};

export const remove = (name: string): boolean => new KeyStore().remove(name);
